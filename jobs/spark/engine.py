"""Which engine runs the session's queries: Spark's own, or the native one (Apache DataFusion Comet)."""

from pyspark.sql import SparkSession

PLUGIN = "org.apache.spark.CometPlugin"
SWITCH = "spark.comet.enabled"


def is_native(spark: SparkSession) -> bool:
    """Whether the session runs queries in the native engine."""
    return PLUGIN in spark.conf.get("spark.plugins", "") and spark.conf.get(SWITCH, "false") == "true"
