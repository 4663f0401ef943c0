"""The fee of a year, fee expenditure, field visits and reviews of applications: rows of report/annual."""

from collections.abc import Iterable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.money import PPM, half_up
from jobs.reporting.codes import listed
from jobs.reporting.measures import ANNUAL, VISIT_COUNTS, YEAR_FEES
from schemas.codes import COST_CATEGORIES, DECISIONS, SITE_KINDS, TECHNIQUES


def fee_measures(fees: list[dict], has_closed: bool) -> Iterable[dict]:
    """The year's sums of `fees` (rows of ledger/fee): the fee, its expenditure by category, and the result.

    Expenditure is posted when a period is closed. `has_closed`: whether any period of the year is; if none is,
    expenditure and result are not known and have no rows.
    """
    for measure in YEAR_FEES:
        yield ANNUAL.row("fee", measure, sum(fee[measure] for fee in fees))
    if not has_closed:
        return
    used_fen = {category: sum(fee[f"used_{category}_fen"] for fee in fees) for category in COST_CATEGORIES}
    total_fen = sum(used_fen.values())
    for category, fen in used_fen.items():
        yield ANNUAL.row("fee", "used_fen", fen, item=category)
        part_ppm = half_up(PPM * fen, total_fen) if total_fen else None
        yield ANNUAL.row("fee", "used_ppm", part_ppm, item=category)
    yield ANNUAL.row("fee", "used_fen", total_fen)
    yield ANNUAL.row("fee", "result_fen", sum(fee["result_fen"] for fee in fees))


def visits_rows(visits: DataFrame | None) -> Iterable[dict]:
    """How many visits were made, by how many investigators, to how many hospitals and insurance offices."""
    if visits is None:
        return
    sites = {kind: F.countDistinct(F.when(F.col("site_kind") == kind, F.col("site_id"))) for kind in SITE_KINDS}
    row = visits.agg(
        F.count("*").alias("visits"), F.countDistinct("investigator_id").alias("investigators"),
        sites["hospital"].alias("hospitals"), sites["insurance_office"].alias("insurance_offices"),
    ).first()  # fmt: skip
    for measure in VISIT_COUNTS:
        yield ANNUAL.row("fee", measure, row[measure])


def reviews_rows(reviews: DataFrame | None) -> Iterable[dict]:
    """Reviews by decision, their mean days by technique in tenths, and the aid requested in fraudulent applications.

    A technique that is not listed, or missing, counts as `other`.
    """
    if reviews is None:
        return
    days = F.sum(F.datediff("decided_on", "received_on")).alias("days")
    requested = F.sum("requested_aid_fen").alias("requested_fen")
    technique = listed(F.col("technique"), TECHNIQUES).alias("technique")
    rows = reviews.groupBy("decision", technique).agg(F.count("*").alias("count"), days, requested).collect()
    for decision in DECISIONS:
        yield ANNUAL.row("review", "reviews", sum(r["count"] for r in rows if r.decision == decision), item=decision)
    for name in ("all", *sorted({row.technique for row in rows})):
        same_technique = [row for row in rows if name in ("all", row.technique)]
        if count := sum(row["count"] for row in same_technique):
            tenths = half_up(10 * sum(row.days for row in same_technique), count)
            yield ANNUAL.row("review", "mean_days_tenths", tenths, item=name)
    saved_fen = sum(row.requested_fen for row in rows if row.decision == "fraud")
    yield ANNUAL.row("review", "fraud_saved_fen", saved_fen)
