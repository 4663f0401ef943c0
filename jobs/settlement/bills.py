"""One bill per payer: what he owes for all members he pays for."""

from collections.abc import Collection

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.spark.id_filter import with_passed


def bills(assessments: DataFrame, plan_ids: Collection[str], family_payers: DataFrame) -> DataFrame:
    """One row per payer with at least one assessment in a plan: member_count, due_fen. Key: plan_id, payer_id.

    `family_payers`: a filter that lets every payer through who pays for somebody else. Most pay for themselves alone:
    their bill is their assessment, as it is. Only the assessments of those who pass are grouped, by the plan's number
    among `plan_ids`: comparing its name for every row would take longer than all the rest.
    """
    names = F.array(*map(F.lit, sorted(plan_ids)))
    of_families = with_passed(assessments, "payer_id", family_payers, "of_family")
    alone = of_families.where(~F.col("of_family")).select(
        "plan_id", "payer_id", F.lit(1).cast("bigint").alias("member_count"), "due_fen"
    )
    families = (
        of_families.where("of_family")
        .groupBy(F.array_position(names, F.col("plan_id")).cast("int").alias("plan_number"), "payer_id")
        .agg(F.count(F.lit(1)).alias("member_count"), F.sum("due_fen").alias("due_fen"))
        .select(names[F.col("plan_number") - 1].alias("plan_id"), "payer_id", "member_count", "due_fen")
    )
    return alone.unionByName(families)
