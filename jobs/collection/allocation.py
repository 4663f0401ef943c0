"""Allocation of receipts: each payer's cash is applied to the shares he owes, one after another."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.spark.by_plan import fen


def totals_by_payer(in_time: DataFrame, bills: DataFrame) -> DataFrame:
    """One row per payer with a bill or a receipt in time. Key: payer_id.

    `in_time`: valid receipts of cash before the grace limit. Columns: `owed_fen` over all his plans, `received_fen`,
    `receipt_count`; 0 where he has none. One aggregation over a union reads both tables once, without the sort that a
    join would need.
    """
    zero = fen(0)
    owed = bills.select("payer_id", F.col("due_fen").alias("owed_fen"), zero.alias("received_fen"), zero.alias("n"))
    received = in_time.select(
        "payer_id", zero.alias("owed_fen"), F.col("amount_fen").alias("received_fen"), fen(1).alias("n")
    )
    return (
        owed.unionByName(received)
        .groupBy("payer_id")
        .agg(
            F.sum("owed_fen").alias("owed_fen"),
            F.sum("received_fen").alias("received_fen"),
            F.sum("n").alias("receipt_count"),
        )
    )


def payers_to_allocate(payer_totals: DataFrame) -> DataFrame:
    """The rows of `totals_by_payer` whose receipts must be allocated share by share.

    Payers with no receipt, or with a single receipt equal to what they owe, need no allocation: none of their shares
    is met, or all are.
    """
    is_exact = (F.col("receipt_count") == 1) & (F.col("received_fen") == F.col("owed_fen"))
    return payer_totals.where((F.col("receipt_count") > 0) & ~is_exact)


def shares_by_lookup(with_paid_on: DataFrame) -> DataFrame:
    """One row per assessment of a payer who needs no allocation, with `collected_fen` and `collected_on`.

    Key: plan_id, member_id. `with_paid_on`: assessments of these payers only, with the day of the payer's one receipt;
    null if he has none.
    """
    is_met = F.col("paid_on").isNotNull() & (F.col("due_fen") > 0)
    return with_paid_on.select(
        *(name for name in with_paid_on.columns if name != "paid_on"),
        F.when(is_met, F.col("due_fen")).otherwise(fen(0)).alias("collected_fen"),
        F.when(is_met, F.col("paid_on")).alias("collected_on"),
    )


def allocated_shares(
    assessments: DataFrame, joined: DataFrame, to_allocate: DataFrame, in_time: DataFrame, whole_shares: bool
) -> DataFrame:
    """One row per assessment of a payer whose receipts must be allocated, with `collected_fen` and `collected_on`.

    `assessments`, `to_allocate` (from `payers_to_allocate`) and `in_time` have these payers only. `joined`: one row per
    plan and member with `joined_on`. Order of allocation: the payer's own share, then the others by day of joining
    (source: quotes of the rules). `whole_shares`: a share is met in full or not at all (setting `deducts` of the
    platform). `collected_on`: the day of the receipt that completes what is met of the share.
    """
    in_order = Window.partitionBy("payer_id").orderBy(
        (F.col("member_id") == F.col("payer_id")).desc(),
        F.col("joined_on").asc_nulls_last(),
        "member_id",
        "plan_id",
    )
    ordered = (
        assessments.join(joined, on=["plan_id", "member_id"], how="left")
        .withColumn("needed_fen", F.sum("due_fen").over(in_order.rowsBetween(Window.unboundedPreceding, 0)))
        .join(to_allocate.select("payer_id", "received_fen"), "payer_id")
    )
    available_fen = F.col("received_fen") - (F.col("needed_fen") - F.col("due_fen"))  # left by the shares before it
    part_fen = F.greatest(F.least("due_fen", available_fen), fen(0))
    is_met = (F.col("received_fen") >= F.col("needed_fen")) & (F.col("due_fen") > 0)
    met_fen = F.when(is_met, F.col("due_fen")).otherwise(fen(0)) if whole_shares else part_fen
    met = ordered.withColumn("collected_fen", met_fen.cast("bigint"))
    days = (
        met.where("collected_fen > 0")
        .join(with_running_fen(in_time).select("payer_id", "attempted_on", "running_fen"), "payer_id")
        .where("running_fen >= least(needed_fen, received_fen)")
        .groupBy("plan_id", "member_id")
        .agg(F.min("attempted_on").alias("collected_on"))
    )
    return met.join(days, on=["plan_id", "member_id"], how="left").select(
        *assessments.columns, "collected_fen", "collected_on"
    )


def with_running_fen(receipts: DataFrame) -> DataFrame:
    """The receipts with `running_fen`: the payer's running total up to and including this receipt, in order of time."""
    in_order = Window.partitionBy("payer_id").orderBy("attempted_on", "receipt_id")
    so_far = in_order.rowsBetween(Window.unboundedPreceding, 0)
    return receipts.withColumn("running_fen", F.sum("amount_fen").over(so_far))
