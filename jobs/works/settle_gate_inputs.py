"""Inputs of a period's quality gate: claims to judge, earlier benefits with their diagnosis, rule parameters."""

from collections.abc import Collection

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.rule import Terms
from jobs.gate.claims import with_released_claims
from jobs.gate.terms import terms_of
from jobs.lake.lake import none_of
from jobs.pipeline.request import exists_in
from jobs.register.decisions import DECISIONS, held_source_rows, uses
from jobs.works.late_claims import CLAIMS
from jobs.works.settle_pinning import PinnedSettlement


def claims_of_period(pinned: PinnedSettlement) -> DataFrame:
    """The claims to judge: those of the period and plans and, if all plans are settled, those of no known period.

    With released ones, also those of earlier periods that count in this one, and a column `is_released`.
    """
    released = pinned.releases.claims_of(pinned.plan_ids)
    return with_released_claims(_own_claims(pinned), pinned.source(CLAIMS.name), released, str(pinned.request.period))


def _own_claims(pinned: PinnedSettlement) -> DataFrame:
    """The claims to judge that name the period, or no known one."""
    claims = pinned.source("source/approved_claims")
    is_of_period = F.col("publicity_period") == str(pinned.request.period)
    if pinned.request.plan_ids is not None:
        return _without_added(pinned, claims.where(is_of_period & F.col("plan_id").isin(*pinned.plan_ids)))
    is_of_no_period = F.expr(none_of("publicity_period", pinned.period_names))
    return _without_added(pinned, claims.where(is_of_period | is_of_no_period))


def _without_added(pinned: PinnedSettlement, claims: DataFrame) -> DataFrame:
    """The claims, except those added after the settlement of their plan's period, which does not change."""
    added = pinned.late_claims.added if pinned.settled else []
    added = [row for row in added if row["publicity_period"] == str(pinned.request.period)]
    if not set(pinned.plan_ids) <= set(pinned.settled):
        # Rows without a known plan are judged with the plans that are still to be settled.
        added = [row for row in added if row["plan_id"] in pinned.settled]
    return claims.exceptAll(pinned.lake.frame(CLAIMS, added)) if added else claims


def with_diagnosis(pinned: PinnedSettlement, counted_before: DataFrame, spells: DataFrame) -> DataFrame:
    """The earlier benefits of members who claim now, with the day of diagnosis of the claim.

    If the source no longer contains a claim, the publicity day on which it counted is used instead.
    """
    members = spells.select("plan_id", "member_id").distinct()
    earlier = counted_before.join(F.broadcast(members), on=["plan_id", "member_id"], how="left_semi").localCheckpoint()
    periods = [row.period for row in earlier.select("period").distinct().collect()]
    claims = pinned.source("source/approved_claims").where(F.col("publicity_period").isin(*periods))
    if carried := _carried_claims(pinned, periods):
        claims = claims.unionByName(pinned.lake.frame(CLAIMS, carried).select(*claims.columns))
    diagnosed = claims.select("plan_id", "claim_id", F.col("publicity_period").alias("period"), "diagnosed_on")
    calendar, counted_on = pinned.request.platform.calendar, F.lit(None).cast("date")
    for name in periods:
        day = calendar.publicity_on(calendar.period(name))
        counted_on = F.when(F.col("period") == name, F.lit(day)).otherwise(counted_on)
    return earlier.join(diagnosed, on=["plan_id", "claim_id", "period"], how="left").withColumn(
        "diagnosed_on", F.coalesce("diagnosed_on", counted_on)
    )


def _carried_claims(pinned: PinnedSettlement, periods: Collection[str]) -> list[dict]:
    """The released claims that counted in one of the periods, under that period; the source has an earlier one."""
    small = pinned.lake.small
    if not small.exists(DECISIONS.name):
        return []
    users = uses(small)
    return [
        {**row, "publicity_period": act.period}
        for row in held_source_rows(small, CLAIMS, set(users))
        for act in users[row["held_id"]]
        if act.plan_id == row["plan_id"] and act.period in periods and act.period != row["publicity_period"]
    ]


def terms_of_period(pinned: PinnedSettlement) -> Terms:
    """What the quality rules need of the rules in force on the period's publicity day."""
    platform, period = pinned.request.platform, pinned.request.period
    return terms_of(platform, period, [p for p in platform.plans if exists_in(platform, p, period)])
