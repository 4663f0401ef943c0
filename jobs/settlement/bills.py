"""One bill per payer and plan: what he owes for all members he pays for."""

from collections.abc import Collection

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.spark.id_filter import with_passed


def bills(assessments: DataFrame, plan_ids: Collection[str], family_payers: DataFrame) -> DataFrame:
    """The rows of settled/bills: one row per plan and payer with an assessment in it. Key: plan_id, payer_id.

    `family_payers`: an id filter that passes every payer who pays for someone else. Most members pay for themselves
    alone, and their bill is their assessment; only the rows that pass the filter are grouped. They are grouped by the
    plan's number in `plan_ids`, because comparing plan names for every row would cost more than all the rest.
    """
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
    return single_bills.unionByName(family_bills)
