"""Settings of the tests' Spark session: quick ones for tiny frames, or those a user has."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

# Tiny frames: what costs is planning and compiling a query, not running it.
QUICK = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",
    "spark.databricks.delta.writeChecksumFile.enabled": "false",
}
# A program that a test starts is over before it pays to compile anything well.
SHORT_LIVED_JVM = "-XX:TieredStopAtLevel=1"
SHORT_LIVED = {f"spark.{part}.extraJavaOptions": SHORT_LIVED_JVM for part in ("driver", "executor")}
_USUAL: dict[str, str | None] = {}


def make_quick(spark) -> None:
    """From here on the session has the quick settings; those it had are remembered."""
    _USUAL.update({key: spark.conf.get(key, None) for key in QUICK})
    _set(spark, QUICK)


@contextmanager
def usual(spark) -> Iterator[None]:
    """The settings that a user's session has."""
    with settings(spark, _USUAL):
        yield


@contextmanager
def settings(spark, given: Mapping[str, str | None]) -> Iterator[None]:
    """These settings, and afterwards those that were there before; None: Spark's own."""
    before = {key: spark.conf.get(key, None) for key in given}
    _set(spark, given)
    try:
        yield
    finally:
        _set(spark, before)


def _set(spark, given: Mapping[str, str | None]) -> None:
    for key, value in given.items():
        spark.conf.unset(key) if value is None else spark.conf.set(key, value)
