"""Shares whose fate stands: the money that met them is spent, and late money does not bring a lapsed one back."""

from functools import reduce

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.collection.allocation import (
    AFTER_GRACE,
    AFTER_LAPSE,
    NOT_ENOUGH,
    OVERPAID,
    WITHOUT_BILL,
    with_running_fen,
)


def money_left(in_time: DataFrame, met: DataFrame) -> DataFrame:
    """The receipts with what is left of each in `amount_fen`; those of which nothing is left are left out.

    `met`: one row per payer whose money met shares that stand: payer_id, met_fen. They took his earliest money.
    """
    nothing = F.lit(0).cast("bigint")
    spent_fen = F.coalesce("met_fen", nothing)
    left_fen = F.greatest(F.least("amount_fen", F.col("running_fen") - spent_fen), nothing)
    left = with_running_fen(in_time).join(met, "payer_id", "left").withColumn("amount_fen", left_fen)
    return left.where("amount_fen > 0").select(*in_time.columns)


def with_standing_reasons(excess: DataFrame, of_lapsed: DataFrame, of_closed: DataFrame, met: DataFrame) -> DataFrame:
    """Money without a share (as from `money_without_share`), with the reasons that shares which stand give it.

    `of_lapsed`: one row per payer of a share that lapsed for good, with `lapsed_plan` and `lapsed_due_fen`: what came
    in time and would have met it says so. `of_closed`: payers with a bill of a closed plan, with `closed_due_fen`, of
    which `met` has `met_fen`: they have no bill that is open, but had one. Key of all three: payer_id.
    """
    in_time_fen = F.when(F.col("reason") != AFTER_GRACE, F.col("excess_fen"))
    left_fen = F.sum(in_time_fen).over(Window.partitionBy("payer_id"))
    told = reduce(lambda rows, more: rows.join(more, "payer_id", "left"), (of_lapsed, of_closed, met), excess)
    has_no_bill = F.col("reason") == WITHOUT_BILL
    is_late = F.col("reason") == AFTER_GRACE
    would_meet = F.coalesce(left_fen >= F.col("lapsed_due_fen"), F.lit(False)) & ~is_late
    all_met = F.coalesce("met_fen", F.lit(0)) >= F.col("closed_due_fen")
    reason = (
        F.when(would_meet, F.lit(AFTER_LAPSE))
        .when(has_no_bill & F.col("lapsed_plan").isNotNull(), F.lit(NOT_ENOUGH))
        .when(has_no_bill & F.col("closed_due_fen").isNotNull(), F.when(all_met, OVERPAID).otherwise(NOT_ENOUGH))
        .otherwise(F.col("reason"))
    )
    plan_id = F.when(has_no_bill, F.coalesce("lapsed_plan", "plan_id")).otherwise(F.col("plan_id"))
    return told.withColumns({"reason": reason, "plan_id": plan_id}).select(*excess.columns)
