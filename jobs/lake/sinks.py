"""Where computed rows go: a preview measures them, a run writes them and reads back what it wrote.

What grows with the members goes through Spark (`put`), tables of few rows through delta-rs (`put_rows`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from expectations.outputs import FEW_ROW_RULES, ROW_RULES
from expectations.rule import NO_TERMS
from expectations.suites import RuleResult, judge
from jobs.errors import IntegrityBroken
from jobs.lake.lake import Lake
from jobs.lake.small import matching
from jobs.progress import announce
from jobs.spark.digest import ROW_HASH, digest_measures, digest_of, digest_of_all, digest_of_rows, with_row_hash
from schemas import TABLES, Table

RowsByPlan = Mapping[str, list[dict]]


@dataclass(frozen=True)
class Measurement:
    """What one plan's rows of a table come to: their digest, and the values of further aggregates by name."""

    digest: dict
    values: Mapping[str, int | None]


class MeasuringSink:
    """A preview's sink: nothing is written, the digests are those a settlement would publish. Maps are by plan."""

    def __init__(self, lake: Lake, period: str, plan_ids: Iterable[str], run_id: str):
        self.lake, self.period, self.plan_ids, self.run_id = lake, period, sorted(plan_ids), run_id

    def put(self, table_name: str, frame: DataFrame, further: Sequence[Column] = ()) -> dict[str, Measurement]:
        """Measures the rows by plan: their digest, and the `further` aggregates."""
        announce(f"measuring {table_name}")
        return self._measured(TABLES[table_name], frame, further)

    def put_rows(self, tables: Mapping[str, RowsByPlan]) -> dict[str, dict[str, dict]]:
        """Measures tables of few rows; gives the digests by table and plan."""
        return {name: self._digests(TABLES[name], self._complete(rows)) for name, rows in tables.items()}

    def stored(self, table_name: str, frame: DataFrame) -> DataFrame:
        """The rows as they are now to be read."""
        return frame

    def _measured(self, table: Table, frame: DataFrame, further: Sequence[Column]) -> dict[str, Measurement]:
        measures = [*digest_measures(table), *further]
        rows = with_row_hash(frame, table).groupBy("plan_id").agg(*measures).collect()
        by_plan = {row.plan_id: row.asDict() for row in rows}
        return {p: Measurement(digest_of(by_plan.get(p, {}), table), by_plan.get(p, {})) for p in self.plan_ids}

    def _digests(self, table: Table, rows: list[dict]) -> dict[str, dict]:
        return {p: digest_of_rows((row for row in rows if row["plan_id"] == p), table) for p in self.plan_ids}

    def _complete(self, by_plan: RowsByPlan) -> list[dict]:
        of_run = {"period": self.period, "run_id": self.run_id}
        return [{**of_run, "plan_id": p, **row} for p, rows in by_plan.items() for row in rows]


class WritingSink(MeasuringSink):
    """A run's sink: rows are written in one commit a table, measured on their way, and read back.

    They take the place of what the run's partition holds; `beside`: of what this run wrote before, since a reader finds
    the rows of an earlier run until the publication, and those of this one from then on; `sweep` removes the earlier.
    `broken`: by table, how many of the rows read back break each rule of the table. `rows`: by table of few rows, all
    of them as read back.
    """

    def __init__(self, lake: Lake, job: str, period: str, plan_ids: Iterable[str], run_id: str, beside: bool):
        super().__init__(lake, period, plan_ids, run_id)
        self.job, self.beside = job, beside
        self.broken: dict[str, dict[str, int]] = {}
        self.row_counts: dict[str, int] = {}
        self.rows: dict[str, list[dict]] = {}

    def put(self, table_name: str, frame: DataFrame, further: Sequence[Column] = ()) -> dict[str, Measurement]:
        """Writes the rows and measures what was read back; raises IntegrityBroken where that is something else."""
        announce(f"writing {table_name}")
        table = TABLES[table_name]
        observation = Observation()
        observed = with_row_hash(frame, table).observe(observation, *digest_measures(table)).drop(ROW_HASH)
        complete = observed.withColumns({"period": F.lit(self.period), "run_id": F.lit(self.run_id)})
        self.lake.replace(table, complete, self._place(table), self.run_id)
        announce(f"reading back {table_name}")
        broken = [F.count(F.when(rule.broken(NO_TERMS), 1)).alias(rule.id) for rule in ROW_RULES[table_name]]
        measured = self._measured(table, self.stored(table_name, frame), [*further, *broken])
        stored = digest_of_all((of_plan.digest for of_plan in measured.values()), table)
        self._check_same(table_name, stored, digest_of(observation.get, table))
        self.row_counts[table_name] = stored["rows"]
        self.broken[table_name] = {
            rule.id: sum(of_plan.values.get(rule.id) or 0 for of_plan in measured.values())
            for rule in ROW_RULES[table_name]
        }
        return measured

    def put_rows(self, tables: Mapping[str, RowsByPlan]) -> dict[str, dict[str, dict]]:
        """Writes tables of few rows, given by table and plan; gives the digests of what was read back likewise."""
        digests = {}
        for name, by_plan in tables.items():
            announce(f"writing {name}")
            table, rows = TABLES[name], self._complete(by_plan)
            self.lake.small.replace(table, rows, self._place(table), self.run_id)
            announce(f"reading back {name}")
            stored = self.lake.small.rows(name, self._own(table))
            self._check_same(name, digest_of_rows(stored, table), digest_of_rows(rows, table))
            self.rows[name] = stored
            self.row_counts[name] = len(stored)
            self.broken[name] = {rule.id: sum(rule.broken(row) for row in stored) for rule in FEW_ROW_RULES[name]}
            digests[name] = self._digests(table, stored)
        return digests

    def stored(self, table_name: str, frame: DataFrame) -> DataFrame:
        """The rows as they are in the lake."""
        return self.lake.read(table_name).where(self._own(TABLES[table_name]))

    def judged(self) -> list[RuleResult]:
        """The suites' results on the tables as read back."""
        return [
            result
            for table, counts in self.broken.items()
            for result in judge(table, counts, element_count=self.row_counts[table])
        ]

    def sweep(self, spark_tables: Iterable[str], few_row_tables: Iterable[str]) -> None:
        """Removes the rows that earlier runs of the job left; harmless to repeat."""
        for name in spark_tables:
            self.lake.delete(TABLES[name], self._of_others(TABLES[name]))
        for name in few_row_tables:
            self.lake.small.delete(name, self._of_others(TABLES[name]), self.run_id)

    def _check_same(self, table_name: str, stored: dict, intended: dict) -> None:
        if stored != intended:
            raise IntegrityBroken(
                f"Period {self.period}: {table_name} was read back as {stored} but {intended} was to be written. "
                "Nothing was published. Run the command again; if it fails again, check the storage and report this "
                "message."
            )

    def _partition(self, table: Table) -> str:
        where = matching(period=self.period, plan_id=list(self.plan_ids))
        return f"{where} and job = '{self.job}'" if "job" in table.partitioned_by else where

    def _own(self, table: Table) -> str:
        return f"{self._partition(table)} and run_id = '{self.run_id}'"

    def _place(self, table: Table) -> str:
        """What the rows take the place of."""
        return self._own(table) if self.beside else self._partition(table)

    def _of_others(self, table: Table) -> str:
        return f"{self._partition(table)} and run_id != '{self.run_id}'"
