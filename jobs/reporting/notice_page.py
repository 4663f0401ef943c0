"""The publicity notice as a page: the calculation of each pool, the head counts, the cases."""

from collections import Counter

from jobs.base.catalogue import Text, catalogue
from jobs.pipeline.request import PeriodRequest
from jobs.reporting import words
from jobs.reporting.corrections_section import into_table
from jobs.reporting.notice import Notice
from jobs.reporting.plots import bars, figure
from jobs.reporting.text import Facts, Figure, Page, Paragraph, Section, Table, money, number
from jobs.rulebook.rules import Platform
from schemas.report import HIDDEN

COMMON = catalogue("jobs.reporting", "common")
NOTICE = catalogue("jobs.reporting", "notice")
CASES_ON_PAGE_MAX = 5_000
CASE_COLUMNS = (
    NOTICE["case_no"], NOTICE["illness"], NOTICE["severity"], NOTICE["age"], NOTICE["sex"], NOTICE["place"],
    NOTICE["member_for"],
)  # fmt: skip


def notice_page(notice: Notice, request: PeriodRequest, floor: int, links: tuple) -> Page:
    """The page of a period's notice."""
    platform, calendar = request.platform, request.platform.calendar
    deduction_on = calendar.deduction_on(request.period)
    lead = NOTICE["lead"].format(public=request.publicity_on, deduction=deduction_on, days=calendar.publicity_days)
    title = NOTICE["title"].format(name=Text(**platform.names), period=notice.period)
    plan_sections = [_plan_section(notice, platform, plan_id) for plan_id in sorted(notice.pools)]
    masking = Section(NOTICE["masking_section"], (Paragraph(NOTICE["masking"].format(floor=number(floor))),), "masking")
    sections = (_overview(notice, platform), *plan_sections, masking)
    return Page(notice_file(notice.period), title, lead, sections, links)


def notice_file(period: str) -> str:
    """The file of the page."""
    return f"notice-{period}.html"


def _overview(notice: Notice, platform: Platform) -> Section:
    """The share of one member of each plan and tier."""
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
        COMMON["plan"], COMMON["tier"], NOTICE["members_covered_count"], NOTICE["share_per_head"], NOTICE["aid_part"],
        NOTICE["fee_part"],
    )  # fmt: skip
    table = Table(NOTICE["share_table"], columns, tuple(rows), NOTICE["share_note"])
    return Section(NOTICE["share_section"], (table,))


def _plan_section(notice: Notice, platform: Platform, plan_id: str) -> Section:
    pool = notice.pools[plan_id]
    cases = [case for case in notice.cases if case["plan_id"] == plan_id]
    facts = Facts(
        (
            (COMMON["cases_helped"], number(pool["case_count"])),
            (NOTICE["aid_yuan"], money(pool["benefit_fen"])),
            (NOTICE["members_covered"], number(pool["covered_count"])),
            (NOTICE["due_yuan"], money(pool["due_fen"])),
        )
    )
    counted = [case for case in cases if case["counted"]]
    not_counted = [case for case in cases if not case["counted"]]
    with_history = [case for case in cases if case["objection"] != "none" or case["first_period"] != notice.period]
    parts = [facts, _calculation(notice, pool, plan_id)]
    if counted:
        parts.append(_by_illness(counted, platform))
    parts.append(_counted_cases(counted, platform))
    corrections = [line for line in notice.corrections if line["plan_id"] == plan_id]
    if corrections:
        parts.append(into_table(corrections))
    if not_counted:
        parts.append(_cases_not_counted(not_counted, platform))
    parts.append(_objections(with_history, platform))
    return Section(words.plan(platform, plan_id), tuple(parts), anchor=plan_id)


def _calculation(notice: Notice, pool: dict, plan_id: str) -> Table:
    """One column of sums: the pool from its terms, the shares by tier, the amount due, the residual."""
    aid_name = NOTICE["aid_of_cases"].format(count=number(pool["case_count"]))
    tier_rows = [
        (
            NOTICE["tier_shares"].format(
                tier=words.named(rate["tier"]), count=number(rate["covered_count"]), share=money(rate["share_fen"])
            ),
            money(rate["billed_fen"]),
        )
        for rate in notice.rates
        if rate["plan_id"] == plan_id
    ]
    rows = (
        (aid_name, money(pool["benefit_fen"])),
        (NOTICE["plus_fee"], money(pool["fee_fen"])),
        (NOTICE["less_brought_forward"], money(pool["brought_forward_fen"])),
        (NOTICE["less_above_cap"], money(pool["case_sponsored_fen"])),
        (NOTICE["pool"], money(pool["pool_fen"])),
        *tier_rows,
        (NOTICE["shares_total"], money(pool["billed_fen"])),
        (NOTICE["less_sponsored"], money(pool["member_sponsored_fen"])),
        (NOTICE["members_owe"], money(pool["due_fen"])),
        (NOTICE["carried_forward"], money(pool["carried_forward_fen"])),
    )
    note = NOTICE["rounding"].format(rounding=words.named(pool["rounding"]))
    return Table(NOTICE["calculation"], (COMMON["item"], NOTICE["amount"]), rows, note)


def _by_illness(cases: list[dict], platform: Platform) -> Figure:
    counts = Counter(case["illness_code"] for case in cases).most_common()
    named = [(words.illness(platform, code), count) for code, count in counts]

    def draw(language: str):
        rows = [
            {"what": words.in_language(name, language), "value": count, "label": f"{count:,}"} for name, count in named
        ]
        return bars(rows, words.in_language(COMMON["cases"], language))

    listed = words.in_both_languages(
        lambda language: ", ".join(f"{words.in_language(name, language)} {count}" for name, count in named)
    )
    return figure(NOTICE["by_illness"], NOTICE["by_illness_description"].format(counts=listed), draw)


def _case_cells(case: dict, platform: Platform) -> tuple:
    """The cells of CASE_COLUMNS."""
    age_band = case["age_band"]
    return (
        number(case["case_no"]),
        words.illness(platform, case["illness_code"]),
        words.named(case["severity"]),
        words.named(age_band) if age_band == HIDDEN else age_band.replace("-", "–"),
        words.named(case["sex"]),
        words.place(case["place"]),
        words.named(case["member_months"]),
    )


def _counted_cases(cases: list[dict], platform: Platform) -> Table:
    rows = tuple((*_case_cells(case, platform), money(case["aid_fen"])) for case in cases[:CASES_ON_PAGE_MAX])
    is_cut = len(cases) > CASES_ON_PAGE_MAX
    note = NOTICE["first_cases"].format(count=number(CASES_ON_PAGE_MAX)) if is_cut else None
    return Table(COMMON["cases_helped_table"], (*CASE_COLUMNS, NOTICE["aid_yuan"]), rows, note)


def _cases_not_counted(cases: list[dict], platform: Platform) -> Table:
    rows = tuple((*_case_cells(case, platform), words.named(case["marker"])) for case in cases[:CASES_ON_PAGE_MAX])
    return Table(NOTICE["not_counted"], (*CASE_COLUMNS, NOTICE["reason"]), rows)


def _objections(cases: list[dict], platform: Platform) -> Table:
    """Cases with an objection, and cases first publicised in an earlier period."""
    rows = tuple(
        (
            number(case["case_no"]),
            words.illness(platform, case["illness_code"]),
            words.named(case["objection"]),
            case["first_period"],
            case["settled_period"] or NOTICE["not_yet"],
        )
        for case in cases[:CASES_ON_PAGE_MAX]
    )
    columns = (
        NOTICE["case_no"], NOTICE["illness"], NOTICE["objection"], NOTICE["first_public_in"], NOTICE["settled_in"],
    )  # fmt: skip
    return Table(NOTICE["objections"], columns, rows)
