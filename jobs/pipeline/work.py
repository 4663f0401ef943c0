"""The way of every command that writes, once: pin, judge, compute, write and read back, prove, hold, publish.

What a command does on that way is its work (jobs/works); the rules are in the chapters.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from expectations.suites import RuleResult
from jobs.errors import GateStopped, IntegrityBroken
from jobs.lake.lake import Lake
from jobs.lake.lock import run_lock
from jobs.lake.sinks import WritingSink
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import PeriodRequest
from jobs.progress import announce
from jobs.register.lake_record import record_lake
from jobs.register.publications import publish
from jobs.register.quality import record_quality
from jobs.register.runs import Run, end_killed_run, is_published, killed_runs, recorded
from jobs.spark.digest import plan_digest


class Work(ABC):
    """What one command does on the way. `pinned` has at least `lake` and `run`; a result `digests` by plan and table.

    `action`: what its publication says. `beside`: whether its rows stand beside those it published before until the
    new publication.
    """

    job: str
    action = "published"
    beside = False

    @abstractmethod
    def pin(self, lake: Lake, request: PeriodRequest) -> Any:
        """The versions and publications that are read, and the run they make; raises Refused where it is not its
        turn."""

    @abstractmethod
    def remaining(self, pinned: Any) -> Any:
        """What is left to do of what was pinned; an Outcome where nothing is."""

    def judge(self, pinned: Any) -> Any:
        """The gate: sources judged, nothing written."""
        return None

    def stop(self, pinned: Any, gate: Any) -> None:
        """Raises GateStopped where the gate does not let anything pass."""
        return None

    def plan_ids(self, pinned: Any, gate: Any) -> Iterable[str]:
        """The plans that are computed."""
        return pinned.plan_ids

    @abstractmethod
    def compute(self, pinned: Any, gate: Any, sink: WritingSink) -> Any:
        """Puts the computed rows into the sink, table by table, and gives the result."""

    @abstractmethod
    def breaches(self, pinned: Any, gate: Any, result: Any, sink: WritingSink) -> list[str]:
        """Every invariant that does not hold on what was read back, as a sentence with the arithmetic."""

    def consent(self, pinned: Any, result: Any, digests: Mapping[str, str]) -> None:
        """Raises a stop where this result needs somebody's consent that was not given. `digests` is by plan."""
        return None

    def hold(self, pinned: Any, gate: Any, result: Any) -> None:
        """Brings the quarantine up to date."""
        return None

    def results(self, pinned: Any, gate: Any, result: Any) -> Iterable[RuleResult]:
        """What the expectations on the sources found."""
        return ()

    def follow_up(self, pinned: Any, result: Any, sink: WritingSink) -> None:
        """What follows from the publication; harmless to repeat."""
        return None

    def finish(self, lake: Lake, request: PeriodRequest, row: dict) -> None:
        """Repeats the follow-up of a published run (its row in control/runs) that was killed before it was done."""
        return None

    @abstractmethod
    def show(self, pinned: Any, gate: Any, result: Any, found: Sequence[RuleResult]) -> Outcome:
        """The outcome for people and programs. `found`: what the expectations on the sources found."""

    def totals(self, result: Any, outcome: Outcome) -> Mapping[str, dict]:
        """What the run's record keeps of each plan."""
        return outcome.document["plans"]


def carry_out(work: Work, request: PeriodRequest, lake: Lake) -> Outcome:
    """Does the work under the lake's run lock; every stop leaves its row in control/runs.

    The lock is confirmed right before the publication, and nothing is replaced that readers see before the proof.
    """
    period, small = str(request.period), lake.small
    with (
        run_lock(small, work.job, period, request.environment.lock_lease_seconds) as lock,
        recorded(small, _asked(work, request)) as record,
    ):
        _finish_killed_runs(work, lake, request)
        pinned = work.remaining(work.pin(lake, request))
        if isinstance(pinned, Outcome):
            return pinned
        record_lake(small, request.platform.platform_id, pinned.run.run_id)
        record.begin(pinned.run)
        lake.start()
        gate = _passed(work, pinned)
        sink = WritingSink(lake, work.job, period, work.plan_ids(pinned, gate), pinned.run.run_id, work.beside)
        result = work.compute(pinned, gate, sink)
        judged = _prove(work, pinned, gate, result, sink)
        digests = {plan_id: plan_digest(tables) for plan_id, tables in result.digests.items()}
        work.consent(pinned, result, digests)
        work.hold(pinned, gate, result)
        found = list(work.results(pinned, gate, result))
        record_quality(small, [*found, *judged], pinned.run.run_id, period)
        announce("publishing")
        lock.confirm()
        publish(small, work.job, period, pinned.run.run_id, digests, work.action)
        announce("following up")
        work.follow_up(pinned, result, sink)
        outcome = work.show(pinned, gate, result, found)
        totals = work.totals(result, outcome)
        record.save("published", outcome.messages, digests=result.digests, totals=totals)
    return outcome


def _asked(work: Work, request: PeriodRequest) -> Run:
    """What is known of a run before its inputs are pinned."""
    platform_id, plan_ids = request.platform.platform_id, request.plan_ids or ()
    return Run(work.job, platform_id, str(request.period), plan_ids, {}, {}, {"as_of": str(request.as_of)})


def _finish_killed_runs(work: Work, lake: Lake, request: PeriodRequest) -> None:
    """Under the run lock whatever is recorded as running is dead: what was published is finished, the rest failed."""
    for row in killed_runs(lake.small, work.job, str(request.period)):
        if is_published(lake.small, row):
            announce(f"finishing {row['run_id']}")
            work.finish(lake, request, row)
        end_killed_run(lake.small, row)


def _passed(work: Work, pinned: Any) -> Any:
    gate = work.judge(pinned)
    try:
        work.stop(pinned, gate)
    except GateStopped:
        record_quality(pinned.lake.small, work.results(pinned, gate, None), pinned.run.run_id, pinned.run.period)
        raise
    return gate


def _prove(work: Work, pinned: Any, gate: Any, result: Any, sink: WritingSink) -> list[RuleResult]:
    announce("proving")
    judged = sink.judged()
    breaches = [found.fault for found in judged if not found.success]
    breaches += work.breaches(pinned, gate, result, sink)
    if breaches:
        raise IntegrityBroken(
            f"Period {pinned.run.period}: {'; '.join(breaches)}. Nothing was published. "
            f"Run `fentan {work.job}` again; if it fails again, check the storage and report this message."
        )
    return judged
