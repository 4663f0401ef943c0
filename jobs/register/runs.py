"""The manifest: which run read what, under which rules and code, and what it wrote."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from jobs.canonical import canonical_digest, canonical_json
from jobs.errors import IntegrityBroken, Stop
from jobs.lake.lake import Lake
from jobs.register.code import code_version
from jobs.register.publications import published_in
from schemas import TABLES

RUNS = TABLES["control/runs"]
SPARK_ERRORS = (PySparkException, Py4JJavaError)  # a job that is aborted comes as the second


@dataclass(frozen=True)
class Run:
    """One execution: the same job on the same inputs under the same rules and code is the same run."""

    job: str
    platform_id: str
    period: str
    plan_ids: tuple[str, ...]
    input_versions: dict
    rules: dict
    settings: dict

    @property
    def conf_digest(self) -> str:
        """The digest of the rules that decide the run."""
        return canonical_digest(self.rules)

    @property
    def run_id(self) -> str:
        decided_by = {
            "job": self.job,
            "platform": self.platform_id,
            "period": self.period,
            "plans": self.plan_ids,
            "inputs": self.input_versions,
            "rules": self.rules,
            "code": code_version(),
        }
        return f"{self.job}-{self.period}-{canonical_digest(decided_by)}"


def begin(lake: Lake, run: Run, started_at: datetime) -> frozenset[str]:
    """Writes the run's row as running. Returns the runs of its job that began on the period before, perhaps itself.

    Where there is none, nothing of the job is there to be replaced: to look for it takes Spark longer than to write.
    Call it under the run lock: what else of the job and period is still recorded as running was killed.
    """
    began = _rows_of(lake, run.job, run.period).collect()
    _end(lake, run.job, run.period, [row for row in began if row.state == "running" and row.run_id != run.run_id])
    earlier = frozenset(row.run_id for row in began)
    row = _row(run, "running", started_at)
    if run.run_id in earlier:
        _replace(lake, row)
    else:
        lake.append(RUNS, lake.frame(RUNS, [row]).coalesce(1), run.run_id)
    return earlier


def end_killed_runs(lake: Lake, job: str, period: str) -> None:
    """Completes the records of runs that were killed: published where their publication is there, failed elsewhere.

    Call it under the run lock: then nothing else is running.
    """
    _end(lake, job, period, _rows_of(lake, job, period).where("state = 'running'").collect())


def _rows_of(lake: Lake, job: str, period: str) -> DataFrame:
    return lake.read_or_empty(RUNS.name).where((F.col("job") == job) & (F.col("period") == period))


def _end(lake: Lake, job: str, period: str, killed: Iterable[Row]) -> None:
    for row in killed:
        valid = _published_runs(lake, job, period)
        settings = json.loads(row.settings)
        if row.run_id not in valid:
            settings["messages"] = ["It never ended: it was killed, or its machine stopped."]
        ended = {
            **row.asDict(),
            "state": "published" if row.run_id in valid else "failed",
            "finished_at": datetime.now(UTC),
            "settings": json.dumps(settings, sort_keys=True, ensure_ascii=False),
        }
        _replace(lake, ended)


def _published_runs(lake: Lake, job: str, period: str) -> set[str]:
    return {publication.run_id for publication in published_in(lake, job, period).values()}


def goes_as_far_as(lake: Lake, run_id: str, as_of: date) -> None:
    """Moves the `as_of` of a published run on to a later day: nothing new came in until then."""
    row = lake.read(RUNS.name).where(F.col("run_id") == run_id).first()
    settings = json.loads(row.settings)
    if settings["as_of"] < str(as_of):
        _replace(lake, {**row.asDict(), "settings": json.dumps({**settings, "as_of": str(as_of)}, sort_keys=True)})


def killed_runs(lake: Lake) -> frozenset[str]:
    """The runs that are recorded as running; under the run lock these are dead."""
    look = lambda: frozenset(  # noqa: E731
        row.run_id for row in lake.read_or_empty(RUNS.name).where("state = 'running'").select("run_id").collect()
    )
    return lake.kept(RUNS.name, "running", look) if lake.exists(RUNS.name) else frozenset()


@contextmanager
def stop_recorded(lake: Lake, run: Run, started_at: datetime) -> Iterator[None]:
    """Records that a run stopped after it began: failed where its integrity is broken or Spark failed, else refused.

    A run that is published already stays running: the next one of its job and period finishes what follows.
    """
    try:
        yield
    except Stop as stop:
        state = "failed" if isinstance(stop, IntegrityBroken) else "refused"
        record(lake, run, state, started_at, messages=[str(stop)])
        raise
    except SPARK_ERRORS as error:
        if run.run_id not in _published_runs(lake, run.job, run.period):
            record(lake, run, "failed", started_at, messages=[type(error).__name__])
        raise


def record(lake: Lake, run: Run, state: str, started_at: datetime, **outcome: dict) -> None:
    """Replaces the row of a run that began by what became of it: its state, digests, totals and messages."""
    _replace(lake, _row(run, state, started_at, **outcome))


def _replace(lake: Lake, row: dict) -> None:
    """Puts a run's row in the place of the one that is known to be there."""
    lake.overwrite(RUNS, lake.frame(RUNS, [row]).coalesce(1), f"run_id = '{row['run_id']}'", row["run_id"])


def _row(run: Run, state: str, started_at: datetime, **outcome: dict) -> dict:
    return {
        "run_id": run.run_id,
        "job": run.job,
        "period": run.period,
        "plan_id": ",".join(sorted(run.plan_ids)),
        "state": state,
        "started_at": started_at,
        "finished_at": None if state == "running" else datetime.now(UTC),
        "input_versions": json.dumps(run.input_versions, sort_keys=True),
        "conf_digest": run.conf_digest,
        "rules": canonical_json(run.rules),
        "code_version": code_version(),
        "digests": _json(outcome.get("digests")),
        "totals": _json(outcome.get("totals")),
        "settings": json.dumps(
            run.settings | {"messages": outcome.get("messages", [])}, sort_keys=True, ensure_ascii=False
        ),
    }


def compact_control(lake: Lake) -> None:
    """Keeps the control tables as quick to read after years as in the first period; call it under the run lock."""
    for table in ("control/runs", "control/publications", "control/quality"):
        lake.compact(table)


def totals_of(lake: Lake, run_ids: list[str]) -> dict[str, dict]:
    """What the records of the runs say of their totals, by run and then by plan."""
    rows = lake.read_or_empty(RUNS.name).where(F.col("run_id").isin(*run_ids) & F.col("totals").isNotNull())
    return {row.run_id: json.loads(row.totals) for row in rows.select("run_id", "totals").collect()}


def unended_runs(lake: Lake, period: str, plan_ids: Iterable[str]) -> list[str]:
    """Runs that settle or collect one of the plans' period, began and have not ended."""
    rows = lake.read_or_empty(RUNS.name).where((F.col("period") == period) & (F.col("state") == "running"))
    found = rows.where(F.col("job").isin("settle", "collect")).select("run_id", "plan_id").collect()
    return sorted(row.run_id for row in found if set(row.plan_id.split(",")) & set(plan_ids))


def input_versions_of(lake: Lake, run_id: str) -> dict:
    """The input versions that the run recorded."""
    return _recorded(lake, run_id, "input_versions")


def settings_of(lake: Lake, run_id: str) -> dict:
    """The settings that the run recorded."""
    return _recorded(lake, run_id, "settings")


def _recorded(lake: Lake, run_id: str, column: str) -> dict:
    of_run = lake.read(RUNS.name).where(F.col("run_id") == run_id).select("input_versions", "settings")
    return json.loads(lake.kept(RUNS.name, run_id, of_run.first)[column])


def _json(value: dict | None) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True, default=str)
