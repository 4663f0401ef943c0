"""The figures that a platform published of a year, next to the lake's own: rows of report/annual."""

from collections.abc import Iterable

from jobs.money import half_up
from jobs.pipeline.request import Request
from jobs.reporting.measures import ANNUAL, PUBLISHED
from jobs.rulebook.published_figures import Figure, published_figures

# Published measures of a year -> where report/annual has the same: topic, measure and item.
OWN_MEASURES = {
    "helped": ("helped", "helped", "all"),
    "share_year": ("shared_out", "share_year_fen", "all"),
    "shared_out": ("shared_out", "due_fen", "all"),
    "fee_received": ("fee", "received_fen", "all"),
    "used_investigation": ("fee", "used_ppm", "investigation"),
    "used_technology": ("fee", "used_ppm", "technology"),
    "fraud_cases": ("review", "reviews", "fraud"),
    "fraud_saved": ("review", "fraud_saved_fen", "all"),
}


def published_rows_of(
    request: Request, year: int, own_rows: list[dict], rates: list[dict], periods: list[str]
) -> Iterable[dict]:
    """One row per published figure of the year: as published, at the scale of the lake, and the lake's own.

    `own_rows`: the other rows of report/annual; `rates`: the year's rows of settled/rates; `periods`: those published
    in the lake. Sums are scaled by members (the lake's on its last publicity day to all of the platform's) and by
    periods (the lake's to the year's); amounts per head and year by periods only; shares of a period and ratios are not
    scaled.
    """
    figures = published_figures(request.platform.platform_id, request.environment.platforms)
    platform_members = _platform_members(figures, year)
    lake_members = ANNUAL.value(own_rows, "members", "covered") or 0
    periods_in_year = 12 * len(request.platform.calendar.monthly)
    standard_share_fen = {(r["period"], r["plan_id"]): r["share_fen"] for r in rates if r["tier"] == "standard"}
    for figure in figures:
        if figure.of == str(year) and figure.measure in OWN_MEASURES:
            parts, whole = (1, 1) if figure.measure == "share_year" else (lake_members, platform_members)
            at_scale = _scaled(figure.value, parts * len(periods), whole * periods_in_year)
            yield _row(figure, _own_value(own_rows, figure), figure.value if figure.unit == "ppm" else at_scale)
        elif figure.of in periods and figure.measure == "share":
            yield _row(figure, standard_share_fen.get((figure.of, figure.plan)), figure.value)


def _platform_members(figures: Iterable[Figure], year: int) -> int:
    """The members of all plans in the newest published head count of the year; 0 if none is published."""
    head_counts = [f for f in figures if (f.plan, f.measure) == ("all", "covered") and f.of[:4] == str(year)]
    return max(head_counts, key=lambda figure: figure.of).value if head_counts else 0


def _own_value(own_rows: list[dict], figure: Figure) -> int | None:
    """The lake's own value of a figure of the year; None if the lake does not know it."""
    topic, measure, item = OWN_MEASURES[figure.measure]
    plan_id = "all" if topic in ("fee", "review") else figure.plan
    return ANNUAL.value(own_rows, topic, measure, plan_id=plan_id, item=item)


def _row(figure: Figure, own_value: int | None, at_scale: int | None) -> dict:
    is_amount = figure.unit == "fen"
    kind = "fen" if is_amount else "quantity"
    return {
        "topic": PUBLISHED, "measure": figure.measure, "plan_id": figure.plan, "sex": "all", "item": figure.of,
        "quantity": None if is_amount else own_value, "amount_fen": own_value if is_amount else None,
        f"published_{kind}": figure.value, f"scaled_{kind}": at_scale,
    }  # fmt: skip


def _scaled(value: int, parts: int, whole: int) -> int | None:
    """value * parts / whole, half up; None if the whole is zero: the scale is not known."""
    return half_up(value * parts, whole) if whole > 0 else None
