"""One bill per payer: what he owes for all members he pays for."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def bills(assessments: DataFrame) -> DataFrame:
    """One row per payer with at least one assessment in a plan: member_count, due_fen. Key: plan_id, payer_id."""
    return assessments.groupBy("plan_id", "payer_id").agg(
        F.count(F.lit(1)).alias("member_count"), F.sum("due_fen").alias("due_fen")
    )
