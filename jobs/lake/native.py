"""The native engine: Apache DataFusion Comet runs Spark's own query plans on columns, outside the Java heap."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import SparkSession

PACKAGE = "org.apache.datafusion:comet-spark-spark4.1_2.13:1.2.0"
ENGINE = f"comet {PACKAGE.rpartition(':')[2]}"
FOLDER = "native"  # below the folder of the Delta JARs
WITH_ENGINE = ",org.apache.comet.CometSparkSessionExtensions"  # appended to Spark's other extensions
MEMORY, OFF_HEAP = "spark.driver.memory", "spark.memory.offHeap.size"
DEFAULT_MEMORY = "1g"  # Spark's own
SIZE = re.compile(r"(\d+)([mgt]?)b?")
MEBIBYTES = {"": 1, "m": 1, "g": 1 << 10, "t": 1 << 20}
PLUGIN = "org.apache.spark.CometPlugin"
SWITCH = "spark.comet.enabled"
SETTINGS = {
    "spark.plugins": PLUGIN,
    "spark.shuffle.manager": "org.apache.spark.sql.comet.execution.shuffle.CometShuffleManager",
    SWITCH: "true",
    "spark.comet.exec.enabled": "true",
    "spark.comet.exec.shuffle.enabled": "true",
    "spark.comet.exec.pyarrowUDF.enabled": "true",
    "spark.comet.convert.rdd.enabled": "true",  # else what follows a union or join with materialised rows is row-wise
    "spark.memory.offHeap.enabled": "true",
}
# A conf that sets one of these has another use for it: then the engine stays off.
SET_BY_ENGINE = {"spark.plugins", "spark.shuffle.manager", "spark.driver.extraClassPath"}


def native_jars(folder: Path) -> list[str]:
    """The JAR of the native engine that `make native` fetches, or none. `folder`: of the Delta JARs."""
    return [str(jar) for jar in sorted(folder.joinpath(FOLDER).glob("*comet-spark*.jar"))[-1:]]


def native_settings(jar: str) -> dict[str, str]:
    """The settings of a session in which the engine of this JAR runs queries."""
    # Of so many plain files Spark lists the sizes itself; more are listed by a job.
    return {
        **SETTINGS,
        "spark.driver.extraClassPath": jar,
        "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",
    }


def with_native_memory(settings: dict[str, str]) -> dict[str, str]:
    """The settings with the driver's memory in two halves, heap and off-heap; a size of off-heap memory stays."""
    size = SIZE.fullmatch(settings.get(MEMORY, DEFAULT_MEMORY).strip().lower())
    if OFF_HEAP in settings or size is None:
        return settings
    half = int(size[1]) * MEBIBYTES[size[2]] >> 1
    return {**settings, MEMORY: f"{half}m", OFF_HEAP: f"{half}m"}


def is_native(spark: SparkSession) -> bool:
    """Whether the session runs queries in the native engine."""
    return PLUGIN in spark.conf.get("spark.plugins", "") and spark.conf.get(SWITCH, "false") == "true"


@contextmanager
def compiled_by_spark(spark: SparkSession) -> Iterator[None]:
    """Spark itself runs the queries planned inside.

    It compiles a long chain of expressions into one loop, which is quicker than the native engine's one loop for each.
    """
    if not is_native(spark):
        yield
        return
    spark.conf.set(SWITCH, "false")
    try:
        yield
    finally:
        spark.conf.set(SWITCH, "true")
