"""A period's money given to its shares: for most payers by a look-up, for few by going through their shares in
order."""

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.lake.gate.receipts import ReceiptGate
from jobs.outcome import announce
from jobs.settlement.collection import (
    allocated_shares,
    looked_at_closer,
    money_without_bill,
    payers,
    plain_shares,
)
from jobs.settlement.coverage import MOST_ROWS_TO_BROADCAST
from jobs.settlement.id_filter import filter_of_ids, with_passed


@dataclass(frozen=True)
class Matched:
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
) -> Matched:
    """Gives every payer's money to his shares.

    `joined_of` finds the day of joining of members, given by member_id, in their plans. Money without any bill is put
    down to `first_plan_id`.
    """
    announce("adding up bills and receipts by payer")
    closer = looked_at_closer(payers(receipts.in_time, bills)).localCheckpoint()
    closer_count = closer.count()
    announce(f"giving money to shares: {closer_count:,} payers are looked at closer")
    in_time = _of_payers(receipts.in_time, closer, closer_count).localCheckpoint()
    of_closer = _of_payers(assessments, closer, closer_count).localCheckpoint()
    joined = joined_of(_in_families(of_closer))
    allocated = allocated_shares(of_closer, joined, closer, in_time, whole_shares).localCheckpoint()
    excess = money_without_bill(closer, in_time, receipts.late, allocated, first_plan_id).localCheckpoint()
    plain = plain_shares(_without_payers(assessments, closer, closer_count), receipts.in_time)
    return Matched(plain.unionByName(allocated), excess)


def _in_families(assessments: DataFrame) -> DataFrame:
    """The members whose payer pays for others too: there the order of joining matters."""
    with_others = assessments.groupBy("payer_id").count().where("count > 1").select("payer_id")
    return assessments.join(with_others, "payer_id", "left_semi").select("member_id").localCheckpoint()


def _of_payers(rows: DataFrame, of_payers: DataFrame, payer_count: int) -> DataFrame:
    """The rows of these payers only: a filter of ids first, since they are few of many; no look at all where
    none is."""
    if not payer_count:
        return rows.where("false")
    passed = with_passed(rows, "payer_id", filter_of_ids(of_payers, "payer_id"), "passed")
    return passed.where("passed").drop("passed").join(of_payers.select("payer_id"), "payer_id", "left_semi")


def _without_payers(rows: DataFrame, of_payers: DataFrame, payer_count: int) -> DataFrame:
    if not payer_count:
        return rows
    ids = of_payers.select("payer_id")
    return rows.join(F.broadcast(ids) if payer_count <= MOST_ROWS_TO_BROADCAST else ids, "payer_id", "left_anti")
