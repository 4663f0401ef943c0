"""Set-off of arrears: which aid a beneficiary's arrears may be set off from, this period's or the next one's."""

from collections.abc import Collection, Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.collection.set_off_and_lapse import is_set_off
from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables
from jobs.ledger.journal import NETTED_FROM_NEXT, moved_for_fen
from jobs.register.books import transfers_of
from jobs.register.publications import Publication, published_in, rows_of
from jobs.rulebook.calendar import Calendar, Period

KEY = ["plan_id", "member_id"]


def aid_for_set_off(
    lake: Lake,
    settled: Collection[Publication],
    next_settled: Collection[Publication],
    earlier_set_off: DataFrame | None,
) -> DataFrame:
    """One row per plan and beneficiary: `aid_fen`, `is_of_next` (the aid is the next period's; only if he has none in
    this one).

    `earlier_set_off` (from the function of that name): the part of this period's aid that arrears of the previous
    period already took. Source: the arrears of a claimant are set off from the aid (B).
    """
    own_aid = _benefits(lake, settled)
    if earlier_set_off is not None:
        remaining_fen = F.col("aid_fen") - F.coalesce("collected_fen", F.lit(0).cast("bigint"))
        own_aid = own_aid.join(earlier_set_off, KEY, "left").select(*KEY, remaining_fen.alias("aid_fen"))
    next_aid = _benefits(lake, next_settled).join(own_aid, KEY, "left_anti")
    both = own_aid.withColumn("is_of_next", F.lit(False)).unionByName(next_aid.withColumn("is_of_next", F.lit(True)))
    return both.localCheckpoint()


def next_settlements(
    small: SmallTables, calendar: Calendar, period: Period, plan_ids: Collection[str]
) -> dict[str, Publication]:
    """The next period's settlements, by plan, if it becomes public before the grace limit: its aid is then unpaid."""
    following = calendar.next_within_grace(period)
    if following is None:
        return {}
    settled = published_in(small, "settle", str(following))
    return {p: publication for p, publication in settled.items() if p in plan_ids}


def earlier_set_off_fen(
    small: SmallTables, calendar: Calendar, period: Period, plan_ids: Collection[str]
) -> dict[str, int]:
    """The part of this period's aid that arrears of the previous period took, by plan; only plans with any."""
    posted = transfers_of(small, _previous_collections(small, calendar, period, plan_ids))
    set_off_fen = {p: moved_for_fen(transfers, NETTED_FROM_NEXT) for p, transfers in posted.items()}
    return {p: fen for p, fen in sorted(set_off_fen.items()) if fen}


def earlier_set_off(lake: Lake, calendar: Calendar, period: Period, set_off_fen: Mapping[str, int]) -> DataFrame | None:
    """One row per plan and member whose arrears of the previous period were set off from this one's aid:
    `collected_fen`.

    `set_off_fen`: from `earlier_set_off_fen`. None: no plan has any.
    """
    if not set_off_fen:
        return None
    collected = _previous_collections(lake.small, calendar, period, set_off_fen)
    previous = calendar.previous(period)
    set_off = rows_of(lake, "settled/collections", collected).where(is_set_off(calendar.grace_ends_on(previous)))
    settled = published_in(lake.small, "settle", str(previous))
    own_aid = _benefits(lake, [settled[p] for p in set_off_fen])  # set off from the previous period's own aid
    return set_off.select(*KEY, "collected_fen").join(F.broadcast(own_aid), KEY, "left_anti")


def _previous_collections(
    small: SmallTables, calendar: Calendar, period: Period, plan_ids: Collection[str]
) -> list[Publication]:
    previous = calendar.previous(period)
    if previous is None:
        return []
    return [publication for p, publication in published_in(small, "collect", str(previous)).items() if p in plan_ids]


def _benefits(lake: Lake, settled: Collection[Publication]) -> DataFrame:
    counted = rows_of(lake, "settled/benefits", settled).where("counted and benefit_fen > 0")
    return counted.groupBy(*KEY).agg(F.sum("benefit_fen").alias("aid_fen"))
