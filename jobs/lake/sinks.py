"""Where settled rows go: a preview measures them, a settlement writes them and proves what it wrote."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pyspark import inheritable_thread_target
from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from expectations.outputs import ROW_RULES
from expectations.rule import NO_TERMS
from expectations.suites import Judged, judge
from jobs.errors import IntegrityBroken
from jobs.lake.lake import Lake, any_of
from jobs.progress import announce
from jobs.settlement.period import Measured
from jobs.spark.digest import ROW_HASH, digest_measures, digest_of, digest_of_all, with_row_hash
from schemas import TABLES, Table

SMALL_JOBS_AT_ONCE = 4


def at_once(work: Callable[[str], Any], names: Iterable[str]) -> dict[str, Any]:
    """The results of small pieces of work by name, done side by side: each is mostly waiting for a commit."""
    names = list(names)
    with ThreadPoolExecutor(SMALL_JOBS_AT_ONCE) as pool:
        return dict(zip(names, pool.map(inheritable_thread_target(SparkSession.active())(work), names), strict=True))


class Measuring:
    """A preview's sink: nothing is written, the digests are those a settlement would publish."""

    def __init__(self, lake: Lake, period: str, plan_ids: Iterable[str], run_id: str):
        self.lake, self.period, self.plan_ids, self.run_id = lake, period, sorted(plan_ids), run_id

    def put(self, table_name: str, frame: DataFrame, further: Sequence[Column] = ()) -> dict[str, Measured]:
        """Measures the rows by plan: their digest, and the `further` aggregates."""
        announce(f"measuring {table_name}")
        return self._measured(TABLES[table_name], self._complete(frame), further)

    def put_rows(self, tables: Mapping[str, Mapping[str, list[dict]]]) -> dict[str, dict[str, Measured]]:
        """Puts tables of a few rows, given by table and plan; they do not wait for one another."""
        frames = {name: self._frame(TABLES[name], by_plan) for name, by_plan in tables.items()}
        return at_once(lambda name: self._put_few(name, frames[name]), frames)

    def stored(self, table_name: str, frame: DataFrame) -> DataFrame:
        return frame

    def _put_few(self, table_name: str, frame: DataFrame) -> dict[str, Measured]:
        return self.put(table_name, frame)

    def _measured(self, table: Table, frame: DataFrame, further: Sequence[Column]) -> dict[str, Measured]:
        measures = [*digest_measures(table), *further]
        rows = with_row_hash(frame, table).groupBy("plan_id").agg(*measures).collect()
        found = {row.plan_id: row.asDict() for row in rows}
        return {p: Measured(digest_of(found.get(p, {}), table), found.get(p, {})) for p in self.plan_ids}

    def _frame(self, table: Table, by_plan: Mapping[str, list[dict]]) -> DataFrame:
        rows = [{"period": self.period, "plan_id": p, **row} for p, of_plan in by_plan.items() for row in of_plan]
        return self.lake.frame(table, rows).coalesce(1)

    def _complete(self, frame: DataFrame) -> DataFrame:
        return frame.withColumns({"period": F.lit(self.period), "run_id": F.lit(self.run_id)})


class Writing(Measuring):
    """A settlement's sink: a table's partitions are replaced in one commit, measured on their way, and read back.

    `earlier_runs`: those of the job on the period (from `begin`). `broken`: by table, how many of the rows read back
    break each rule of the table. `rows`: by table of a few rows, all of them as read back.
    """

    def __init__(
        self,
        lake: Lake,
        period: str,
        plan_ids: Iterable[str],
        run_id: str,
        earlier_runs: Collection[str],
        job: str = "settle",
    ):
        super().__init__(lake, period, plan_ids, run_id)
        self.job, self.earlier_runs = job, earlier_runs
        self.broken: dict[str, dict[str, int]] = {}
        self.rows: dict[str, list[dict]] = {}

    def put(self, table_name: str, frame: DataFrame, further: Sequence[Column] = ()) -> dict[str, Measured]:
        """Writes the rows and gives what was read back; raises IntegrityBroken where that is not what was to be
        written."""
        announce(f"writing {table_name}")
        table = TABLES[table_name]
        observation = Observation()
        observed = with_row_hash(frame, table).observe(observation, *digest_measures(table)).drop(ROW_HASH)
        if self._may_replace():
            self.lake.replace(table, self._complete(observed), self._partition(table), self.run_id)
        else:
            self.lake.append(table, self._complete(observed), self.run_id)
        return self._read_back(table, digest_of(observation.get, table), further)

    def stored(self, table_name: str, frame: DataFrame) -> DataFrame:
        return self._read(TABLES[table_name])

    def judged(self) -> list[Judged]:
        """The suites' results on the tables as read back."""
        return [result for table, counts in self.broken.items() for result in judge(table, counts)]

    def _put_few(self, table_name: str, frame: DataFrame) -> dict[str, Measured]:
        every_row = F.collect_list(F.struct(*TABLES[table_name].column_names)).alias("every_row")
        measured = self.put(table_name, frame, [every_row])
        self.rows[table_name] = [
            row.asDict() for of_plan in measured.values() for row in of_plan.values.get("every_row", ())
        ]
        return measured

    def _read_back(self, table: Table, intended: dict, further: Sequence[Column]) -> dict[str, Measured]:
        announce(f"reading back {table.name}")
        broken = [F.count(F.when(rule.broken(NO_TERMS), 1)).alias(rule.id) for rule in ROW_RULES[table.name]]
        measured = self._measured(table, self._read(table), [*further, *broken])
        stored = digest_of_all((of_plan.digest for of_plan in measured.values()), table)
        if stored != intended:
            raise IntegrityBroken(
                f"Period {self.period}: {table.name} was read back as {stored} but {intended} was to be written. "
                "Nothing was published. Settle again; if it fails again, check the storage and report this message."
            )
        rules = [rule.id for rule in ROW_RULES[table.name]]
        self.broken[table.name] = {
            rule: sum(of_plan.values.get(rule) or 0 for of_plan in measured.values()) for rule in rules
        }
        return measured

    def _may_replace(self) -> bool:
        """Whether the partitions may hold rows already."""
        return bool(self.earlier_runs)

    def _read(self, table: Table) -> DataFrame:
        return self.lake.read(table.name).where(self._partition(table)).where(F.col("run_id") == self.run_id)

    def _partition(self, table: Table) -> str:
        where = f"period = '{self.period}' and {any_of('plan_id', self.plan_ids)}"
        return f"{where} and job = '{self.job}'" if "job" in table.partitioned_by else where


class WritingBeside(Writing):
    """A sink for a job that is run again and again: its rows stand beside those published before, until these go.

    A reader finds the rows of the earlier run until the publication, and those of this run from then on.
    """

    def sweep(self, table_names: Iterable[str]) -> None:
        """Removes the rows that earlier runs of the job left; harmless to repeat."""
        for name in table_names:
            if self.lake.exists(name):
                others = f"{super()._partition(TABLES[name])} and run_id != '{self.run_id}'"
                self.lake.delete(TABLES[name], others)

    def _may_replace(self) -> bool:
        return self.run_id in self.earlier_runs

    def _partition(self, table: Table) -> str:
        return f"{super()._partition(table)} and run_id = '{self.run_id}'"
