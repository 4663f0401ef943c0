"""Allocation of a period's receipts to its shares: a look-up for most payers, share by share for the few others."""

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.base.progress import announce
from jobs.collection.allocation import (
    allocated_shares,
    payers_to_allocate,
    shares_by_lookup,
    totals_by_payer,
    with_running_fen,
)
from jobs.collection.exact_payers import paid_on_by_word, words_of_days, words_of_other_payers
from jobs.collection.unapplied_cash import unapplied_cash
from jobs.correction.additional_dues import dues_met
from jobs.gate.receipts import ReceiptGate
from jobs.lake.many_computed import many_computed_once
from jobs.lake.native import is_native
from jobs.spark.broadcasting import broadcast_if_few
from jobs.spark.id_filter import filter_of_ids, filter_of_words, rows_passing

MOST_WORDS = 6_000_000  # of 20 bytes, which every task of the native engine holds


@dataclass(frozen=True)
class Allocations:
    """`shares`: one row per assessment, with the money allocated to it. `excess`: one row per receipt with unapplied
    cash. `additional`: one row per additional due, with the money allocated to it; None: there are none.
    `refunds_used_fen`: refunds that met shares or dues; they are no receipts."""

    shares: DataFrame
    excess: DataFrame
    additional: DataFrame | None = None
    refunds_used_fen: int = 0


def allocate(
    assessments: DataFrame,
    bills: DataFrame,
    receipts: ReceiptGate,
    joined_on_of: Callable[[DataFrame], DataFrame],
    whole_shares: bool,
    first_plan_id: str,
    asked: DataFrame | None = None,
    is_large: bool = False,
) -> Allocations:
    """Allocates every payer's money to the shares of his members, then to his additional dues.

    `asked`: the additional dues (rows of settled/adjustments); None: there are none. `is_large`: whether looking for
    the payers who paid exactly what they owe saves more than it costs.

    `joined_on_of`: gives the days on which members (rows of member_id) joined their plans. Unapplied cash of a payer
    without any bill is attributed to `first_plan_id`.
    """
    announce("adding up bills and receipts by payer")
    owed = bills if asked is None else _with_additional(bills, asked)
    totals = totals_by_payer(receipts.in_time, owed)
    of_others = _totals_of_other_payers(receipts.in_time, owed) if is_large and asked is None else totals
    to_allocate = payers_to_allocate(of_others).localCheckpoint()
    payer_count = to_allocate.count()
    announce(f"allocating receipts: {payer_count:,} payers paid another amount than they owe, or in parts")
    in_time = _rows_of_payers(receipts.in_time, to_allocate, payer_count).localCheckpoint()
    payers_assessments = _rows_of_payers(assessments, to_allocate, payer_count).localCheckpoint()
    joined = joined_on_of(_members_in_families(payers_assessments))
    allocated = allocated_shares(payers_assessments, joined, to_allocate, in_time, whole_shares).localCheckpoint()
    additional = None if asked is None else _additional_met(asked, totals, receipts.in_time).localCheckpoint()
    spent = allocated.select("payer_id", "plan_id", "collected_fen")
    if additional is not None:
        met = additional.select("payer_id", "plan_id", F.col("met_fen").alias("collected_fen"))
        spent = spent.unionByName(met)
    excess = unapplied_cash(to_allocate, in_time, receipts.late, spent, first_plan_id).localCheckpoint()
    others = _rows_of_other_payers(assessments, to_allocate, payer_count)
    plain = shares_by_lookup(_with_paid_on(others, receipts.in_time))
    return Allocations(plain.unionByName(allocated), excess, additional)


def _with_paid_on(assessments: DataFrame, in_time: DataFrame) -> DataFrame:
    """The assessments with the day of the payer's one receipt."""
    if is_native(assessments.sparkSession):
        days = many_computed_once(words_of_days(in_time))
        if days.count() <= MOST_WORDS:
            return paid_on_by_word(assessments, days)
    # A hash join, so that neither table is sorted.
    paid_on = in_time.select("payer_id", F.col("attempted_on").alias("paid_on")).hint("shuffle_hash")
    return assessments.join(paid_on, "payer_id", "left")


def _totals_of_other_payers(in_time: DataFrame, owed: DataFrame) -> DataFrame:
    """The totals without most payers who paid exactly what they owe."""
    words = many_computed_once(words_of_other_payers(in_time, owed))
    if words.isEmpty():
        return totals_by_payer(in_time.where("false"), owed.where("false"))
    others = filter_of_words(words)
    return totals_by_payer(*(rows_passing(rows, "payer_id", others) for rows in (in_time, owed)))


def _with_additional(bills: DataFrame, asked: DataFrame) -> DataFrame:
    """Bills and additional dues: what each payer owes in all."""
    return bills.select("payer_id", "due_fen").unionByName(
        asked.select("payer_id", F.col("delta_fen").alias("due_fen"))
    )


def _additional_met(asked: DataFrame, totals: DataFrame, in_time: DataFrame) -> DataFrame:
    """The additional dues that the money left by the shares meets."""
    asked_fen = asked.groupBy("payer_id").agg(F.sum("delta_fen").alias("asked_fen"))
    money = totals.join(asked_fen, "payer_id").select(
        "payer_id", "received_fen", (F.col("owed_fen") - F.col("asked_fen")).alias("shares_fen")
    )
    return dues_met(asked, money, with_running_fen(in_time))


def _members_in_families(assessments: DataFrame) -> DataFrame:
    """The members whose payer pays for others too: only there the order of joining matters."""
    with_others = assessments.groupBy("payer_id").count().where("count > 1").select("payer_id")
    return assessments.join(with_others, "payer_id", "left_semi").select("member_id").localCheckpoint()


def _rows_of_payers(rows: DataFrame, payer_rows: DataFrame, payer_count: int) -> DataFrame:
    """The rows of these payers. They are few among many, so an id filter comes first; without payers nothing is
    read."""
    if not payer_count:
        return rows.where("false")
    passed = rows_passing(rows, "payer_id", filter_of_ids(payer_rows, "payer_id"))
    return passed.join(payer_rows.select("payer_id"), "payer_id", "left_semi")


def _rows_of_other_payers(rows: DataFrame, payer_rows: DataFrame, payer_count: int) -> DataFrame:
    if not payer_count:
        return rows
    ids = payer_rows.select("payer_id")
    return rows.join(broadcast_if_few(ids, payer_count), "payer_id", "left_anti")
