"""Sinks for computed rows: a preview measures them, a run writes them and reads them back.

Tables that grow with the members go through Spark (`put`), tables of few rows through delta-rs (`put_rows`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from expectations.outputs import FEW_ROW_RULES, ROW_RULES
from expectations.rule import NO_TERMS
from expectations.suites import RuleResult, judge
from jobs.base.errors import IntegrityBroken
from jobs.base.progress import announce
from jobs.lake.lake import Lake
from jobs.lake.native_writing import is_natively_writable, write_natively
from jobs.lake.small import matching
from jobs.spark.digest import ROW_HASH, digest_measures, digest_of, digest_of_all, digest_of_rows, with_row_hash
from schemas import TABLES, Table

RowsByPlan = Mapping[str, list[dict]]


@dataclass(frozen=True)
class Measurement:
    """One plan's rows of a table: their digest, and the values of the additional aggregates by name."""

    digest: dict
    values: Mapping[str, int | None]


class MeasuringSink:
    """A preview's sink. It writes nothing and gives the digests that a settlement would publish. Maps are by plan."""

    def __init__(self, lake: Lake, period: str, plan_ids: Iterable[str], run_id: str):
        self.lake, self.period, self.plan_ids, self.run_id = lake, period, sorted(plan_ids), run_id

    def put(self, table_name: str, frame: DataFrame, aggregates: Sequence[Column] = ()) -> dict[str, Measurement]:
        """Measures the rows by plan: their digest, and the values of `aggregates`."""
        announce(f"measuring {table_name}")
        return self._measured(TABLES[table_name], frame, aggregates)

    def put_rows(self, tables: Mapping[str, RowsByPlan]) -> dict[str, dict[str, dict]]:
        """Measures tables of few rows and returns the digests by table and plan."""
        return {name: self._digests(TABLES[name], self._complete(rows)) for name, rows in tables.items()}

    def stored(self, table_name: str, frame: DataFrame) -> DataFrame:
        """The rows to read from now on: the computed ones."""
        return frame

    def _measured(self, table: Table, frame: DataFrame, aggregates: Sequence[Column]) -> dict[str, Measurement]:
        measures = [*digest_measures(table), *aggregates]
        rows = with_row_hash(frame, table).groupBy("plan_id").agg(*measures).collect()
        by_plan = {row.plan_id: row.asDict() for row in rows}
        return {p: Measurement(digest_of(by_plan.get(p, {}), table), by_plan.get(p, {})) for p in self.plan_ids}

    def _digests(self, table: Table, rows: list[dict]) -> dict[str, dict]:
        return {p: digest_of_rows((row for row in rows if row["plan_id"] == p), table) for p in self.plan_ids}

    def _complete(self, by_plan: RowsByPlan) -> list[dict]:
        run_columns = {"period": self.period, "run_id": self.run_id}
        return [{**run_columns, "plan_id": p, **row} for p, rows in by_plan.items() for row in rows]


class WritingSink(MeasuringSink):
    """A run's sink: rows are written in one commit per table, measured while they are written, and read back.

    They replace all rows of the run's partition. With `keeps_published_rows` they replace only rows that this run wrote
    before: readers see those of the earlier run until the publication, and `sweep` removes these afterwards.
    `broken`: by table and rule, the number of rows read back that break the rule. `rows`: the rows read back, by table
    of few rows.
    """

    def __init__(
        self, lake: Lake, job: str, period: str, plan_ids: Iterable[str], run_id: str, keeps_published_rows: bool
    ):
        super().__init__(lake, period, plan_ids, run_id)
        self.job, self.keeps_published_rows = job, keeps_published_rows
        self.broken: dict[str, dict[str, int]] = {}
        self.row_counts: dict[str, int] = {}
        self.rows: dict[str, list[dict]] = {}

    def put(self, table_name: str, frame: DataFrame, aggregates: Sequence[Column] = ()) -> dict[str, Measurement]:
        """Writes the rows, reads them back and measures them; raises IntegrityBroken if they differ."""
        announce(f"writing {table_name}")
        table = TABLES[table_name]
        intended = self._write(table, frame)
        announce(f"reading back {table_name}")
        broken = [F.count(F.when(rule.broken(NO_TERMS), 1)).alias(rule.id) for rule in ROW_RULES[table_name]]
        measured = self._measured(table, self.stored(table_name, frame), [*aggregates, *broken])
        stored = digest_of_all((measurement.digest for measurement in measured.values()), table)
        self._check_same(table_name, stored, intended)
        self.row_counts[table_name] = stored["rows"]
        self.broken[table_name] = {
            rule.id: sum(measurement.values.get(rule.id) or 0 for measurement in measured.values())
            for rule in ROW_RULES[table_name]
        }
        return measured

    def _write(self, table: Table, frame: DataFrame) -> dict:
        """Writes the rows of a table; returns the digest of what is written."""
        hashed, where = with_row_hash(frame, table), self._replaced(table)
        if self.lake.writes_natively and is_natively_writable(table, (self.period, *self.plan_ids)):
            partitions = {"period": [self.period], "plan_id": self.plan_ids}
            digests = write_natively(self.lake.small, table, hashed, partitions, where, self.run_id)
            return digest_of_all(digests, table)
        observation = Observation()
        observed = hashed.observe(observation, *digest_measures(table)).drop(ROW_HASH)
        complete = observed.withColumns({"period": F.lit(self.period), "run_id": F.lit(self.run_id)})
        self.lake.replace(table, complete, where, self.run_id)
        return digest_of(observation.get, table)

    def put_rows(self, tables: Mapping[str, RowsByPlan]) -> dict[str, dict[str, dict]]:
        """Writes the rows of tables of few rows, reads them back and returns their digests by table and plan."""
        digests = {}
        for name, by_plan in tables.items():
            announce(f"writing {name}")
            table, rows = TABLES[name], self._complete(by_plan)
            self.lake.small.replace(table, rows, self._replaced(table), self.run_id)
            announce(f"reading back {name}")
            stored = self.lake.small.rows(name, self._own(table))
            self._check_same(name, digest_of_rows(stored, table), digest_of_rows(rows, table))
            self.rows[name] = stored
            self.row_counts[name] = len(stored)
            self.broken[name] = {rule.id: sum(rule.broken(row) for row in stored) for rule in FEW_ROW_RULES[name]}
            digests[name] = self._digests(table, stored)
        return digests

    def stored(self, table_name: str, frame: DataFrame) -> DataFrame:
        """The rows to read from now on: those that this run stored."""
        return self.lake.read(table_name).where(self._own(TABLES[table_name]))

    def judged(self) -> list[RuleResult]:
        """The suites' results on the tables as read back."""
        return [
            result
            for table, counts in self.broken.items()
            for result in judge(table, counts, element_count=self.row_counts[table])
        ]

    def sweep(self, spark_tables: Iterable[str], few_row_tables: Iterable[str]) -> None:
        """Removes the rows of earlier runs of the job; repeating it changes nothing."""
        for name in spark_tables:
            self.lake.delete(TABLES[name], self._others(TABLES[name]), self.run_id)
        for name in few_row_tables:
            self.lake.small.delete(name, self._others(TABLES[name]), self.run_id)

    def _check_same(self, table_name: str, stored: dict, intended: dict) -> None:
        if stored != intended:
            raise IntegrityBroken(
                f"Period {self.period}: {table_name} was read back as {stored}, but {intended} was written. "
                "Nothing was published. Run the command again; if it fails again, check the storage and report this "
                "message."
            )

    def _partition(self, table: Table) -> str:
        where = matching(period=self.period, plan_id=list(self.plan_ids))
        return f"{where} and job = '{self.job}'" if "job" in table.partitioned_by else where

    def _own(self, table: Table) -> str:
        return f"{self._partition(table)} and run_id = '{self.run_id}'"

    def _replaced(self, table: Table) -> str:
        """Condition on the rows that are replaced."""
        return self._own(table) if self.keeps_published_rows else self._partition(table)

    def _others(self, table: Table) -> str:
        return f"{self._partition(table)} and run_id != '{self.run_id}'"
