"""A lake: Delta tables under one root, read at pinned versions and written partition by partition."""

import json
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from schemas import TABLES, Table

# Ten years of history: an auditor can travel back to any version a closed period was settled from.
KEPT_FOR = "interval 3650 days"
MOST_FILES = 50  # of a control table


class Lake:
    """The tables of one lake. Paths are relative to the root.

    `kept` remembers what a look at a table found until the table has a newer version.
    """

    def __init__(self, spark: SparkSession, root: str):
        self.spark = spark
        self.root = root.rstrip("/") or "/"
        self._kept: dict[tuple[str, str], tuple[int, Any]] = {}

    def path(self, table: str) -> str:
        return f"{self.root}/{table}"

    def exists(self, table: str) -> bool:
        """Whether a Delta table is there."""
        return DeltaTable.isDeltaTable(self.spark, self.path(table))

    def version(self, table: str) -> int:
        """The newest version of a table; -1 where there is none. From a listing of its log: to ask for the history
        would start a Spark job."""
        return self._snapshot(table).version()

    def table_id(self, table: str) -> str:
        """The identity of a table: one that is dropped and made anew has another, whatever its version."""
        return self._snapshot(table).metadata().id()

    def kept(self, table: str, name: str, look: Callable[[], Any]) -> Any:
        """What a look at a small table found, for as long as the table has no newer version, whoever writes it."""
        version = self.version(table)
        if self._kept.get((table, name), (None,))[0] != version:
            self._kept[table, name] = version, look()
        return self._kept[table, name][1]

    def read(self, table: str, version: int | None = None) -> DataFrame:
        """A table as it was at a version, or as it is now."""
        reader = self.spark.read.format("delta")
        return (reader if version is None else reader.option("versionAsOf", version)).load(self.path(table))

    def read_or_empty(self, table: str) -> DataFrame:
        """One of the product's own tables; without rows where nothing was ever written."""
        if self.exists(table):
            return self.read(table)
        return small_frame(self.spark, TABLES[table].spark_schema, [])

    def frame(self, table: Table, rows: Iterable[dict]) -> DataFrame:
        """Rows given as values, as a frame with the table's columns."""
        return small_frame(self.spark, table.spark_schema, rows)

    def replace(self, table: Table, frame: DataFrame, where: str, run_id: str) -> None:
        """Replaces the rows that satisfy `where` by the frame's, in one commit that carries the run's id."""
        if not self.exists(table.name) or self.read(table.name).where(where).isEmpty():
            self.append(table, frame, run_id)  # nothing to replace: half the time of an overwrite
        else:
            self.overwrite(table, frame, where, run_id)

    def overwrite(self, table: Table, frame: DataFrame, where: str, run_id: str) -> None:
        """Replaces rows that are known to be there."""
        writer = self._writer(table, frame, run_id)
        writer.mode("overwrite").option("replaceWhere", where).save(self.path(table.name))

    def delete(self, table: Table, where: str) -> None:
        """Removes the rows that satisfy `where` in one commit; commits nothing where there are none."""
        if not self.read(table.name).where(where).isEmpty():
            DeltaTable.forPath(self.spark, self.path(table.name)).delete(where)

    def append(self, table: Table, frame: DataFrame, run_id: str) -> None:
        """Appends the frame's rows in one commit."""
        self._writer(table, frame, run_id).mode("append").save(self.path(table.name))

    def compact(self, table: str) -> None:
        """Makes one file of many: every run adds some to the control tables, and whoever reads them opens each."""
        file_count = self._snapshot(table).numOfFilesIfKnown()
        if file_count.isDefined() and file_count.get() > MOST_FILES:
            DeltaTable.forPath(self.spark, self.path(table)).optimize().executeCompaction()

    def _snapshot(self, table: str):
        log = self.spark._jvm.org.apache.spark.sql.delta.DeltaLog
        return log.forTableWithSnapshot(self.spark._jsparkSession, self.path(table))._2()

    def _writer(self, table: Table, frame: DataFrame, run_id: str):
        statistics = [name for name in (*table.key, *table.looked_up_by) if name not in table.partitioned_by]
        writer = (
            frame.select(*table.column_names)
            .write.format("delta")
            .option("userMetadata", run_id)
            .option("delta.logRetentionDuration", KEPT_FOR)
            .option("delta.deletedFileRetentionDuration", KEPT_FOR)
            .option("delta.dataSkippingStatsColumns", ",".join(statistics))
        )
        return writer.partitionBy(*table.partitioned_by) if table.partitioned_by else writer


def small_frame(spark: SparkSession, schema: T.StructType, rows: Iterable[dict]) -> DataFrame:
    """A few rows of plain values as a frame. It is one literal: no Python worker has to start to read it."""
    text = json.dumps([{name: row.get(name) for name in schema.names} for row in rows], default=_as_text)
    parsed = F.from_json(F.lit(text), T.ArrayType(schema), {"mode": "FAILFAST"})
    return spark.range(1, numPartitions=1).select(F.inline(parsed))


def _as_text(value: date) -> str:
    return value.isoformat()


def none_of(column: str, values: Iterable[str]) -> str:
    """SQL text: the column holds none of the values, or nothing."""
    return f"({column} is null or not {any_of(column, values)})"


def any_of(column: str, values: Iterable[str]) -> str:
    """SQL text: the column holds one of the values, which come from the calendar and the conf, never from rows."""
    return f"{column} in ({', '.join(repr(value) for value in sorted(values))})"
