"""The report of a year as a page."""

from jobs.money import PPM
from jobs.pipeline.request import Request
from jobs.reporting import words
from jobs.reporting.annual import YearReport
from jobs.reporting.annual_sections import missing_periods, sources_section
from jobs.reporting.period_page import PLAN
from jobs.reporting.plots import bars, figure
from jobs.reporting.shares import share_figure, share_table
from jobs.reporting.text import Facts, Number, Page, Paragraph, Section, Table, Text, money, number, percent

T = Text
ALL_PLANS = T("全部计划", "all plans")
ITEM, AMOUNT, COUNT = T("项目", "item"), T("金额（元）", "amount (yuan)"), T("数量", "how many")
CITY_TIERS = {
    "1": T("一线", "tier 1"), "2": T("二线", "tier 2"), "3": T("三线", "tier 3"),
    "4": T("四线", "tier 4"), "5": T("五线", "tier 5"), "6": T("农村", "countryside"),
}  # fmt: skip
AMOUNT_WORDS = {
    "benefit_fen": T("互助金", "aid"),
    "fee_fen": T("管理费", "fee"),
    "case_sponsored_fen": T("平台承担：单案上限", "platform: per-case cap"),
    "member_sponsored_fen": T("平台承担：年度上限、减免", "platform: yearly cap, waivers"),
    "due_fen": T("成员应付", "owed by members"),
    "share_year_fen": T("标准版每人全年", "per head of the standard tier, all periods"),
}
VISIT_WORDS = {
    "visits": T("实地走访次数", "field visits"),
    "investigators": T("调查员", "investigators"),
    "hospitals": T("走访医院", "hospitals visited"),
    "insurance_offices": T("走访社保机构", "insurance offices visited"),
}
PUBLISHED_WORDS = {
    "helped": T("受助成员", "members helped"), "share_year": T("每人全年分摊", "share per head and year"),
    "shared_out": T("分摊总额", "shared out"), "fee_received": T("实收管理费", "fee received"),
    "fraud_cases": T("拦截欺诈", "frauds intercepted"), "fraud_saved": T("避免损失", "amount saved"),
    "share": T("每人分摊", "share per head"),
    "used_investigation": T(
        "支出用于实地调查（公布：逾四成）", "of the costs, field investigation (published: over 40%)"
    ),
    "used_technology": T("支出用于技术（公布：近四成）", "of the costs, technology (published: nearly 40%)"),
}  # fmt: skip


class YearPage:
    """The page of one year; each method is one section."""

    def __init__(self, report: YearReport, request: Request):
        self.report, self.request = report, request
        self.plan_ids = sorted({row["plan_id"] for row in report.rows} - {"all"})
        self.found = {(r["topic"], r["measure"], r["plan_id"], r["sex"], r["item"]): r for r in report.rows}

    def page(self, links: tuple) -> Page:
        title = T("{name} {year} 年度报告", "{name} {year}: annual report").format(
            name=T(**self.request.platform.names), year=self.report.year
        )
        lead = T(
            "本湖中该年已发布的 {n} 期：{first} 至 {last}。",
            "The {n} periods of the year that are published in this lake: {first} to {last}.",
        ).format(n=len(self.report.periods), first=self.report.periods[0], last=self.report.periods[-1])
        sections = (
            self._overview(), self._helped(), self._shared_out(), self._members(), self._fee(), self._reviews(),
            self._published(), sources_section(self.report.rows),
        )  # fmt: skip
        return Page(year_file(self.report.year), title, lead, sections, links)

    def _get(self, topic: str, measure: str, plan_id="all", sex="all", item="all") -> int | None:
        row = self.found.get((topic, measure, plan_id, sex, item))
        return None if row is None else row["quantity"] if row["quantity"] is not None else row["amount_fen"]

    def _list(self, measure: str) -> list[dict]:
        return [row for row in self.report.rows if row["measure"] == measure and row["topic"] != "published"]

    def _plan(self, plan_id: str) -> Text:
        return ALL_PLANS if plan_id == "all" else words.plan(self.request.platform, plan_id)

    def _overview(self) -> Section:
        result = self._get("fee", "result_fen")
        kept = T("收支相抵", "breaks even") if (result or 0) >= 0 else T("入不敷出", "does not break even")
        facts = Facts(
            (
                (T("受助个案", "cases helped"), number(self._get("helped", "helped"))),
                (
                    T("成员应付（元）", "shared out, owed by members (yuan)"),
                    money(self._get("shared_out", "due_fen")),
                ),
                (T("实收管理费（元）", "fee received (yuan)"), money(self._get("fee", "received_fen"))),
                (T("管理费减支出", "fee less costs"), T("未知", "not known") if result is None else kept),
            )
        )
        history = self.report.history
        parts = (facts, share_figure(history, self._plan), share_table(history, self._plan))
        return Section(T("全年概况", "The year"), (*missing_periods(self.report.rows), *parts))

    def _helped(self) -> Section:
        before = {p: self._get("helped", "helped_year_before", p) for p in self.plan_ids}
        by_plan = Table(
            T("受助个案", "Cases helped"),
            (PLAN, T("今年", "this year"), T("上年（本湖中）", "year before, in this lake")),
            tuple(
                (self._plan(p), number(self._get("helped", "helped", p) or 0), number(before[p])) for p in self.plan_ids
            ),
        )  # fmt: skip
        provinces = [(words.place(r["item"]), r["quantity"]) for r in self._list("helped_by_province")]
        by_province = self._bars(T("受助个案按省份。", "Cases helped by province."), provinces)
        return Section(T("帮助了谁", "Who was helped"), (by_plan, *self._by_illness(), *by_province))

    def _by_illness(self) -> tuple:
        rows = self._list("helped_by_illness")
        if not rows:
            return ()
        named = [(words.illness(self.request.platform, r["item"]), r["sex"], r["quantity"]) for r in rows]
        order = list(dict.fromkeys(name for name, _, _ in sorted(named, key=lambda row: -row[2])))

        def draw(language: str):
            drawn = [
                {"what": words.in_language(name, language), "group": words.in_language(words.named(sex), language),
                 "value": count, "label": f"{count:,}"}
                for wanted in order for name, sex, count in named if name == wanted
            ]  # fmt: skip
            return bars(drawn, words.in_language(T("个案数", "cases"), language), colour=" ")

        table = Table(
            T("病种和性别", "By illness and sex"), (T("病种", "illness"), T("女", "female"), T("男", "male")),
            tuple(
                (name, *(number(sum(c for n, s, c in named if (n, s) == (name, sex)))  for sex in ("F", "M")))
                for name in order
            ),
            T("不足下限的并入“其他重大疾病”。", "Groups below the floor are among the other severe illnesses."),
        )  # fmt: skip
        caption = T("受助个案按病种和性别。", "Cases helped by illness and sex.")
        return (figure(caption, T("条形图，数值见下表。", "Bar chart; the table below has the numbers."), draw), table)

    def _bars(self, caption: Text, rows: list[tuple], is_money: bool = False) -> tuple:
        """A bar chart and nothing where there is nothing to draw."""
        if not rows:
            return ()
        say = money if is_money else number

        def draw(language: str):
            drawn = [{"what": words.in_language(name, language), "value": n, "label": say(n)} for name, n in rows]
            axis = T("元", "yuan") if is_money else T("数量", "how many")
            return bars(drawn, words.in_language(axis, language), is_money=is_money)

        told = T(*("; ".join(f"{words.in_language(name, lang)} {say(n)}" for name, n in rows) for lang in ("zh", "en")))
        return (figure(caption, T("条形图：{told}", "Bar chart: {told}").format(told=told), draw),)

    def _shared_out(self) -> Section:
        columns = (ITEM, *(self._plan(p) for p in self.plan_ids))
        rows = tuple(
            (name, *(money(self._get("shared_out", measure, p)) for p in self.plan_ids))
            for measure, name in AMOUNT_WORDS.items()
        )
        table = Table(T("各计划全年（元）", "The plans over the year (yuan)"), columns, rows)
        return Section(T("分摊了多少", "What was shared out"), (table,))

    def _members(self) -> Section:
        rows = tuple(
            (
                self._plan(p),
                number(self._get("members", "covered", p)),
                _tenths(self._get("members", "mean_age_tenths", p)),
            )
            for p in self.plan_ids
        )
        note = T("最后一个公示日。", "On the last publicity day.")
        table = Table(T("成员", "Members"), (PLAN, T("分摊成员", "covered"), T("平均年龄", "mean age")), rows, note)
        tiers = [(r["item"], r["quantity"]) for r in self._list("covered_by_city_tier")]
        total = sum(count for _, count in tiers)
        cities = Table(
            T("成员居住地（人次，按计划）", "Where memberships live, over all plans"),
            (T("城市", "city"), COUNT, T("占比", "part")),
            tuple((CITY_TIERS.get(tier, words.named(tier)), number(n), percent(n, total)) for tier, n in tiers),
        )  # fmt: skip
        return Section(T("成员", "The members"), (table, cities))

    def _fee(self) -> Section:
        measures = ("accrued_fen", "sponsored_fen", "received_fen", "outstanding_fen", "written_off_fen")
        ledger = Table(
            T("管理费（元）", "The fee (yuan)"), (ITEM, AMOUNT),
            tuple((words.FEE_WORDS[m], money(self._get("fee", m))) for m in measures),
        )  # fmt: skip
        used = [(words.named(r["item"]), r["amount_fen"]) for r in self._list("used_fen") if r["item"] != "all"]
        total = self._get("fee", "used_fen") or 0
        uses = Table(
            T("用途", "What it was used for"), (ITEM, AMOUNT, T("占比", "part")),
            tuple((name, money(fen), percent(fen, total)) for name, fen in used),
            T(
                "所列各期所在月份的支出；实收减支出：{result} 元。",
                "Costs in the months of the periods; received less used: {result} yuan.",
            ).format(
                result=money(self._get("fee", "result_fen"))
            ),
        )  # fmt: skip
        visits = Table(
            T("实地调查", "Field investigation"), (ITEM, COUNT),
            tuple((name, number(self._get("fee", m))) for m, name in VISIT_WORDS.items()),
        )  # fmt: skip
        drawn = self._bars(T("管理费的用途（元）。", "What the fee was used for (yuan)."), used, is_money=True)
        return Section(T("管理费及其用途", "The fee and its use"), (ledger, *drawn, uses, visits))

    def _reviews(self) -> Section:
        decisions = Table(
            T("审核结果", "Reviews by decision"), (ITEM, COUNT),
            tuple((words.named(r["item"]), number(r["quantity"])) for r in self._list("reviews")),
            T("拦截欺诈所避免的金额：{saved} 元。", "Aid asked for by the frauds, and saved: {saved} yuan.").format(
                saved=money(self._get("review", "fraud_saved_fen"))
            ),
        )  # fmt: skip
        days = Table(
            T("平均审核天数", "Mean days of a review"), (T("方式", "technique"), T("天", "days")),
            tuple((words.named(r["item"]), _tenths(r["quantity"])) for r in self._list("mean_days_tenths")),
        )  # fmt: skip
        return Section(T("审核与欺诈", "Reviews and frauds"), (decisions, days))

    def _published(self) -> Section:
        told = Paragraph(
            T(
                "平台或媒体公布的数字与本湖的数字并列。总额按成员数和期数缩放；每人全年按期数缩放；单期每人分摊不缩放。小规模时单案上限由平台承担的部分更大，每人分摊因此更低。",
                "What the platform or the press published, beside this lake. Sums are scaled by members and periods, "
                "amounts per head and year by periods, shares of a period not at all. In a small lake the per-case cap "
                "binds more often: the platform bears more and a share is lower.",
            )
        )
        rows = []
        for row in (r for r in self.report.rows if r["topic"] == "published"):
            kind = "fen" if row["published_fen"] is not None else "quantity"
            say = money if kind == "fen" else _of_a_million if row["measure"].startswith("used_") else number
            ours = row["amount_fen"] if kind == "fen" else row["quantity"]
            what = T("{plan}：{what}（{of}）", "{plan}: {what} ({of})").format(
                plan=self._plan(row["plan_id"]),
                what=PUBLISHED_WORDS.get(row["measure"], T(row["measure"], row["measure"])),
                of=row["item"],
            )
            rows.append((what, say(row[f"published_{kind}"]), say(row[f"scaled_{kind}"]), say(ours)))
        columns = (ITEM, T("公布", "published"), T("按本湖规模", "at this scale"), T("本湖", "this lake"))
        table = Table(T("公布的数字与本湖", "Published figures and this lake"), columns, tuple(rows))
        return Section(T("与公布的数字相比", "Beside the published figures"), (told, table))


def _of_a_million(ppm: int | None) -> Number:
    return percent(ppm or 0, 0 if ppm is None else PPM)


def _tenths(tenths: int | None) -> Number:
    return Number("–" if tenths is None else f"{tenths // 10}.{tenths % 10}")


def year_file(year: int) -> str:
    return f"year-{year}.html"
