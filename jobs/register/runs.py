"""The record of runs in control/runs: inputs, rules, code version, and how each run ended."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deltalake.exceptions import DeltaError
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from jobs.base import process, progress
from jobs.base.canonical import canonical_digest, canonical_json
from jobs.base.errors import IntegrityBroken, Stop
from jobs.lake.lock import LockLost
from jobs.lake.small import SmallTables, matching
from jobs.register.code import code_version
from jobs.register.publications import CORRECT, corrections_into, published_in
from schemas import TABLES

RUNS = TABLES["control/runs"]
SPARK_ERRORS = (PySparkException, Py4JJavaError)  # the second when a Spark job is aborted
KILLED = "It never ended: it was killed, or its machine stopped."
# Jobs that publish no rows of their own: the table to which a commit of the run is its commit point.
COMMITS_TO = {
    "withdraw": "control/publications",
    "approve": "control/approvals",
    "quarantine": "control/decisions",
}
FEW_CONTROL_TABLES = (
    "control/runs",
    "control/publications",
    "control/approvals",
    "control/quality",
    "control/decisions",
)


@dataclass(frozen=True)
class Run:
    """One run. The same job on the same inputs under the same rules and code has the same run id."""

    job: str
    platform_id: str
    period: str
    plan_ids: tuple[str, ...]
    input_versions: dict
    rules: dict
    settings: dict

    @property
    def conf_digest(self) -> str:
        """The digest of the rules."""
        return canonical_digest(self.rules)

    @property
    def run_id(self) -> str:
        identity = {
            "job": self.job,
            "platform": self.platform_id,
            "period": self.period,
            "plans": self.plan_ids,
            "inputs": self.input_versions,
            "rules": self.rules,
            "code": code_version(),
        }
        return f"{self.job}-{self.period}-{canonical_digest(identity)}"


@dataclass
class Record:
    """The record of one attempt at a run, which exists from the run lock on.

    Before `begin` only the request is known; an attempt that stops earlier is recorded with a run id of its own.
    `engine`: what ran the queries; None if none ran.
    """

    small: SmallTables
    run: Run
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    has_begun: bool = False
    engine: str | None = None
    _stages: list[tuple[str, float]] = field(default_factory=list)

    @property
    def run_id(self) -> str:
        """The run's id; before `begin`, an id of this attempt."""
        if self.has_begun:
            return self.run.run_id
        request = {**self.run.settings, "plans": self.run.plan_ids, "started_at": self.started_at.isoformat()}
        return f"{self.run.job}-{self.run.period}-{canonical_digest(request)}"

    def begin(self, run: Run) -> None:
        """Records the run as running."""
        self.run, self.has_begun = run, True
        progress.add_context(run_id=run.run_id)
        self.save("running")

    def save(self, state: str, messages: Iterable[str] = (), **outcome: Mapping) -> None:
        """Writes the run's row with this state, and with `digests` and `totals` if they are passed."""
        run, run_id = self.run, self.run_id
        now = datetime.now(UTC)
        row = {
            "run_id": run_id,
            "job": run.job,
            "period": run.period,
            "plan_id": ",".join(sorted(run.plan_ids)),
            "state": state,
            "started_at": self.started_at,
            "finished_at": None if state == "running" else now,
            "input_versions": canonical_json(run.input_versions),
            "conf_digest": run.conf_digest,
            "code_version": code_version(),
            "rules": canonical_json(run.rules),
            "digests": _json(outcome.get("digests")),
            "totals": _json(outcome.get("totals")),
            "settings": _json(
                {
                    **run.settings,
                    **({"engine": self.engine} if self.engine else {}),
                    "messages": list(messages),
                    "stages": self._durations(),
                }
            ),
        }
        self.small.replace(RUNS, [row], matching(run_id=run_id), run_id)

    def watch(self, stage: str) -> None:
        """Notes that a stage begins now."""
        self._stages.append((stage, time.monotonic()))

    def _durations(self) -> list[dict]:
        ends = [*(start for _, start in self._stages), time.monotonic()][1:]  # none without a stage
        return [
            {"stage": stage, "milliseconds": round(1_000 * (end - start))}
            for (stage, start), end in zip(self._stages, ends, strict=True)
        ]


@contextmanager
def recorded(small: SmallTables, requested: Run) -> Iterator[Record]:
    """Records how an attempt ends. `requested`: what is known of the run before its inputs are pinned.

    States: `refused` after a stop, `failed` if integrity is broken or the program failed, `interrupted` after a signal.
    A run that lost its lock leaves the record to the run that has it now, which may have the same id.
    A run that is published already stays `running`: the next run of its job and period finishes the follow-up.
    """
    record = Record(small, requested)
    progress.OBSERVERS.append(record.watch)
    try:
        with progress.logged_for_run(requested.job, requested.period):
            yield record
    except (Exception, KeyboardInterrupt) as error:
        _record_end(record, error)
        raise
    finally:
        progress.OBSERVERS.remove(record.watch)


def _record_end(record: Record, error: BaseException) -> None:
    interruption = error if isinstance(error, KeyboardInterrupt) else process.interruption()
    if isinstance(error, LockLost):
        return
    if isinstance(error, Stop):
        _save_unless_published(record, "failed" if isinstance(error, IntegrityBroken) else "refused", str(error))
    elif interruption is not None:
        process.end_writers()  # otherwise Spark could commit after the record and the lock's release
        _record_interruption(record, interruption)
    else:
        _save_unless_published(record, "failed", type(error).__name__)  # the error's message may quote values of rows


def _record_interruption(record: Record, interruption: BaseException) -> None:
    job, period = record.run.job, record.run.period
    try:
        is_saved = _save_unless_published(record, "interrupted", "It was interrupted. Nothing was published.")
    except (OSError, DeltaError):  # storage cannot be reached: the next run of the job completes the record
        return
    interruption.add_note(
        f"Nothing of {job} {period} was published."
        if is_saved
        else f"{job} {period} is published, but the work after its publication was not finished."
    )


def _save_unless_published(record: Record, state: str, message: str) -> bool:
    """Returns whether the state was saved."""
    run = {"job": record.run.job, "period": record.run.period, "run_id": record.run_id}
    if record.has_begun and is_published(record.small, run):
        return False
    record.save(state, [message])
    return True


def killed_runs(small: SmallTables, job: str | None = None, period: str | None = None) -> list[dict]:
    """The rows of runs recorded as running. For the holder of the run lock these are runs that were killed."""
    equal = {name: value for name, value in (("job", job), ("period", period)) if value is not None}
    return small.rows(RUNS.name, matching(state="running", **equal))


def end_killed_run(small: SmallTables, row: dict) -> None:
    """Completes the record of a killed run: `published` if its publication exists, otherwise `failed`."""
    state = "published" if is_published(small, row) else "failed"
    settings = json.loads(row["settings"])
    if state == "failed":
        settings["messages"] = [KILLED]
    _replace(small, {**row, "state": state, "finished_at": datetime.now(UTC), "settings": _json(settings)})


def is_published(small: SmallTables, row: Mapping) -> bool:
    """Whether the run of this row of control/runs is published, or made the commit that is its commit point."""
    run_id, commits_to = row["run_id"], COMMITS_TO.get(row["job"])
    if commits_to is not None:
        return bool(small.versions_by_run(commits_to, [run_id]))
    if row["job"] == CORRECT:
        return run_id in {publication.run_id for publication in corrections_into(small, row["period"])}
    return run_id in {publication.run_id for publication in published_in(small, row["job"], row["period"]).values()}


def goes_as_far_as(small: SmallTables, run_id: str, as_of: str) -> None:
    """Moves the `as_of` of a published run to a later day, up to which its inputs have not changed."""
    row = row_of(small, run_id)
    settings = json.loads(row["settings"])
    if settings["as_of"] < as_of:
        _replace(small, {**row, "settings": _json({**settings, "as_of": as_of})})


def row_of(small: SmallTables, run_id: str) -> dict:
    """The row of the run in control/runs."""
    (row,) = small.rows(RUNS.name, matching(run_id=run_id))
    return row


def rows_of_runs(small: SmallTables, run_ids: Iterable[str]) -> dict[str, dict]:
    """The rows of the runs in control/runs, by run id."""
    return {row["run_id"]: row for row in small.rows(RUNS.name, matching(run_id=list(run_ids)))}


def totals_of(small: SmallTables, run_ids: Iterable[str]) -> dict[str, dict]:
    """The totals in the records of the runs, by run id and plan."""
    rows = rows_of_runs(small, run_ids)
    return {run_id: json.loads(row["totals"]) for run_id, row in rows.items() if row["totals"] is not None}


def unended_runs(small: SmallTables, period: str, plan_ids: Iterable[str]) -> list[str]:
    """The run ids of settlements and collections of the plans' period that began and have not ended."""
    rows = [row for job in ("settle", "collect") for row in killed_runs(small, job, period)]
    return sorted(row["run_id"] for row in rows if set(row["plan_id"].split(",")) & set(plan_ids))


def input_versions_of(small: SmallTables, run_id: str) -> dict:
    """The input versions that the run recorded."""
    return json.loads(row_of(small, run_id)["input_versions"])


def settings_of(small: SmallTables, run_id: str) -> dict:
    """The settings that the run recorded."""
    return json.loads(row_of(small, run_id)["settings"])


def compact_control(small: SmallTables) -> None:
    """Compacts the control tables so that reading them stays fast over years. Call it under the run lock."""
    for name in FEW_CONTROL_TABLES:
        small.compact(name)


def _replace(small: SmallTables, row: dict) -> None:
    small.replace(RUNS, [row], matching(run_id=row["run_id"]), row["run_id"])


def _json(value: Mapping | None) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
