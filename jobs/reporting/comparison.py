"""Whole years of a lake next to the platform's published figures: which of them are calibrated, which are results."""

from collections.abc import Iterable

from jobs.lake.lake import Lake
from jobs.money import ppm_in_percent
from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.request import Request
from jobs.reporting.annual import year_report
from jobs.reporting.masking import DEFAULT_FLOOR
from jobs.reporting.measures import PUBLISHED
from jobs.rulebook.calendar import Calendar, Period

# `fentan generate` is calibrated to these measures; every other figure follows from the rules and the members.
CALIBRATED_IN_SAMPLES = frozenset({"covered", "cases", "helped", "fraud_cases"})


def whole_years(calendar: Calendar, first: Period, last: Period) -> list[int]:
    """The calendar years in which every period of the platform lies between the two."""
    covered_periods = set(calendar.between(first, last))
    platform_periods = calendar.between(calendar.first_period, calendar.last_period)
    years = range(first.year, last.year + 1)
    return [year for year in years if {p for p in platform_periods if p.year == year} <= covered_periods]


def comparison(lake: Lake, request: Request, years: Iterable[int]) -> list[dict]:
    """One row per published figure of the years: as published, at the lake's scale, and the lake's own.

    Keys: of, plan_id, measure, unit (fen, ppm, count), published, at_scale, ours, kind (calibrated, result).
    """
    return [
        _compared(row)
        for year in years
        for row in year_report(lake, request, year, DEFAULT_FLOOR).rows
        if row["topic"] == PUBLISHED
    ]


def _compared(row: dict) -> dict:
    is_amount = row["published_fen"] is not None
    kind = "fen" if is_amount else "quantity"
    return {
        "of": row["item"],
        "plan_id": row["plan_id"],
        "measure": row["measure"],
        "unit": "fen" if is_amount else "ppm" if row["measure"].startswith("used_") else "count",
        "published": row[f"published_{kind}"],
        "at_scale": row[f"scaled_{kind}"],
        "ours": row["amount_fen"] if is_amount else row["quantity"],
        "kind": "calibrated" if row["measure"] in CALIBRATED_IN_SAMPLES else "result",
    }


def comparison_text(rows: list[dict]) -> str:
    """The comparison as a table: amounts in yuan, ratios in percent."""
    cells = [
        [row["of"], row["plan_id"], row["measure"], row["kind"]]
        + [_cell(row[column], row["unit"]) for column in ("published", "at_scale", "ours")]
        for row in rows
    ]
    columns = ["of", "plan", "figure", "in sample data", "published", "at this scale", "this lake"]
    return table_text("Comparison with published figures (yuan; sums scaled by members and periods)", columns, cells)


def _cell(value: int | None, unit: str) -> str:
    if value is None:
        return "-"
    if unit == "ppm":
        return ppm_in_percent(value)
    return yuan(value) if unit == "fen" else f"{value:,}"
