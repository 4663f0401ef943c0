"""Spark sessions: the one way this program starts Spark."""

import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.environment import Environment
from jobs.errors import WrongUsage

SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.maxConcurrentOutputFileWriters": "64",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.databricks.delta.properties.defaults.enableDeletionVectors": "false",
    "spark.sql.autoBroadcastJoinThreshold": "64m",
    "spark.sql.adaptive.autoBroadcastJoinThreshold": "64m",
}
LOCAL_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
}


def open_session(environment: Environment, app_name: str) -> SparkSession:
    """The running session, or a new one with the settings that a settlement relies on."""
    active = SparkSession.getActiveSession()
    if active is not None:
        return active
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(app_name)
    settings = {**SETTINGS, **environment.spark}
    master = settings.pop("master", None)
    if master:
        builder = builder.master(master)
        settings = {**LOCAL_SETTINGS, "spark.jars": _jars(), **settings}
    memory = os.environ.get("FENTAN_DRIVER_MEMORY")
    if memory:
        settings["spark.driver.memory"] = memory
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    if spark.conf.get("spark.sql.ansi.enabled") != "true":
        raise WrongUsage("spark.sql.ansi.enabled must be true: without it an overflow would be silent. Nothing was done.")
    return spark


def _jars() -> str:
    folder = Path(os.environ.get("FENTAN_JARS", Path(__file__).resolve().parents[2] / ".jars"))
    jars = sorted(str(jar) for name in ("delta-spark", "delta-storage") for jar in folder.glob(f"*{name}*.jar"))
    if len(jars) < 2:
        raise WrongUsage(f"The Delta JARs are not in {folder}. Nothing was done. Run `make setup`.")
    return ",".join(jars)
