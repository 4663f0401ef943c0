"""Corrections as tables of a page: those posted into a period, and those of the period itself."""

from collections.abc import Callable, Iterable, Mapping

from jobs.base.catalogue import Text, catalogue
from jobs.reporting.measures import CORRECTION_AMOUNTS
from jobs.reporting.text import Paragraph, Section, Table, money, number, signed

COMMON = catalogue("jobs.reporting", "common")
CORRECTIONS = catalogue("jobs.reporting", "corrections")
AMOUNTS = CORRECTIONS.group("amount", CORRECTION_AMOUNTS)


def corrections_section(into: list[dict], of_period: list[dict], plan: Callable[[str], Text]) -> Section | None:
    """The section of a period's report; None if there is no correction. `plan`: the name of a plan."""
    parts: list = [Paragraph(CORRECTIONS["corrected_text"])] if of_period else []
    parts += [corrected_table(of_period, plan)] if of_period else []
    parts += [into_table(into, plan)] if into else []
    return Section(CORRECTIONS["section"], tuple(parts), "corrections") if parts else None


def into_table(lines: Iterable[Mapping], plan: Callable[[str], Text] | None = None) -> Table:
    """The corrections posted into the period; `plan`: the name of a plan, None: without a column of plans."""
    return _table(CORRECTIONS["into"], "origin_period", CORRECTIONS["origin"], lines, plan)


def corrected_table(lines: Iterable[Mapping], plan: Callable[[str], Text]) -> Table:
    """The corrections of the period: into which later period, by how much."""
    return _table(CORRECTIONS["corrected"], "period", CORRECTIONS["posted_into"], lines, plan)


def _table(
    caption: Text, other: str, other_name: Text, lines: Iterable[Mapping], plan: Callable[[str], Text] | None
) -> Table:
    plan_column = () if plan is None else (COMMON["plan"],)
    columns = (other_name, *plan_column, CORRECTIONS["reason"], CORRECTIONS["cases"], *AMOUNTS.values())
    rows = tuple(
        (
            line[other],
            *(() if plan is None else (plan(line["plan_id"]),)),
            line["reason"],
            number(line["case_count"]),
            *(_cell(name, line[name]) for name in AMOUNTS),
        )
        for line in lines
    )
    return Table(caption, columns, rows, CORRECTIONS["note"])


def _cell(name: str, fen: int):
    """Changes with their sign; recovered aid and what the residual takes as they are."""
    return signed(fen) if name.startswith("delta_") else money(fen)
