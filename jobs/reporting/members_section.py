"""Members who joined, left and lapsed in a period: a section of its page."""

from collections import Counter
from collections.abc import Callable, Container

from jobs.base.catalogue import Text, catalogue
from jobs.reporting import words
from jobs.reporting.masking import GroupTraits
from jobs.reporting.measures import PERIOD as MEASURES
from jobs.reporting.plots import bars, figure
from jobs.reporting.text import Figure, Paragraph, Section, Table, masked_number, number
from schemas.report import HIDDEN

COMMON = catalogue("jobs.reporting", "common")
MEMBERS = catalogue("jobs.reporting", "members")
MEASURE_NAMES = MEMBERS.group("measure", MEASURES.by_topic["members"])
MOVES = ("joined", "ended")

PlanName = Callable[[str], Text]
Sums = dict[tuple[str, str], Counter]  # (plan_id, band) -> head count by measure


def members_section(rows: list[dict], plan_name: PlanName, drawn_plan: str, floor: int) -> Section:
    """`rows`: the topic `members` of report/period_summary; `drawn_plan`: the plan of the figure."""
    masked = plans_with_hidden_traits(rows)
    tables = (
        _table(rows, "age_band", plan_name, masked, MEMBERS["by_age"], MEMBERS["age_band"]),
        _table(rows, "member_months", plan_name, masked, MEMBERS["by_months"], MEMBERS["member_for"]),
        _reasons(rows, plan_name),
    )
    text = Paragraph(MEMBERS["text"].format(floor=number(floor)))
    plan_rows = [row for row in rows if row["plan_id"] == drawn_plan]
    figures = _figures(_sums(plan_rows, "age_band"), plan_name(drawn_plan), drawn_plan in masked)
    return Section(MEMBERS["section"], (text, *figures, *tables))


def plans_with_hidden_traits(rows: list[dict]) -> frozenset[str]:
    """The plans with a hidden trait in any row: in their tables zero may not mean that there is no one."""
    return frozenset(row["plan_id"] for row in rows if HIDDEN in (row[name] for name in GroupTraits._fields))


def _reasons(rows: list[dict], plan_name: PlanName) -> Table:
    """Ended memberships by plan and reason."""
    counts: Counter = Counter()
    for row in MEASURES.select(rows, "members", "ended"):
        counts[row["plan_id"], row["item"]] += row["quantity"]
    return Table(
        MEMBERS["reasons"],
        (COMMON["plan"], MEMBERS["reason"], MEMBERS["members"]),
        tuple(
            (plan_name(plan_id), words.named(reason), number(count))
            for (plan_id, reason), count in sorted(counts.items())
        ),
    )


def _sums(rows: list[dict], dimension: str) -> Sums:
    """Head counts by plan and band; the bands in order, `hidden` last."""
    sums: Sums = {}
    for row in sorted(rows, key=lambda r: (r["plan_id"], r[dimension] == HIDDEN, _lowest(r[dimension]))):
        sums.setdefault((row["plan_id"], row[dimension]), Counter())[row["measure"]] += row["quantity"]
    return sums


def _lowest(band: str) -> int:
    return 0 if band == HIDDEN else int(band.rstrip("+").split("-")[0])


def _table(
    rows: list[dict], dimension: str, plan_name: PlanName, masked: Container[str], caption: Text, column: Text
) -> Table:
    cells = tuple(
        (plan_name(plan_id), _band(band), *(masked_number(counts[name], plan_id in masked) for name in MEASURE_NAMES))
        for (plan_id, band), counts in _sums(rows, dimension).items()
    )
    return Table(caption, (COMMON["plan"], column, *MEASURE_NAMES.values()), cells)


def _band(band: str) -> Text | str:
    name = words.named(band)
    return name if isinstance(name, Text) else name.replace("-", "–")


def _figures(sums: Sums, plan_name: Text, is_masked: bool) -> tuple[Figure, ...]:
    """Members who joined and left by age band; no figure if there are none. `is_masked`: traits are hidden."""
    by_band = {band: counts for (_, band), counts in sums.items()}
    if not any(counts[move] for counts in by_band.values() for move in MOVES):
        return ()

    def draw(language: str):
        rows = [
            {"what": words.in_language(_band(band), language),
             "group": words.in_language(MEASURE_NAMES[move], language),
             "value": counts[move], "label": masked_number(counts[move], is_masked)}
            for band, counts in by_band.items() for move in MOVES
        ]  # fmt: skip
        return bars(rows, words.in_language(MEMBERS["members"], language), colour=" ")

    def described(language: str) -> str:
        return "; ".join(
            f"{words.in_language(_band(band), language)}: "
            + ", ".join(
                f"{words.in_language(MEASURE_NAMES[move], language)} {masked_number(counts[move], is_masked)}"
                for move in MOVES
            )
            for band, counts in by_band.items()
        )

    counts_text = words.in_both_languages(described)
    description = MEMBERS["figure_description"].format(name=plan_name, counts=counts_text)
    return (figure(MEMBERS["figure"].format(name=plan_name), description, draw),)
