"""Settings of the tests' Spark session: quick ones for tiny frames, or those of a user."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

# With tiny frames the cost is planning and compiling a query, not running it.
QUICK = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",
    "spark.databricks.delta.writeChecksumFile.enabled": "false",
}
# A program started by a test is too short for optimised compilation.
SHORT_LIVED_JVM = "-XX:TieredStopAtLevel=1"
SHORT_LIVED = {f"spark.{part}.extraJavaOptions": SHORT_LIVED_JVM for part in ("driver", "executor")}
_USUAL: dict[str, str | None] = {}


def make_quick(spark) -> None:
    """Sets the quick settings and remembers the previous ones."""
    _USUAL.update({key: spark.conf.get(key, None) for key in QUICK})
    _set(spark, QUICK)


@contextmanager
def usual(spark) -> Iterator[None]:
    """The settings of a user's session."""
    with settings(spark, _USUAL):
        yield


@contextmanager
def settings(spark, values: Mapping[str, str | None]) -> Iterator[None]:
    """Sets these values and restores the previous ones afterwards; None: Spark's default."""
    before = {key: spark.conf.get(key, None) for key in values}
    _set(spark, values)
    try:
        yield
    finally:
        _set(spark, before)


def _set(spark, values: Mapping[str, str | None]) -> None:
    for key, value in values.items():
        spark.conf.unset(key) if value is None else spark.conf.set(key, value)
