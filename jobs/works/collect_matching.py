"""A period's money given to its shares: for most payers by a look-up, for few by going through their shares in
order."""

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
    """`shares`: one row per assessment with the money it met. `excess`: one row per receipt with money that met
    none."""

    shares: DataFrame
    excess: DataFrame


def match(
    assessments: DataFrame,
    bills: DataFrame,
    receipts: ReceiptGate,
    joined_of: Callable[[DataFrame], DataFrame],
    whole_shares: bool,
    first_plan_id: str,
) -> Allocations:
    """Gives every payer's money to his shares.

    `joined_of` finds the day of joining of members, given by member_id, in their plans. Money without any bill is put
    down to `first_plan_id`.
    """
    announce("adding up bills and receipts by payer")
    to_allocate = payers_to_allocate(totals_by_payer(receipts.in_time, bills)).localCheckpoint()
    payer_count = to_allocate.count()
    announce(f"giving money to shares: {payer_count:,} payers paid another amount than they owe, or in parts")
    in_time = _of_payers(receipts.in_time, to_allocate, payer_count).localCheckpoint()
    of_payers = _of_payers(assessments, to_allocate, payer_count).localCheckpoint()
    joined = joined_of(_in_families(of_payers))
    allocated = allocated_shares(of_payers, joined, to_allocate, in_time, whole_shares).localCheckpoint()
    excess = unapplied_cash(to_allocate, in_time, receipts.late, allocated, first_plan_id).localCheckpoint()
    plain = shares_by_lookup(_without_payers(assessments, to_allocate, payer_count), receipts.in_time)
    return Allocations(plain.unionByName(allocated), excess)


def _in_families(assessments: DataFrame) -> DataFrame:
    """The members whose payer pays for others too: there the order of joining matters."""
    with_others = assessments.groupBy("payer_id").count().where("count > 1").select("payer_id")
    return assessments.join(with_others, "payer_id", "left_semi").select("member_id").localCheckpoint()


def _of_payers(rows: DataFrame, of_payers: DataFrame, payer_count: int) -> DataFrame:
    """The rows of these payers only: first a filter of ids, since they are few among many; nothing is read where
    there are none."""
    if not payer_count:
        return rows.where("false")
    passed = with_passed(rows, "payer_id", filter_of_ids(of_payers, "payer_id"), "passed")
    return passed.where("passed").drop("passed").join(of_payers.select("payer_id"), "payer_id", "left_semi")


def _without_payers(rows: DataFrame, of_payers: DataFrame, payer_count: int) -> DataFrame:
    if not payer_count:
        return rows
    ids = of_payers.select("payer_id")
    return rows.join(broadcast_if_few(ids, payer_count), "payer_id", "left_anti")
