"""One bill per payer: what he owes for all members he pays for."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.settlement.id_filter import with_passed


def bills(assessments: DataFrame, family_payers: DataFrame) -> DataFrame:
    """One row per payer with at least one assessment in a plan: member_count, due_fen. Key: plan_id, payer_id.

    `family_payers`: a filter that lets every payer through who pays for somebody else. Most pay for themselves alone:
    their bill is their assessment, as it is. Only the assessments of those who pass are grouped.
    """
    of_families = with_passed(assessments, "payer_id", family_payers, "of_family")
    alone = of_families.where(~F.col("of_family")).select(
        "plan_id", "payer_id", F.lit(1).cast("bigint").alias("member_count"), "due_fen"
    )
    families = (
        of_families.where("of_family")
        .groupBy("plan_id", "payer_id")
        .agg(F.count(F.lit(1)).alias("member_count"), F.sum("due_fen").alias("due_fen"))
    )
    return alone.unionByName(families)
