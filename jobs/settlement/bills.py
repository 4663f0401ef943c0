"""One bill per payer and plan: what he owes for all members he pays for."""

from collections.abc import Collection

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.spark.by_plan import fen
from jobs.spark.id_filter import with_passed


def bills(
    assessments: DataFrame, plan_ids: Collection[str], family_payers: DataFrame, adjustments: DataFrame | None = None
) -> DataFrame:
    """The rows of settled/bills: one row per plan and payer with an assessment or adjustment. Key: plan_id, payer_id.

    `adjustments`: additional dues and refunds of corrections into the period (plan_id, payer_id, delta_fen); None: no
    correction, and every `adjustment_fen` is 0.

    `family_payers`: an id filter that passes every payer who pays for someone else. Most members pay for themselves
    alone, and their bill is their assessment; only the rows that pass the filter are grouped. They are grouped by the
    plan's number in `plan_ids`, because comparing plan names for every row would cost more than all the rest.
    """
    if adjustments is not None:
        return _with_adjustments(assessments, adjustments)
    plan_names = F.array(*map(F.lit, sorted(plan_ids)))
    flagged = with_passed(assessments, "payer_id", family_payers, "is_family")
    single_bills = flagged.where(~F.col("is_family")).select(
        "plan_id", "payer_id", F.lit(1).cast("bigint").alias("member_count"), "due_fen"
    )
    family_bills = (
        flagged.where("is_family")
        .groupBy(F.array_position(plan_names, F.col("plan_id")).cast("int").alias("plan_number"), "payer_id")
        .agg(F.count(F.lit(1)).alias("member_count"), F.sum("due_fen").alias("due_fen"))
        .select(plan_names[F.col("plan_number") - 1].alias("plan_id"), "payer_id", "member_count", "due_fen")
    )
    return single_bills.unionByName(family_bills).withColumn("adjustment_fen", fen(0))


def _with_adjustments(assessments: DataFrame, adjustments: DataFrame) -> DataFrame:
    """One aggregation over both: a correction of the shares adjusts almost every payer."""
    billed = assessments.select("plan_id", "payer_id", fen(1).alias("n"), "due_fen", fen(0).alias("delta_fen"))
    adjusted = adjustments.select("plan_id", "payer_id", fen(0).alias("n"), fen(0).alias("due_fen"), "delta_fen")
    return (
        billed.unionByName(adjusted)
        .groupBy("plan_id", "payer_id")
        .agg(
            F.sum("n").alias("member_count"),
            F.sum("due_fen").alias("due_fen"),
            F.sum("delta_fen").alias("adjustment_fen"),
        )
    )
