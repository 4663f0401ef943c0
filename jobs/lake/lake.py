"""A lake: Delta tables under one root. Spark handles tables that grow with the members, delta-rs those of few rows."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import cached_property

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.base.progress import announce
from jobs.lake.native import ENGINE, compiled_by_spark, is_native
from jobs.lake.native_writing import have_pyarrow
from jobs.lake.object_stores import spark_address
from jobs.lake.plain_files import plain_frame
from jobs.lake.small import SmallTables, arrow_table, matching, properties_of
from jobs.lake.storage import is_local
from schemas import TABLES, Table

# Delta's plain table format, for readers of version 1. A site's defaults for new tables would replace what is left out.
PLAIN = {
    "delta.enableDeletionVectors": "false",
    "delta.columnMapping.mode": "none",
    "delta.checkpointPolicy": "classic",
    "delta.enableRowTracking": "false",
    "delta.enableChangeDataFeed": "false",
    "delta.enableInCommitTimestamps": "false",
    "delta.enableTypeWidening": "false",
    "delta.enableIcebergCompatV1": "false",
    "delta.enableIcebergCompatV2": "false",
    "delta.appendOnly": "false",
    "delta.checkpoint.writeStatsAsJson": "true",
    "delta.randomizeFilePrefixes": "false",
}


class Lake:
    """The tables of one lake. `small` accesses them through delta-rs. Spark starts when it is first needed.

    Where the lake is a local folder and `has_few_rows`, delta-rs also commits the tables that grow with the members,
    and Spark reads their files as plain Parquet. Spark then runs no jobs on the tables' logs.
    """

    def __init__(self, small: SmallTables, open_spark: Callable[[], SparkSession], has_few_rows: Callable[[], bool]):
        self.small, self.root = small, small.root
        self._open_spark, self._has_few_rows = open_spark, has_few_rows

    @cached_property
    def spark(self) -> SparkSession:
        announce("starting Spark")
        return self._open_spark()

    @property
    def has_few_rows(self) -> bool:
        """Whether planning and compiling queries on the lake takes longer than running them."""
        return self._has_few_rows()

    @cached_property
    def _uses_plain_files(self) -> bool:
        return is_local(self.root) and self.has_few_rows

    @cached_property
    def is_native(self) -> bool:
        """Whether the native engine runs Spark's queries; it reads plain Parquet files, not Delta tables."""
        return is_native(self.spark)

    def compiled_by_spark(self) -> AbstractContextManager[None]:
        """Spark itself runs the queries planned inside (see jobs/lake/native.py)."""
        _ = self.is_native  # kept now: while the engine is switched off, the session would say no
        return compiled_by_spark(self.spark)

    @property
    def engine(self) -> str:
        """The engine of Spark's queries, with its version; Spark starts if it is not running yet."""
        return ENGINE if self.is_native else f"spark {self.spark.version}"

    @cached_property
    def writes_natively(self) -> bool:
        """Whether Spark's tasks can write files of the lake's tables."""
        return self.is_native and is_local(self.root) and have_pyarrow(self.spark)

    def start(self) -> None:
        """Starts Spark if it is not running yet; column expressions cannot be built without it."""
        _ = self.spark

    def path(self, table: str) -> str:
        return self.small.path(table)

    def _spark_path(self, table: str) -> str:
        return spark_address(self.path(table))

    def exists(self, table: str) -> bool:
        """Whether the Delta table exists."""
        return self.small.exists(table)

    def read(self, table: str, version: int | None = None) -> DataFrame:
        """The rows of a table at a version; without one, at the newest."""
        if self._uses_plain_files or self.is_native:
            frame = plain_frame(self.spark, self.small.opened(table, version), self.path(table))
            if frame is not None:
                return frame
        reader = self.spark.read.format("delta")
        return (reader if version is None else reader.option("versionAsOf", version)).load(self._spark_path(table))

    def read_or_empty(self, table: str) -> DataFrame:
        """The rows of an output table; no rows if it does not exist yet."""
        return self.read(table) if self.exists(table) else self.empty(TABLES[table].spark_schema)

    def frame(self, table: Table, rows: Iterable[dict]) -> DataFrame:
        """A frame with the table's columns from a few rows of values."""
        return self.spark.createDataFrame(arrow_table(table, rows), table.spark_schema)

    def empty(self, schema: T.StructType) -> DataFrame:
        """A frame of these columns without rows. It is made from Spark's range so that no Python worker starts."""
        return self.spark.range(0).select(*(F.lit(None).cast(f.dataType).alias(f.name) for f in schema.fields))

    def replace(self, table: Table, frame: DataFrame, where: str, run_id: str) -> None:
        """Replaces the rows that satisfy `where` by the frame's, in one commit with the run id in its metadata."""
        if self._uses_plain_files:
            self.small.replace_arrow(table, frame.select(*table.column_names).toArrow(), where, run_id)
            return
        self.small.before_commit()
        writer = self._writer(table, frame, run_id)
        if self.small.holds_any(table.name, where):
            writer.mode("overwrite").option("replaceWhere", where).save(self._spark_path(table.name))
        else:
            writer.mode("append").save(self._spark_path(table.name))

    def delete(self, table: Table, where: str, run_id: str) -> None:
        """Removes the rows that satisfy `where` in one commit; without such rows there is no commit."""
        if self._uses_plain_files or self.writes_natively:
            self.small.delete(table.name, where, run_id)
        elif self.small.holds_any(table.name, where):
            self.small.before_commit()
            DeltaTable.forPath(self.spark, self._spark_path(table.name)).delete(where)

    def _writer(self, table: Table, frame: DataFrame, run_id: str):
        writer = frame.select(*table.column_names).write.format("delta").option("userMetadata", run_id)
        writer = writer.options(**PLAIN, **properties_of(table))
        return writer.partitionBy(*table.partitioned_by) if table.partitioned_by else writer


def none_of(column: str, values: Iterable[str]) -> str:
    """SQL text of the condition that the column is null or has none of the values."""
    return f"({column} is null or not {matching(**{column: list(values)})})"
