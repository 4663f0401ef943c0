"""The publicity notice as a page: the pool's arithmetic, the head counts, the cases."""

from collections import Counter

from jobs.pipeline.request import PeriodRequest
from jobs.reporting import words
from jobs.reporting.notice import Notice
from jobs.reporting.plots import bars, figure
from jobs.reporting.text import Facts, Figure, Page, Paragraph, Section, Table, Text, money, number
from jobs.rulebook.rules import Platform

T = Text
CASES_ON_PAGE_MAX = 5_000
MASKING = T(
    "个案已作遮蔽：所示的年龄段、性别、地区和入会时长，至少由本计划{floor}名受分摊成员共有；同一病种和性别的公示个案不足{floor}例的，"
    "病种显示为“其他重大疾病”。不足时依次放宽：省份→大区→不公开，十年段→二十年段→不公开。公示中没有编号、姓名和日期。",
    "Cases are masked: at least {floor} covered members of the plan share the age band, sex, place and length of "
    "membership shown; an illness of which fewer than {floor} cases with that sex have been publicised is shown as "
    "“other severe illness”. Where too few share it, a province becomes a region, then is not shown; ten years become "
    "twenty, then are not shown. "
    "There is no number, name or date of a person.",
)


def notice_page(notice: Notice, request: PeriodRequest, floor: int, links: tuple) -> Page:
    """The page of a period's notice."""
    platform, calendar = request.platform, request.platform.calendar
    lead = T(
        "公示日 {public}，分摊日 {deduction}。公示期 {days} 天，异议成立的个案不予互助；未决的个案本期不计。",
        "Public on {public}, deducted on {deduction}. Public for {days} days: a case with an upheld objection gets no "
        "aid; one with a pending objection is not part of this period.",
    ).format(public=request.publicity_on, deduction=calendar.deduction_on(request.period), days=calendar.publicity_days)
    of_plans = [_plan_section(notice, platform, plan_id, floor) for plan_id in sorted(notice.pools)]
    title = T("{name} {period} 公示", "{name} {period}: publicity notice").format(
        name=T(**platform.names), period=notice.period
    )
    return Page(
        notice_file(notice.period), title, lead, (_overview(notice, platform), *of_plans, _masking(floor)), links
    )


def notice_file(period: str) -> str:
    return f"notice-{period}.html"


def _overview(notice: Notice, platform: Platform) -> Section:
    rows = [
        (
            words.plan(platform, rate["plan_id"]),
            words.named(rate["tier"]),
            number(rate["covered_count"]),
            money(rate["share_fen"]),
            money(rate["share_aid_fen"]),
            money(rate["share_fee_fen"]),
        )
        for rate in notice.rates
    ]
    columns = (
        T("计划", "plan"), T("档次", "tier"), T("分摊成员（人）", "members covered"), T("每人分摊", "share per head"),
        T("其中互助金", "of it aid"), T("其中管理费", "of it fee"),
    )  # fmt: skip
    note = T(
        "人数按计划和档次分别计算，为公示日零时在会的成员；各计划各自分摊，人数不可相加。单位：元。",
        "Head counts are by plan and tier, at 00:00 of the publicity day. Each plan shares on its own: the counts must "
        "not be added up. Amounts in yuan.",
    )
    table = Table(T("本期每人分摊", "What each member shares"), columns, tuple(rows), note)
    return Section(T("每人分摊多少", "What each member shares"), (table,))


def _plan_section(notice: Notice, platform: Platform, plan_id: str, floor: int) -> Section:
    pool = notice.pools[plan_id]
    cases = [case for case in notice.cases if case["plan_id"] == plan_id]
    facts = Facts(
        (
            (T("受助个案", "cases helped"), number(pool["case_count"])),
            (T("互助金（元）", "aid (yuan)"), money(pool["benefit_fen"])),
            (T("分摊成员", "members covered"), number(pool["covered_count"])),
            (T("应分摊总额（元）", "due in all (yuan)"), money(pool["due_fen"])),
        )
    )
    counted = [case for case in cases if case["counted"]]
    others = [case for case in cases if not case["counted"]]
    raised = [case for case in cases if case["objection"] != "none" or case["first_period"] != notice.period]
    parts = [facts, _arithmetic(notice, pool, plan_id)]
    if counted:
        parts.append(_by_illness(counted, platform))
    parts.append(_cases(T("受助个案", "Cases helped"), counted, platform))
    if others:
        parts.append(_struck(others, platform))
    parts.append(_objections(raised, platform))
    return Section(words.plan(platform, plan_id), tuple(parts), anchor=plan_id)


def _arithmetic(notice: Notice, pool: dict, plan_id: str) -> Table:
    """The pool in one column of sums: what is asked, what is divided, what is owed, what is carried on."""
    rates = [rate for rate in notice.rates if rate["plan_id"] == plan_id]
    steps = [
        (T("互助金合计（{n}例）", "aid of {n} cases").format(n=number(pool["case_count"])), money(pool["benefit_fen"])),
        (T("＋ 管理费", "+ fee"), money(pool["fee_fen"])),
        (T("－ 上期结余", "− brought forward"), money(pool["brought_forward_fen"])),
        (
            T("－ 超出单案上限，由平台承担", "− above the per-case cap: the platform pays"),
            money(pool["case_sponsored_fen"]),
        ),
        (T("＝ 本期待分摊", "= pool to be shared"), money(pool["pool_fen"])),
    ]
    for rate in rates:
        steps.append(
            (
                T("{tier}：{n}人 × {share}元", "{tier}: {n} members × {share} yuan").format(
                    tier=words.named(rate["tier"]), n=number(rate["covered_count"]), share=money(rate["share_fen"])
                ),
                money(rate["billed_fen"]),
            )
        )
    steps += [
        (T("＝ 分摊合计", "= shares in all"), money(pool["billed_fen"])),
        (
            T("－ 由平台承担（年度上限、减免）", "− the platform pays (yearly cap, waivers)"),
            money(pool["member_sponsored_fen"]),
        ),
        (T("＝ 成员应付", "= owed by members"), money(pool["due_fen"])),
        (T("结转下期（分摊合计－待分摊）", "carried forward (shares − pool)"), money(pool["carried_forward_fen"])),
    ]  # fmt: skip
    note = T("取整方式：{rounding}。", "Rounding: {rounding}.").format(rounding=words.named(pool["rounding"]))
    return Table(
        T("本期账目（元）", "The arithmetic (yuan)"), (T("项目", "item"), T("金额", "amount")), tuple(steps), note
    )


def _by_illness(cases: list[dict], platform: Platform) -> Figure:
    counts = Counter(case["illness_code"] for case in cases).most_common()
    named = [(words.illness(platform, code), count) for code, count in counts]

    def draw(language: str):
        rows = [
            {"what": words.in_language(name, language), "value": count, "label": f"{count:,}"} for name, count in named
        ]
        return bars(rows, words.in_language(T("个案数", "cases"), language))

    told = [
        ", ".join(f"{words.in_language(name, language)} {count}" for name, count in named) for language in ("zh", "en")
    ]
    return figure(
        T("受助个案按病种（遮蔽后）。", "Cases helped by illness, as shown after masking."),
        T("条形图，受助个案按病种：{told}", "Bar chart of the cases helped by illness: {told}").format(told=T(*told)),
        draw,
    )


CASE_COLUMNS = (
    T("序号", "no."), T("病种", "illness"), T("程度", "severity"), T("年龄", "age"), T("性别", "sex"),
    T("地区", "place"), T("入会时长", "member for"), T("互助金（元）", "aid (yuan)"),
)  # fmt: skip


def _cells(case: dict, platform: Platform) -> tuple:
    return (
        number(case["case_no"]),
        words.illness(platform, case["illness_code"]),
        words.named(case["severity"]),
        words.named(case["age_band"]) if case["age_band"] == "hidden" else case["age_band"].replace("-", "–"),
        words.named(case["sex"]),
        words.place(case["place"]),
        words.named(case["member_months"]),
    )


def _cases(caption: Text, cases: list[dict], platform: Platform) -> Table:
    rows = tuple((*_cells(case, platform), money(case["aid_fen"])) for case in cases[:CASES_ON_PAGE_MAX])
    cut = T(
        "此页列出前{n}例，全部见 report/publicity 表。",
        "The first {n} cases; all of them are in the table report/publicity.",
    )
    note = cut.format(n=number(CASES_ON_PAGE_MAX)) if len(cases) > CASES_ON_PAGE_MAX else None
    return Table(caption, CASE_COLUMNS, rows, note)


def _struck(cases: list[dict], platform: Platform) -> Table:
    rows = tuple((*_cells(case, platform), words.named(case["marker"])) for case in cases[:CASES_ON_PAGE_MAX])
    columns = (*CASE_COLUMNS[:-1], T("原因", "why"))
    return Table(T("本期不计的个案", "Cases that do not count in this period"), columns, rows)


def _objections(cases: list[dict], platform: Platform) -> Table:
    rows = tuple(
        (
            number(case["case_no"]),
            words.illness(platform, case["illness_code"]),
            words.named(case["objection"]),
            case["first_period"],
            case["settled_period"] or T("尚未", "not yet"),
        )
        for case in cases[:CASES_ON_PAGE_MAX]
    )
    columns = (
        T("序号", "no."), T("病种", "illness"), T("异议结果", "objection"), T("首次公示", "first public in"),
        T("计入", "settled in"),
    )  # fmt: skip
    return Table(T("异议及结果", "Objections and their outcome"), columns, rows)


def _masking(floor: int) -> Section:
    return Section(
        T("个案如何遮蔽", "How cases are masked"), (Paragraph(MASKING.format(floor=number(floor))),), "masking"
    )
