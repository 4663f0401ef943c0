"""Where settled rows go: a preview measures them, a settlement writes them and proves what it wrote."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

from pyspark import inheritable_thread_target
from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from expectations.outputs import ROW_RULES
from expectations.rule import Terms
from jobs.lake.lake import Lake, any_of
from jobs.outcome import announce
from jobs.settlement.digest import ROW_HASH, digest_measures, digests_of, with_row_hash
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

    def put(
        self, table_name: str, frame: DataFrame, further: Sequence[Column] = ()
    ) -> tuple[dict[str, dict], dict[str, Any]]:
        announce(f"measuring {table_name}")
        table = TABLES[table_name]
        measured = with_row_hash(self._complete(frame), table).agg(*self._measures(table), *further).first().asDict()
        return digests_of(measured, table, self.plan_ids), measured

    def put_rows(self, tables: Mapping[str, Mapping[str, list[dict]]]) -> dict[str, dict[str, dict]]:
        """Puts tables of a few rows, given by table and plan; they do not wait for one another."""
        frames = {name: self._frame(TABLES[name], by_plan) for name, by_plan in tables.items()}
        return at_once(lambda name: self.put(name, frames[name])[0], frames)

    def stored(self, table_name: str, frame: DataFrame) -> DataFrame:
        return frame

    def _frame(self, table: Table, by_plan: Mapping[str, list[dict]]) -> DataFrame:
        rows = [{"period": self.period, "plan_id": p, **row} for p, of_plan in by_plan.items() for row in of_plan]
        return self.lake.frame(table, rows).coalesce(1)

    def _measures(self, table: Table) -> list[Column]:
        return [m for p in self.plan_ids for m in digest_measures(table, p, F.col("plan_id") == p)]

    def _complete(self, frame: DataFrame) -> DataFrame:
        return frame.withColumns({"period": F.lit(self.period), "run_id": F.lit(self.run_id)})


class Writing(Measuring):
    """A settlement's sink: each table's partition is replaced in one commit and measured on its way."""

    def put(
        self, table_name: str, frame: DataFrame, further: Sequence[Column] = ()
    ) -> tuple[dict[str, dict], dict[str, Any]]:
        announce(f"writing {table_name}")
        table = TABLES[table_name]
        observation = Observation()
        observed = with_row_hash(self._complete(frame), table).observe(observation, *self._measures(table), *further)
        self.lake.replace(table, observed.drop(ROW_HASH), self._partition(table), self.run_id)
        return digests_of(observation.get, table, self.plan_ids), observation.get

    def stored(self, table_name: str, frame: DataFrame) -> DataFrame:
        return self._read(TABLES[table_name])

    def read_back(self, table_name: str) -> tuple[dict[str, dict], dict[str, int]]:
        """The digests by plan of what is stored, and how many rows break each rule of the table, in one pass."""
        announce(f"reading back {table_name}")
        table, rules = TABLES[table_name], ROW_RULES[table_name]
        broken = [F.count(F.when(rule.broken(NO_TERMS), 1)).alias(rule.id) for rule in rules]
        measured = with_row_hash(self._read(table), table).agg(*self._measures(table), *broken).first()
        return digests_of(measured, table, self.plan_ids), {rule.id: measured[rule.id] for rule in rules}

    def _read(self, table: Table) -> DataFrame:
        return self.lake.read(table.name).where(self._partition(table)).where(F.col("run_id") == self.run_id)

    def _partition(self, table: Table) -> str:
        where = f"period = '{self.period}' and {any_of('plan_id', self.plan_ids)}"
        return f"{where} and job = 'settle'" if "job" in table.partitioned_by else where


NO_TERMS = Terms(date.min, (), {}, (), {}, {}, {}, {})
