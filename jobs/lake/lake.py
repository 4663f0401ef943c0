"""A lake: Delta tables under one root. What grows with the members goes through Spark, few rows through delta-rs."""

from collections.abc import Callable, Iterable
from functools import cached_property

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.lake.object_stores import spark_address
from jobs.lake.small import SmallTables, arrow_table, matching, properties_of
from jobs.progress import announce
from schemas import TABLES, Table


class Lake:
    """The tables of one lake. `small`: the same tables for few rows. Spark is started when it is first needed."""

    def __init__(self, small: SmallTables, open_spark: Callable[[], SparkSession]):
        self.small, self.root = small, small.root
        self._open_spark = open_spark

    @cached_property
    def spark(self) -> SparkSession:
        announce("starting Spark")
        return self._open_spark()

    def start(self) -> None:
        """Starts Spark where it is not running yet: even to name a column needs it."""
        _ = self.spark

    def path(self, table: str) -> str:
        return self.small.path(table)

    def _spark_path(self, table: str) -> str:
        return spark_address(self.path(table))

    def exists(self, table: str) -> bool:
        """Whether a Delta table is there."""
        return self.small.exists(table)

    def read(self, table: str, version: int | None = None) -> DataFrame:
        """A table as it was at a version, or as it is now."""
        reader = self.spark.read.format("delta")
        return (reader if version is None else reader.option("versionAsOf", version)).load(self._spark_path(table))

    def read_or_empty(self, table: str) -> DataFrame:
        """One of the product's own tables; without rows where nothing was ever written."""
        return self.read(table) if self.exists(table) else self.empty(TABLES[table].spark_schema)

    def frame(self, table: Table, rows: Iterable[dict]) -> DataFrame:
        """Few rows given as values, as a frame with the table's columns."""
        return self.spark.createDataFrame(arrow_table(table, rows), table.spark_schema)

    def empty(self, schema: T.StructType) -> DataFrame:
        """A frame of these columns without rows. Made of Spark's own range: no Python worker has to start."""
        return self.spark.range(0).select(*(F.lit(None).cast(f.dataType).alias(f.name) for f in schema.fields))

    def replace(self, table: Table, frame: DataFrame, where: str, run_id: str) -> None:
        """Replaces the rows that satisfy `where` by the frame's, in one commit that carries the run's id."""
        writer = self._writer(table, frame, run_id)
        if self.small.holds_any(table.name, where):
            writer.mode("overwrite").option("replaceWhere", where).save(self._spark_path(table.name))
        else:
            writer.mode("append").save(self._spark_path(table.name))

    def delete(self, table: Table, where: str) -> None:
        """Removes the rows that satisfy `where` in one commit; commits nothing where there are none."""
        if self.small.holds_any(table.name, where):
            DeltaTable.forPath(self.spark, self._spark_path(table.name)).delete(where)

    def _writer(self, table: Table, frame: DataFrame, run_id: str):
        writer = frame.select(*table.column_names).write.format("delta").option("userMetadata", run_id)
        writer = writer.options(**properties_of(table))
        return writer.partitionBy(*table.partitioned_by) if table.partitioned_by else writer


def none_of(column: str, values: Iterable[str]) -> str:
    """SQL text: the column holds none of the values, or nothing."""
    return f"({column} is null or not {matching(**{column: list(values)})})"
