"""The manifest: which run read what, under which rules and code, and what it wrote."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files

from pyspark.sql import functions as F

from jobs.lake.lake import Lake
from schemas import TABLES

RUNS = TABLES["control/runs"]
CODE_PACKAGES = ("jobs", "jobs.rulebook", "jobs.settlement", "jobs.lake", "jobs.lake.gate", "expectations", "schemas")


@dataclass(frozen=True)
class Run:
    """One execution: the same job on the same inputs under the same rules and code is the same run."""

    job: str
    platform_id: str
    period: str
    plan_ids: tuple[str, ...]
    input_versions: dict
    conf_digest: str
    settings: dict

    @property
    def run_id(self) -> str:
        text = json.dumps(
            [
                self.job,
                self.platform_id,
                self.period,
                self.plan_ids,
                self.input_versions,
                self.conf_digest,
                code_version(),
            ],
            sort_keys=True,
        )
        return f"{self.job}-{self.period}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def begin(lake: Lake, run: Run, started_at: datetime) -> frozenset[str]:
    """Writes the run's row as running; the runs of its job that began on the period before it, itself among them.

    Where there is none, nothing of the job is there to be replaced: to look for it takes Spark longer than to write.
    """
    of_period = (F.col("job") == run.job) & (F.col("period") == run.period)
    began = lake.read_or_empty(RUNS.name).where(of_period).select("run_id").collect()
    earlier = frozenset(row.run_id for row in began)
    row = lake.frame(RUNS, [_row(run, "running", started_at)]).coalesce(1)
    if run.run_id in earlier:
        lake.overwrite(RUNS, row, f"run_id = '{run.run_id}'", run.run_id)
    else:
        lake.append(RUNS, row, run.run_id)
    return earlier


def record(lake: Lake, run: Run, state: str, started_at: datetime, **outcome: dict) -> None:
    """Replaces the row of a run that began by what became of it: its state, digests, totals and messages."""
    row = lake.frame(RUNS, [_row(run, state, started_at, **outcome)]).coalesce(1)
    lake.overwrite(RUNS, row, f"run_id = '{run.run_id}'", run.run_id)


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
        "code_version": code_version(),
        "digests": _json(outcome.get("digests")),
        "totals": _json(outcome.get("totals")),
        "settings": json.dumps(
            run.settings | {"messages": outcome.get("messages", [])}, sort_keys=True, ensure_ascii=False
        ),
    }


def complete_records(lake: Lake, run_ids: Iterable[str]) -> None:
    """Marks published runs as such whose last entry is missing: they were killed right after their publication."""
    rows = lake.read_or_empty(RUNS.name).where(F.col("run_id").isin(*run_ids) & (F.col("state") == "running"))
    for row in rows.collect():
        completed = {**row.asDict(), "state": "published", "finished_at": datetime.now(UTC)}
        lake.overwrite(RUNS, lake.frame(RUNS, [completed]).coalesce(1), f"run_id = '{row.run_id}'", row.run_id)


def compact_control(lake: Lake) -> None:
    """Keeps the control tables as quick to read after years as in the first period; call it under the run lock."""
    for table in ("control/runs", "control/publications", "control/quality"):
        lake.compact(table)


def totals_of(lake: Lake, run_ids: list[str]) -> dict[str, dict]:
    """What the records of the runs say of their totals, by run and then by plan."""
    rows = lake.read_or_empty(RUNS.name).where(F.col("run_id").isin(*run_ids) & F.col("totals").isNotNull())
    return {row.run_id: json.loads(row.totals) for row in rows.select("run_id", "totals").collect()}


def open_runs(lake: Lake, period: str, plan_ids: Iterable[str]) -> list[str]:
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


@cache
def code_version() -> str:
    """The program's version and a digest of the sources that bear on a settlement."""
    digest = hashlib.sha256()
    for package in CODE_PACKAGES:
        sources = sorted(
            (entry for entry in files(package).iterdir() if entry.name.endswith(".py")), key=lambda e: e.name
        )
        for source in sources:
            digest.update(source.read_bytes())
    try:
        number = version("fentan")
    except PackageNotFoundError:  # the wheel is on the path but not installed, as on a cluster
        number = "0"
    return f"{number}+{digest.hexdigest()[:12]}"


def _json(value: dict | None) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True, default=str)
