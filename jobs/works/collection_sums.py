"""What was collected, as stored, summed by day and status: all that the journal and the proof need to know."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.collection.allocation import LAPSED, NETTED
from jobs.ledger.collection_postings import CollectionTotals


@dataclass(frozen=True)
class CollectionSums:
    """One plan's collection. `due_fen` and `collected_by_status_fen` are by status; `owing_count`: members with a due
    above zero."""

    collected: CollectionTotals
    row_count: int
    owing_count: int
    due_fen: Mapping[str, int]
    collected_by_status_fen: Mapping[str, int]
    count_by_status: Mapping[str, int]


def sums_by_plan(
    plan_ids: Iterable[str],
    stored: DataFrame,
    helped: DataFrame,
    suspense_fen: Mapping[str, Mapping[date, int]],
    netted_before_fen: Mapping[str, int],
) -> dict[str, CollectionSums]:
    """The sums of every plan.

    `helped`: who is helped in the period or in the next (from `aid_to_net`). `suspense_fen`: by plan and day (from
    `suspense_by_plan`). `netted_before_fen`: by plan, what earlier arrears took from the aid.
    """
    parts = _summed(stored, helped)
    return {
        p: _sums_of_plan([r for r in parts if r.plan_id == p], suspense_fen.get(p, {}), netted_before_fen.get(p, 0))
        for p in plan_ids
    }


def suspense_by_plan(excess: DataFrame, held_fen: Mapping[date, int], first_plan_id: str) -> dict[str, dict[date, int]]:
    """The money without a share (one row per receipt, from `unapplied_cash`) by plan and day.

    `held_fen`: by day, the money of receipts that are held; it stands in the first plan's books.
    """
    found: dict[str, dict[date, int]] = {first_plan_id: dict(held_fen)}
    for row in excess.groupBy("plan_id", "attempted_on").agg(F.sum("excess_fen").alias("fen")).collect():
        of_plan = found.setdefault(row.plan_id, {})
        of_plan[row.attempted_on] = of_plan.get(row.attempted_on, 0) + row.fen
    return found


def _summed(stored: DataFrame, helped: DataFrame) -> list:
    """The collections summed by what became of them, and by who is helped (`is_of_next`; null: not helped)."""
    return (
        stored.join(F.broadcast(helped), on=["plan_id", "member_id"], how="left")
        .groupBy("plan_id", "status", "collected_on", "is_of_next")
        .agg(
            F.count(F.lit(1)).alias("row_count"),
            F.count_if(F.col("due_fen") > 0).alias("owing_count"),
            F.sum("due_fen").alias("due_fen"),
            F.sum("collected_fen").alias("collected_fen"),
        )
        .collect()
    )


def _sums_of_plan(parts: list, suspense_fen: Mapping, netted_before_fen: int) -> CollectionSums:
    in_money = [row for row in parts if row.status != NETTED]
    netted = [row for row in parts if row.status == NETTED]
    of_helped = [row for row in parts if row.is_of_next is False]
    return CollectionSums(
        collected=CollectionTotals(
            collected_fen=_by_day(in_money),
            suspense_fen=suspense_fen,
            helped_collected_fen=_by_day([row for row in of_helped if row.status != NETTED]),
            helped_due_fen=sum(row.due_fen for row in of_helped),
            netted_fen=sum(row.collected_fen for row in netted if row.is_of_next is False),
            netted_from_next_fen=sum(row.collected_fen for row in netted if row.is_of_next),
            netted_before_fen=netted_before_fen,
            written_off_fen=sum(row.due_fen - row.collected_fen for row in parts if row.status == LAPSED),
        ),
        row_count=sum(row.row_count for row in parts),
        owing_count=sum(row.owing_count for row in parts),
        due_fen=_by_status(parts, "due_fen"),
        collected_by_status_fen=_by_status(parts, "collected_fen"),
        count_by_status=_by_status(parts, "row_count"),
    )


def _by_day(rows: list) -> dict:
    """Money by the day it met a due, or the part of one that is met."""
    by_day: dict = {}
    for row in rows:
        if row.collected_fen:
            by_day[row.collected_on] = by_day.get(row.collected_on, 0) + row.collected_fen
    return by_day


def _by_status(rows: list, column: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        found[row.status] = found.get(row.status, 0) + row[column]
    return found
