"""Allocation of a period's receipts to its shares: a look-up for most payers, share by share for the few others."""

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import DataFrame

from jobs.collection.allocation import (
    allocated_shares,
    payers_to_allocate,
    shares_by_lookup,
    totals_by_payer,
    unapplied_cash,
)
from jobs.gate.receipts import ReceiptGate
from jobs.progress import announce
from jobs.spark.broadcasting import broadcast_if_few
from jobs.spark.id_filter import filter_of_ids, with_passed


@dataclass(frozen=True)
class Allocations:
    """`shares`: one row per assessment, with the money allocated to it. `excess`: one row per receipt with unapplied
    cash."""

    shares: DataFrame
    excess: DataFrame


def allocate(
    assessments: DataFrame,
    bills: DataFrame,
    receipts: ReceiptGate,
    joined_on_of: Callable[[DataFrame], DataFrame],
    whole_shares: bool,
    first_plan_id: str,
) -> Allocations:
    """Allocates every payer's money to the shares of his members.

    `joined_on_of`: gives the days on which members (rows of member_id) joined their plans. Unapplied cash of a payer
    without any bill is attributed to `first_plan_id`.
    """
    announce("adding up bills and receipts by payer")
    to_allocate = payers_to_allocate(totals_by_payer(receipts.in_time, bills)).localCheckpoint()
    payer_count = to_allocate.count()
    announce(f"allocating receipts: {payer_count:,} payers paid another amount than they owe, or in parts")
    in_time = _rows_of_payers(receipts.in_time, to_allocate, payer_count).localCheckpoint()
    payers_assessments = _rows_of_payers(assessments, to_allocate, payer_count).localCheckpoint()
    joined = joined_on_of(_members_in_families(payers_assessments))
    allocated = allocated_shares(payers_assessments, joined, to_allocate, in_time, whole_shares).localCheckpoint()
    excess = unapplied_cash(to_allocate, in_time, receipts.late, allocated, first_plan_id).localCheckpoint()
    plain = shares_by_lookup(_rows_of_other_payers(assessments, to_allocate, payer_count), receipts.in_time)
    return Allocations(plain.unionByName(allocated), excess)


def _members_in_families(assessments: DataFrame) -> DataFrame:
    """The members whose payer pays for others too: only there the order of joining matters."""
    with_others = assessments.groupBy("payer_id").count().where("count > 1").select("payer_id")
    return assessments.join(with_others, "payer_id", "left_semi").select("member_id").localCheckpoint()


def _rows_of_payers(rows: DataFrame, payer_rows: DataFrame, payer_count: int) -> DataFrame:
    """The rows of these payers. They are few among many, so an id filter comes first; without payers nothing is
    read."""
    if not payer_count:
        return rows.where("false")
    passed = with_passed(rows, "payer_id", filter_of_ids(payer_rows, "payer_id"), "passed")
    return passed.where("passed").drop("passed").join(payer_rows.select("payer_id"), "payer_id", "left_semi")


def _rows_of_other_payers(rows: DataFrame, payer_rows: DataFrame, payer_count: int) -> DataFrame:
    if not payer_count:
        return rows
    ids = payer_rows.select("payer_id")
    return rows.join(broadcast_if_few(ids, payer_count), "payer_id", "left_anti")
