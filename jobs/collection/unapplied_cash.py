"""Cash of receipts that meets no share, and why."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.collection.allocation import with_running_fen
from jobs.spark.by_plan import fen

# Published reasons.
WITHOUT_BILL, AFTER_GRACE = "receipt_without_bill", "receipt_after_grace"
OVERPAID, NOT_ENOUGH, AFTER_LAPSE = "receipt_overpaid", "receipt_not_enough", "receipt_after_lapse"


def unapplied_cash(
    to_allocate: DataFrame, in_time: DataFrame, late: DataFrame, allocated: DataFrame, first_plan_id: str
) -> DataFrame:
    """One row per receipt with unapplied cash: the receipt, `excess_fen`, `reason`, `plan_id`. Key: receipt_id.

    `to_allocate`, `in_time`: the payers whose receipts must be allocated, and those receipts. `late`: receipts after
    the grace limit. `allocated`: from `allocated_shares`. `plan_id`, in whose books the cash is held: the first plan
    that billed the payer; `first_plan_id` for late receipts and payers without a bill.
    """
    met = allocated.groupBy("payer_id").agg(
        F.sum("collected_fen").alias("met_fen"), F.min("plan_id").alias("billed_plan_id")
    )
    payers = to_allocate.join(met, "payer_id", "left").withColumn("met_fen", F.coalesce("met_fen", fen(0)))
    reason = (
        F.when(F.col("billed_plan_id").isNull(), WITHOUT_BILL)
        .when(F.col("received_fen") > F.col("owed_fen"), OVERPAID)
        .otherwise(NOT_ENOUGH)
    )
    # Shares take the payer's earliest cash; the excess is the part of a receipt beyond what they took.
    excess_fen = F.greatest(F.least("amount_fen", F.col("running_fen") - F.col("met_fen")), fen(0))
    plan_id = F.coalesce("billed_plan_id", F.lit(first_plan_id))
    excess = (
        with_running_fen(in_time)
        .join(payers, "payer_id")
        .withColumns({"excess_fen": excess_fen, "reason": reason, "plan_id": plan_id})
        .where("excess_fen > 0")
    )
    after_grace = late.withColumns(
        {"excess_fen": F.col("amount_fen"), "reason": F.lit(AFTER_GRACE), "plan_id": F.lit(first_plan_id)}
    )
    columns = (*late.columns, "excess_fen", "reason", "plan_id")
    return excess.select(*columns).unionByName(after_grace.select(*columns))
