"""Rows of single persons out of tables of any size: which files are opened is decided by the tables' logs alone.

A query names the partitions (period, plan_id) and the ids it wants. Delta keeps each file's smallest and largest id in
the table's log and leaves out every file that cannot hold them; inside a file Parquet leaves out the pages. Nothing is
counted, grouped, joined or put in order.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, replace

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.environment import Environment
from jobs.lake.lake import Lake
from jobs.lake.session import JAVA_OPTIONS
from jobs.lake.sinks import at_once
from jobs.lake.sources import read_source
from jobs.register.publications import Publication
from schemas import PUBLISHED_KEY

# A handful of rows from a handful of files: planning and compiling a query is all that takes time.
SETTINGS = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
}


def with_quick_queries(environment: Environment) -> Environment:
    """The environment with a session's settings for few rows; Java compiles quickly rather than well."""
    options = f"{environment.spark.get(JAVA_OPTIONS, '')} -XX:TieredStopAtLevel=1".strip()
    return replace(environment, spark={**environment.spark, **SETTINGS, JAVA_OPTIONS: options})


class FewRows:
    """Reads rows as dicts. `files_read`: how many data files each table's queries opened."""

    def __init__(self, lake: Lake):
        self.lake = lake
        self.files_read: dict[str, int] = {}

    def in_force(self, *jobs: str) -> dict[str, dict[tuple[str, str], Publication]]:
        """For each job its publications in force, by (period, plan_id): those of `publications.in_force`."""
        acts = self.now("control/publications", F.col("job").isin(*jobs))
        found: dict[str, dict[tuple[str, str], Publication]] = {job: {} for job in jobs}
        for row in sorted(acts, key=lambda act: (act["revision"], act["action"] != "published")):
            act = Publication(**{field.name: row[field.name] for field in fields(Publication)})
            found[act.job][act.period, act.plan_id] = act
        return {job: {k: act for k, act in of.items() if act.action != "withdrawn"} for job, of in found.items()}

    def published(
        self, table: str, publications: Collection[Publication], where: Column | None = None, *columns: str
    ) -> list[dict]:
        """The rows that the publications make valid and that satisfy `where`; all columns, or those named."""
        if not publications or not self.lake.exists(table):
            return []
        valid = {name: sorted({getattr(p, name) for p in publications}) for name in PUBLISHED_KEY}
        rows = self.lake.read(table) if where is None else self.lake.read(table).where(where)
        for name, values in valid.items():
            rows = rows.where(F.col(name).isin(*values))
        found = self._collect(table, rows.select(*valid, *columns) if columns else rows)
        keys = {(p.period, p.plan_id, p.run_id) for p in publications}
        return [row for row in found if (row["period"], row["plan_id"], row["run_id"]) in keys]

    def source(self, table: str, version: int, where: Column) -> list[dict]:
        """The rows of a source table's version that satisfy `where`."""
        return self._collect(table, read_source(self.lake, table, version).where(where))

    def now(self, table: str, where: Column) -> list[dict]:
        """The rows of a table as it is now that satisfy `where`."""
        return self._collect(table, self.lake.read(table).where(where)) if self.lake.exists(table) else []

    def _collect(self, table: str, rows: DataFrame) -> list[dict]:
        self.files_read[table] = self.files_read.get(table, 0) + len(rows.inputFiles())
        return [row.asDict() for row in rows.collect()]


def side_by_side(queries: Mapping[str, Callable[[], list[dict]]]) -> dict[str, list[dict]]:
    """The results of queries that do not wait for one another, by name."""
    return at_once(lambda name: queries[name](), queries)
