"""A lake: Delta tables under one root, read at pinned versions and written partition by partition."""

import json
from collections.abc import Iterable
from datetime import date

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from schemas import TABLES, Table

# Two thousand days of history: an auditor can travel back to any version a closed period was settled from.
KEPT_FOR = "interval 3650 days"


class Lake:
    """The tables of one lake. Paths are relative to the root; nothing is cached."""

    def __init__(self, spark: SparkSession, root: str):
        self.spark = spark
        self.root = root.rstrip("/") or "/"

    def path(self, table: str) -> str:
        return f"{self.root}/{table}"

    def exists(self, table: str) -> bool:
        """Whether a Delta table is there."""
        return DeltaTable.isDeltaTable(self.spark, self.path(table))

    def version(self, table: str) -> int:
        """The newest version of a table."""
        history = DeltaTable.forPath(self.spark, self.path(table)).history(1)
        return history.select("version").first()["version"]

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
        writer = self._writer(table, frame, run_id)
        if not self.exists(table.name) or self.read(table.name).where(where).isEmpty():
            writer.mode("append").save(self.path(table.name))  # nothing to replace: half the time of an overwrite
        else:
            writer.mode("overwrite").option("replaceWhere", where).save(self.path(table.name))

    def delete(self, table: Table, where: str) -> None:
        """Removes the rows that satisfy `where`, in one commit; none where there are no such rows."""
        if not self.read(table.name).where(where).isEmpty():
            DeltaTable.forPath(self.spark, self.path(table.name)).delete(where)

    def append(self, table: Table, frame: DataFrame, run_id: str) -> None:
        """Appends the frame's rows in one commit."""
        self._writer(table, frame, run_id).mode("append").save(self.path(table.name))

    def _writer(self, table: Table, frame: DataFrame, run_id: str):
        statistics = [name for name in table.key if name not in table.partitioned_by]
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


def any_of(column: str, values: Iterable[str]) -> str:
    """SQL text: the column holds one of the values, which come from the calendar and the conf, never from rows."""
    return f"{column} in ({', '.join(repr(value) for value in sorted(values))})"
