"""The fee of a year, what it was used for, and what the reviews of the applications brought: rows of report/annual."""

from collections.abc import Iterable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.money import PPM, half_up
from schemas.codes import DECISIONS, SITE_KINDS

FEES = ("accrued_fen", "sponsored_fen", "received_fen", "outstanding_fen", "written_off_fen")


def fee_measures(fees: list[dict], costs: DataFrame | None) -> Iterable[dict]:
    """The fee of the year, what it was spent on in the months of the published periods, and what is left."""
    sums = {measure: sum(fee[measure] for fee in fees) for measure in FEES}
    for measure, amount_fen in sums.items():
        yield {"topic": "fee", "measure": measure, "amount_fen": amount_fen}
    if costs is not None:
        used = costs.groupBy("category").agg(F.sum("amount_fen").alias("fen")).orderBy("category").collect()
        spent_fen = sum(row.fen for row in used)
        for row in used:
            yield {"topic": "fee", "measure": "used_fen", "item": row.category, "amount_fen": row.fen}
            part_ppm = half_up(PPM * row.fen, spent_fen) if spent_fen else None
            yield {"topic": "fee", "measure": "used_ppm", "item": row.category, "quantity": part_ppm}
        yield {"topic": "fee", "measure": "used_fen", "amount_fen": spent_fen}
        yield {"topic": "fee", "measure": "result_fen", "amount_fen": sums["received_fen"] - spent_fen}


def visits_rows(visits: DataFrame | None) -> Iterable[dict]:
    """How many visits were made, by how many investigators, to how many places."""
    if visits is None:
        return
    sites = {kind: F.countDistinct(F.when(F.col("site_kind") == kind, F.col("site_id"))) for kind in SITE_KINDS}
    row = visits.agg(
        F.count("*").alias("visits"), F.countDistinct("investigator_id").alias("investigators"),
        sites["hospital"].alias("hospitals"), sites["insurance_office"].alias("insurance_offices"),
    ).first()  # fmt: skip
    for measure in ("visits", "investigators", "hospitals", "insurance_offices"):
        yield {"topic": "fee", "measure": measure, "quantity": row[measure]}


def reviews_rows(reviews: DataFrame | None) -> Iterable[dict]:
    """Applications by decision, the mean days of a review by technique in tenths, frauds and the aid they asked for."""
    if reviews is None:
        return
    days = F.sum(F.datediff("decided_on", "received_on")).alias("days")
    asked = F.sum("requested_aid_fen").alias("fen")
    rows = reviews.groupBy("decision", "technique").agg(F.count("*").alias("count"), days, asked).collect()
    for decision in DECISIONS:
        of_decision = [row for row in rows if row.decision == decision]
        yield {
            "topic": "review",
            "measure": "reviews",
            "item": decision,
            "quantity": sum(r["count"] for r in of_decision),
        }
    for technique in ("all", *sorted({row.technique for row in rows})):
        of_kind = [row for row in rows if technique in ("all", row.technique)]
        if count := sum(row["count"] for row in of_kind):
            tenths = half_up(10 * sum(row.days for row in of_kind), count)
            yield {"topic": "review", "measure": "mean_days_tenths", "item": technique, "quantity": tenths}
    saved_fen = sum(row.fen for row in rows if row.decision == "fraud")
    yield {"topic": "review", "measure": "fraud_saved_fen", "amount_fen": saved_fen}
