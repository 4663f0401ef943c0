"""Who is helped, and the aid that his arrears may be netted from: that of the period itself, else that of the next."""

from collections.abc import Collection, Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.collection.allocation import NETTED
from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables
from jobs.ledger.journal import NETTED_FROM_NEXT, moved_for_fen
from jobs.register.books import transfers_of
from jobs.register.publications import Publication, published_in, rows_of
from jobs.rulebook.calendar import Calendar, Period

KEY = ["plan_id", "member_id"]


def aid_to_net(
    lake: Lake,
    settled: Collection[Publication],
    next_settled: Collection[Publication],
    netted_before: DataFrame | None,
) -> DataFrame:
    """One row per plan and member helped in the period or, where he is not, in the next: `aid_fen`, `is_of_next`.

    `netted_before` (from the function of that name): what arrears of the previous period already took from the
    period's aid. Source: the arrears of a claimant are netted from the aid (B).
    """
    own = _benefits(lake, settled)
    if netted_before is not None:
        left_fen = F.col("aid_fen") - F.coalesce("collected_fen", F.lit(0).cast("bigint"))
        own = own.join(netted_before, KEY, "left").select(*KEY, left_fen.alias("aid_fen"))
    of_next = _benefits(lake, next_settled).join(own, KEY, "left_anti")
    both = own.withColumn("is_of_next", F.lit(False)).unionByName(of_next.withColumn("is_of_next", F.lit(True)))
    return both.localCheckpoint()


def next_settled(
    small: SmallTables, calendar: Calendar, period: Period, plan_ids: Collection[str]
) -> dict[str, Publication]:
    """The next period's settlements, by plan, where it is public before the grace limit: its aid is not paid by
    then."""
    following = calendar.next_within_grace(period)
    if following is None:
        return {}
    return {p: found for p, found in published_in(small, "settle", str(following)).items() if p in plan_ids}


def netted_before_fen(
    small: SmallTables, calendar: Calendar, period: Period, plan_ids: Collection[str]
) -> dict[str, int]:
    """What arrears of the previous period took from the aid of this one, by plan; plans without any are left out."""
    collected = _collected_before(small, calendar, period, plan_ids)
    found = transfers_of(small, collected)
    netted = {p: moved_for_fen(of_plan, NETTED_FROM_NEXT) for p, of_plan in found.items()}
    return {p: fen for p, fen in sorted(netted.items()) if fen}


def netted_before(lake: Lake, calendar: Calendar, period: Period, netted_fen: Mapping[str, int]) -> DataFrame | None:
    """One row per plan and member whose arrears of the previous period were netted from this one's aid:
    `collected_fen`.

    `netted_fen`: from `netted_before_fen`. None: of no plan.
    """
    if not netted_fen:
        return None
    collected = _collected_before(lake.small, calendar, period, netted_fen)
    rows = rows_of(lake, "settled/collections", collected).where(F.col("status") == NETTED)
    settled = published_in(lake.small, "settle", str(calendar.previous(period)))
    of_own_aid = _benefits(lake, [settled[p] for p in netted_fen])
    return rows.select(*KEY, "collected_fen").join(F.broadcast(of_own_aid), KEY, "left_anti")


def _collected_before(
    small: SmallTables, calendar: Calendar, period: Period, plan_ids: Collection[str]
) -> list[Publication]:
    previous = calendar.previous(period)
    if previous is None:
        return []
    return [found for p, found in published_in(small, "collect", str(previous)).items() if p in plan_ids]


def _benefits(lake: Lake, settled: Collection[Publication]) -> DataFrame:
    counted = rows_of(lake, "settled/benefits", settled).where("counted and benefit_fen > 0")
    return counted.groupBy(*KEY).agg(F.sum("benefit_fen").alias("aid_fen"))
