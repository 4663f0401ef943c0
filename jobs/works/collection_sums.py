"""A stored collection summed by day and status: the input of the journal and of the proof."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.collection.set_off_and_lapse import LAPSED, NETTED, set_off_part_fen
from jobs.ledger.collection_postings import NOTHING_RETURNED, CollectionTotals, ReturnedTotals


@dataclass(frozen=True)
class CollectionSums:
    """One plan's collection. The last three maps are by status; `owing_count`: members with a due above zero.

    `due_fen`, `collected_by_status_fen`: a lapsed due's part that was set off is counted as NETTED.
    """

    collected: CollectionTotals
    row_count: int
    owing_count: int
    due_fen: Mapping[str, int]
    collected_by_status_fen: Mapping[str, int]
    count_by_status: Mapping[str, int]


def sums_by_plan(
    plan_ids: Iterable[str],
    stored: DataFrame,
    aid: DataFrame,
    suspense_fen: Mapping[str, Mapping[date, int]],
    earlier_set_off_fen: Mapping[str, int],
    returned: Mapping[str, ReturnedTotals],
    grace_ends_on: date,
) -> dict[str, CollectionSums]:
    """The sums of every plan.

    `stored`: rows of settled/collections. `aid`: one row per beneficiary (from `aid_for_set_off`). `suspense_fen`: by
    plan and day (from `suspense_by_plan`). `earlier_set_off_fen`: by plan, aid that earlier arrears took. `returned`:
    by plan, money that went back. `grace_ends_on`: the day of set-offs.
    """
    groups = _summed(stored, aid, grace_ends_on)
    return {
        p: _sums_of_plan(
            [g for g in groups if g.plan_id == p],
            suspense_fen.get(p, {}),
            earlier_set_off_fen.get(p, 0),
            returned.get(p, NOTHING_RETURNED),
        )
        for p in plan_ids
    }


def suspense_by_plan(excess: DataFrame, held_fen: Mapping[date, int], first_plan_id: str) -> dict[str, dict[date, int]]:
    """The unapplied cash (one row per receipt, from `unapplied_cash`) by plan and day.

    `held_fen`: by day, the money of held receipts; it is booked in the first plan's suspense.
    """
    suspense_fen: dict[str, dict[date, int]] = {first_plan_id: dict(held_fen)}
    for row in excess.groupBy("plan_id", "attempted_on").agg(F.sum("excess_fen").alias("fen")).collect():
        by_day = suspense_fen.setdefault(row.plan_id, {})
        by_day[row.attempted_on] = by_day.get(row.attempted_on, 0) + row.fen
    return suspense_fen


def _summed(stored: DataFrame, aid: DataFrame, grace_ends_on: date) -> list:
    """Sums by plan, status, day and `is_of_next` (null: the member is no beneficiary).

    `held_back_fen`: what is held back from the aid of beneficiaries who have paid nothing yet, of each up to his aid;
    `released_fen`: the part of it that their cash released.
    """
    owed_fen = F.col("due_fen") - F.col("collected_fen") + F.col("set_off_fen")
    held_back_fen = F.least("aid_fen", "due_fen")
    return (
        stored.join(F.broadcast(aid), on=["plan_id", "member_id"], how="left")
        .withColumn("set_off_fen", set_off_part_fen(grace_ends_on))
        .withColumns({"held_back_fen": held_back_fen, "released_fen": held_back_fen - F.least("aid_fen", owed_fen)})
        .groupBy("plan_id", "status", "collected_on", "is_of_next")
        .agg(
            F.count(F.lit(1)).alias("row_count"),
            F.count_if(F.col("due_fen") > 0).alias("owing_count"),
            F.sum("due_fen").alias("due_fen"),
            F.sum("collected_fen").alias("collected_fen"),
            F.sum("set_off_fen").alias("set_off_fen"),
            F.sum("held_back_fen").alias("held_back_fen"),
            F.sum("released_fen").alias("released_fen"),
        )
        .collect()
    )


def _sums_of_plan(
    groups: list, suspense_fen: Mapping, earlier_set_off_fen: int, returned: ReturnedTotals
) -> CollectionSums:
    in_cash = [group for group in groups if not group.set_off_fen]
    of_beneficiaries = [group for group in groups if group.is_of_next is False]
    return CollectionSums(
        collected=CollectionTotals(
            collected_fen=_by_day(in_cash, "collected_fen"),
            suspense_fen=suspense_fen,
            helped_collected_fen=_by_day([group for group in in_cash if group.is_of_next is False], "released_fen"),
            helped_due_fen=sum(group.held_back_fen for group in of_beneficiaries),
            netted_fen=sum(group.set_off_fen for group in groups if group.is_of_next is False),
            netted_from_next_fen=sum(group.set_off_fen for group in groups if group.is_of_next),
            netted_before_fen=earlier_set_off_fen,
            written_off_fen=sum(group.due_fen - group.collected_fen for group in groups if group.status == LAPSED),
            returned=returned,
        ),
        row_count=sum(group.row_count for group in groups),
        owing_count=sum(group.owing_count for group in groups),
        due_fen=_with_set_offs(_by_status(groups, "due_fen"), groups),
        collected_by_status_fen=_with_set_offs(_by_status(groups, "collected_fen"), groups),
        count_by_status=_by_status(groups, "row_count"),
    )


def _by_day(groups: list, column: str) -> dict[date, int]:
    """A column of allocated money by the day of the receipt that completed the share."""
    by_day: dict[date, int] = {}
    for group in groups:
        if group[column]:
            by_day[group.collected_on] = by_day.get(group.collected_on, 0) + group[column]
    return by_day


def _with_set_offs(by_status_fen: dict[str, int], groups: list) -> dict[str, int]:
    """Sums by status, with the parts of lapsed dues that were set off counted as NETTED."""
    fen = sum(group.set_off_fen for group in groups if group.status == LAPSED)
    if not fen:
        return by_status_fen
    return by_status_fen | {
        LAPSED: by_status_fen.get(LAPSED, 0) - fen,
        NETTED: by_status_fen.get(NETTED, 0) + fen,
    }


def _by_status(groups: list, column: str) -> dict[str, int]:
    by_status: dict[str, int] = {}
    for group in groups:
        by_status[group.status] = by_status.get(group.status, 0) + group[column]
    return by_status
