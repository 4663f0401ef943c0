"""Whole years of a lake beside what the platform published: which figures are calibrated, and which are results."""

from collections.abc import Iterable

from jobs.lake.lake import Lake
from jobs.money import ppm_in_percent
from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.request import Request
from jobs.reporting.annual import year_report
from jobs.reporting.masking import DEFAULT_FLOOR
from jobs.reporting.published import CALIBRATED_IN_SAMPLES
from jobs.rulebook.calendar import Calendar, Period


def whole_years(calendar: Calendar, first: Period, last: Period) -> list[int]:
    """The calendar years of which every period that the platform had lies between the two."""
    years = range(first.year, last.year + 1)
    walked = set(calendar.between(first, last))
    of_platform = calendar.between(calendar.first_period, calendar.last_period)
    return [year for year in years if {p for p in of_platform if p.year == year} <= walked]


def comparison(lake: Lake, request: Request, years: Iterable[int]) -> list[dict]:
    """One row per published figure of the years: published, at the lake's scale, ours; calibrated or a result."""
    found = []
    for year in years:
        for row in year_report(lake, request, year, DEFAULT_FLOOR).rows:
            if row["topic"] == "published":
                in_fen = row["published_fen"] is not None
                kind = "fen" if in_fen else "quantity"
                found.append(
                    {
                        "of": row["item"],
                        "plan_id": row["plan_id"],
                        "measure": row["measure"],
                        "unit": "fen" if in_fen else "ppm" if row["measure"].startswith("used_") else "count",
                        "published": row[f"published_{kind}"],
                        "at_scale": row[f"scaled_{kind}"],
                        "ours": row["amount_fen"] if in_fen else row["quantity"],
                        "kind": "calibrated" if row["measure"] in CALIBRATED_IN_SAMPLES else "result",
                    }
                )
    return found


def comparison_text(rows: list[dict]) -> str:
    """The comparison as a table: amounts in yuan, ratios in percent."""
    cells = [
        [row["of"], row["plan_id"], row["measure"], row["kind"]]
        + [_cell(row[column], row["unit"]) for column in ("published", "at_scale", "ours")]
        for row in rows
    ]
    columns = ["of", "plan", "figure", "in sample data", "published", "at this scale", "this lake"]
    return table_text("Beside the published figures (yuan; sums scaled by members and periods)", columns, cells)


def _cell(value: int | None, unit: str) -> str:
    if value is None:
        return "-"
    if unit == "ppm":
        return ppm_in_percent(value)
    return yuan(value) if unit == "fen" else f"{value:,}"
