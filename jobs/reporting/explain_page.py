"""The page that explains one member's period, and the statement of a year: for the member, not for the public."""

from jobs.base.catalogue import Text, catalogue
from jobs.pipeline.request import Request
from jobs.reporting import words
from jobs.reporting.text import Page, Paragraph, Section, Table, money

COMMON = catalogue("jobs.reporting", "common")
EXPLAIN = catalogue("jobs.reporting", "explain")
STEP_NAMES = EXPLAIN.group("step_name")
DISPOSITIONS = EXPLAIN.group("disposition_name", ("asked", "refunded", "written_off", "pooled"))


def explanation_page(document: dict, request: Request) -> Page:
    """One section per plan: the steps with their amounts, rules and the sources of the rules."""
    sections = [_plan_section(plan, request) for plan in document["plans"]]
    if "because" in document:
        sections = [Section(EXPLAIN["result"], (Paragraph(EXPLAIN["no_membership"]),))]
    return Page(
        file="explain.html",
        title=EXPLAIN["title"].format(name=Text(**request.platform.names), period=document["period"]),
        lead=EXPLAIN["member_no"].format(number=document["member_id"]),
        sections=tuple(sections),
    )


def statement_page(document: dict, request: Request) -> Page:
    """The year of a member or a payer: one row per period, plan and member."""
    columns = (
        COMMON["period"], COMMON["plan"], EXPLAIN["member"], EXPLAIN["share"], EXPLAIN["sponsored"], EXPLAIN["due"],
        EXPLAIN["collected"], EXPLAIN["status"],
    )  # fmt: skip
    rows = tuple(
        (row["period"], words.plan(request.platform, row["plan_id"]), str(row["member_id"]), money(row["share_fen"]),
         money(row["sponsored_fen"]), money(row["due_fen"]), money(row["collected_fen"]), words.named(row["status"]))
        for row in document["rows"]
    )  # fmt: skip
    totals = document["totals"]
    total = (EXPLAIN["total"], "", "", money(totals["share_fen"]), money(totals["sponsored_fen"]),
             money(totals["due_fen"]), money(totals["collected_fen"]), "")  # fmt: skip
    table = Table(EXPLAIN["in_yuan"], columns, (*rows, total) if rows else ())
    adjustments = _adjustments(document["adjustments"], request)
    is_payer = "payer_id" in document
    whose = EXPLAIN["payer_no"] if is_payer else EXPLAIN["member_no"]
    return Page(
        file="statement.html",
        title=EXPLAIN["statement_title"].format(year=document["year"]),
        lead=whose.format(number=document["payer_id" if is_payer else "member_id"]),
        sections=(Section(EXPLAIN["statement_section"], (table,)), *adjustments),
    )


def _adjustments(rows: list[dict], request: Request) -> tuple[Section, ...]:
    """What corrections posted into the periods of the year: one row per period, plan, member and disposition."""
    if not rows:
        return ()
    columns = (
        COMMON["period"], COMMON["plan"], EXPLAIN["member"], EXPLAIN["corrected_period"], EXPLAIN["disposition"],
        EXPLAIN["difference"], EXPLAIN["status"],
    )  # fmt: skip
    cells = tuple(
        (row["period"], words.plan(request.platform, row["plan_id"]), str(row["member_id"]), row["origin_period"],
         DISPOSITIONS[row["disposition"]], money(row["delta_fen"]), words.named(row["status"]))
        for row in rows
    )  # fmt: skip
    return (Section(EXPLAIN["adjustments_section"], (Table(EXPLAIN["in_yuan"], columns, cells),)),)


def _plan_section(plan: dict, request: Request) -> Section:
    columns = (EXPLAIN["step"], EXPLAIN["amount"], EXPLAIN["explanation"], EXPLAIN["rule"])
    rows = tuple(
        (
            STEP_NAMES[step["name"]],
            money(step["amount_fen"]),
            Text(step["says_zh"], step["says"]),
            _rule(step["rule"]),
        )
        for step in plan["steps"]
    )
    reason = Paragraph(Text(plan["because_zh"], plan["because"]))
    return Section(words.plan(request.platform, plan["plan_id"]), (reason, Table(EXPLAIN["steps"], columns, rows)))


def _rule(rule: dict | None) -> str:
    return "" if rule is None else f"{rule['name']} = {rule['value']} ({rule['from']}): {rule['reference']}"
