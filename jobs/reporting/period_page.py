"""The report of a period as a page."""

from jobs.pipeline.request import PeriodRequest
from jobs.reporting import words
from jobs.reporting.members_section import members_section
from jobs.reporting.notice import Notice
from jobs.reporting.period import FEE_MEASURES, PeriodReport
from jobs.reporting.plots import changes, figure
from jobs.reporting.shares import share_figure, share_table
from jobs.reporting.text import Page, Paragraph, Section, Table, Text, money, number, signed
from jobs.settlement.causes import CAUSES

T = Text
PLAN, TIER = T("计划", "plan"), T("档次", "tier")


class PeriodPage:
    """The page of one report; each method is one section."""

    def __init__(self, notice: Notice, report: PeriodReport, request: PeriodRequest, floor: int):
        self.notice, self.report, self.request, self.floor = notice, report, request, floor
        self.plan_ids = sorted(notice.pools)

    def page(self, links: tuple) -> Page:
        title = T("{name} {period} 结算报告", "{name} {period}: report of the period").format(
            name=T(**self.request.platform.names), period=self.notice.period
        )
        lead = T(
            "分摊及其变化的原因、成员进出、收款、管理费、结余与平台承担、数据质量。",
            "The shares and why they changed; who joined and left; collection; the fee; residual and sponsor; quality.",
        )
        sections = (
            self._shares(), self._causes(), self._members(), self._collection(), self._fee(), self._money(),
            self._quality(),
        )  # fmt: skip
        return Page(period_file(self.notice.period), title, lead, sections, links)

    def _plan(self, plan_id: str) -> Text:
        return words.plan(self.request.platform, plan_id)

    def _name(self, plan_id: str, tier: str) -> Text:
        tier_name = words.named(tier)
        return T("{plan} {tier}", "{plan}, {tier}").format(plan=self._plan(plan_id), tier=tier_name)

    def _rows(self, topic: str, measure: str | None = None) -> list[dict]:
        return [r for r in self.report.rows if r["topic"] == topic and measure in (None, r["measure"])]

    def _shares(self) -> Section:
        history = self.report.history
        return Section(
            T("每人分摊", "Share per head"), (share_figure(history, self._plan), share_table(history, self._plan))
        )

    def _causes(self) -> Section:
        rows = self._rows("causes")
        told = Paragraph(
            T(
                "与上期相比，每人分摊的变化按原因依次分解，各项相加等于变化，精确到分。成员越多，每人越少；个案越多、每案金额越高，每人越多。每案金额为互助金加管理费，减去平台按单案上限承担的部分。",
                "The change since the previous period, one cause after the other; they add up to it, to the fen. More "
                "members lower a share; more cases, or more aid per case, raise it. Aid per case is aid and fee, less "
                "what the platform bears above the per-case cap.",
            )
        )
        if not rows:
            none = T(
                "上期不在本湖中，无从比较。",
                "The previous period is not in this lake: there is nothing to compare with.",
            )
            return Section(T("分摊为何变化", "Why the shares changed"), (Paragraph(none),))
        changed = {}
        for row in rows:
            changed.setdefault((row["plan_id"], row["tier"]), {})[row["item"]] = row["amount_fen"]
        shown = sorted(changed.items())
        columns = (PLAN, TIER, *(words.CAUSE_WORDS[cause] for cause in CAUSES), T("合计变化", "change in all"))
        table = Table(
            T("分摊变化的原因（元）", "Causes of the change (yuan)"), columns,
            tuple(
                (self._plan(p), words.named(tier), *(signed(causes[c]) for c in CAUSES), signed(sum(causes.values())))
                for (p, tier), causes in shown
            ),
        )  # fmt: skip
        largest = max(shown, key=lambda entry: sum(map(abs, entry[1].values())))
        figures = (self._causes_figure(*largest),) if any(largest[1].values()) else ()
        return Section(T("分摊为何变化", "Why the shares changed"), (told, *figures, table))

    def _causes_figure(self, of: tuple[str, str], causes: dict[str, int]):
        name = self._name(*of)

        def draw(language: str):
            rows = [
                {
                    "what": words.in_language(words.CAUSE_WORDS[c], language),
                    "value": causes[c],
                    "label": signed(causes[c]),
                }
                for c in CAUSES
            ]
            total = sum(causes.values())
            rows.append(
                {"what": words.in_language(T("合计", "in all"), language), "value": total, "label": signed(total)}
            )
            return changes(rows, words.in_language(T("元", "yuan"), language))

        told = T(*("; ".join(f"{words.CAUSE_WORDS[c][i]} {signed(causes[c])}" for c in CAUSES) for i in (0, 1)))
        return figure(
            T("{name}：每人分摊变化的原因。", "{name}: causes of the change of the share.").format(name=name),
            T("条形图，{name}：{told}", "Bar chart, {name}: {told}").format(name=name, told=told), draw,
        )  # fmt: skip

    def _members(self) -> Section:
        largest = max(self.plan_ids, key=lambda p: self.notice.pools[p]["covered_count"])
        return members_section(self._rows("members"), self._plan, largest, self.floor)

    def _collection(self) -> Section:
        if not self.report.collected_plans:
            none = T("本期尚未收款。", "Nothing has been collected for this period yet.")
            return Section(T("收款", "Collection"), (Paragraph(none),))
        sums: dict[tuple[str, str], dict] = {}
        for row in self._rows("collection"):
            if row["measure"] != "owed_fen":
                value = row["quantity"] if row["quantity"] is not None else row["amount_fen"]
                sums.setdefault((row["plan_id"], row["item"]), {})[row["measure"]] = value
        table = Table(
            T("收款情况（元）", "What came in (yuan)"),
            (
                PLAN, T("状态", "status"), T("人数", "members"), T("应付", "due"), T("实收", "collected"),
                T("未收", "not collected"),
            ),
            tuple(
                (self._plan(p), words.named(status), number(n["members"]), money(n["due_fen"]),
                 money(n["collected_fen"]), money(n["due_fen"] - n["collected_fen"]))
                for (p, status), n in sorted(sums.items())
            ),
        )  # fmt: skip
        owed = Table(
            T("宽限期内欠费的账龄（元）", "Owed by members in grace, by days since the deduction (yuan)"),
            (PLAN, T("天数", "days"), T("金额", "owed")),
            tuple(
                (self._plan(r["plan_id"]), r["item"], money(r["amount_fen"]))
                for r in self._rows("collection", "owed_fen")
            ),
        )  # fmt: skip
        return Section(T("收款", "Collection"), (table, owed))

    def _fee(self) -> Section:
        caption = T("管理费账（元）", "Fee ledger (yuan)")
        table = self._amounts("fee", {measure: words.FEE_WORDS[measure] for measure in FEE_MEASURES}, caption)
        return Section(T("管理费", "The fee"), (table,))

    def _money(self) -> Section:
        title = T("结余与平台承担", "Residual and sponsor")
        return Section(
            title,
            (self._amounts("money", words.MONEY_WORDS, T("结余与平台承担（元）", "Residual and sponsor (yuan)")),),
        )

    def _amounts(self, topic: str, measures: dict[str, Text], caption: Text) -> Table:
        """One row per measure, one column per plan."""
        found = {(r["plan_id"], r["measure"]): r["amount_fen"] for r in self._rows(topic)}
        rows = tuple((name, *(money(found.get((p, m))) for p in self.plan_ids)) for m, name in measures.items())
        return Table(caption, (T("项目", "item"), *(self._plan(p) for p in self.plan_ids)), rows)

    def _quality(self) -> Section:
        rules = self.report.rules.values()
        broken = [rule for rule in rules if not rule["success"]]
        kept = Paragraph(
            T(
                "共检查{all}条规则，{broken}条未全部满足。",
                "{all} rules were checked, {broken} of them broken by some row.",
            ).format(all=number(len(rules)), broken=number(len(broken)))
        )
        table = Table(
            T("未满足的规则", "Rules that are broken"),
            (
                T("规则", "rule"), T("级别", "severity"), T("表", "table"), T("行数", "rows"),
                T("涉及金额（元）", "money at stake (yuan)"),
            ),
            tuple(
                (rule["sentence"], words.named(rule["severity"]), rule["table_name"], number(rule["unexpected_count"]),
                 money(rule["amount_at_stake_fen"]))
                for rule in broken
            ),
        )  # fmt: skip
        held = {(r["plan_id"], r["item"], r["measure"]): r for r in self._rows("quarantine")}
        reasons = sorted({(plan_id, reason) for plan_id, reason, _ in held})
        quarantine = Table(
            T("仍被隔离的记录", "Rows still held back"),
            (PLAN, T("原因", "reason"), T("行数", "rows"), T("涉及金额（元）", "money at stake (yuan)")),
            tuple(
                (self._plan(p), reason, number(held[(p, reason, "held")]["quantity"]),
                 money(held[(p, reason, "at_stake_fen")]["amount_fen"]))
                for p, reason in reasons
            ),
            T("一行有几个原因，就在几处计数。", "A row with several reasons is counted under each."),
        )  # fmt: skip
        return Section(T("数据质量", "Quality of the data"), (kept, table, quarantine))


def period_file(period: str) -> str:
    return f"period-{period}.html"
