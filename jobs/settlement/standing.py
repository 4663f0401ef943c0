"""Shares whose fate stands: the money that met them is spent, and late money does not bring a lapsed one back."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.settlement.collection import AFTER_GRACE, AFTER_LAPSE, WITHOUT_BILL, with_running_fen


def money_left(in_time: DataFrame, met: DataFrame) -> DataFrame:
    """The receipts with what is left of each in `amount_fen`; those of which nothing is left are left out.

    `met`: one row per payer whose money met shares that stand: payer_id, met_fen. They took his earliest money.
    """
    nothing = F.lit(0).cast("bigint")
    spent_fen = F.coalesce("met_fen", nothing)
    left_fen = F.greatest(F.least("amount_fen", F.col("running_fen") - spent_fen), nothing)
    left = with_running_fen(in_time).join(met, "payer_id", "left").withColumn("amount_fen", left_fen)
    return left.where("amount_fen > 0").select(*in_time.columns)


def after_lapse(excess: DataFrame, of_lapsed: DataFrame) -> DataFrame:
    """Money without a share (as from `money_without_bill`); what came in time from payers of a share that lapsed for
    good says so.

    `of_lapsed`: one row per such payer: payer_id, lapsed_plan (the first plan with such a share).
    """
    told = excess.join(F.broadcast(of_lapsed), "payer_id", "left")
    has_lapsed = F.col("lapsed_plan").isNotNull() & (F.col("reason") != AFTER_GRACE)
    has_no_bill = F.col("reason") == WITHOUT_BILL
    return told.withColumns(
        {
            "plan_id": F.when(has_lapsed & has_no_bill, F.col("lapsed_plan")).otherwise(F.col("plan_id")),
            "reason": F.when(has_lapsed, F.lit(AFTER_LAPSE)).otherwise(F.col("reason")),
        }
    ).select(*excess.columns)
