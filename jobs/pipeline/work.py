"""The one path of every command that writes: pin, judge, compute, write and read back, prove, hold, publish.

Each command supplies the steps as a `Work` (jobs/works); the rules are in rulebook, settlement, collection and ledger.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from expectations.suites import RuleResult
from jobs.base.errors import GateStopped, IntegrityBroken
from jobs.base.progress import announce
from jobs.lake.lake import Lake
from jobs.lake.lock import run_lock
from jobs.lake.many_computed import removing_computed_frames
from jobs.lake.sinks import WritingSink
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import PeriodRequest
from jobs.register.lake_record import record_lake
from jobs.register.publications import publish
from jobs.register.quality import record_quality
from jobs.register.runs import Run, end_killed_run, is_published, killed_runs, recorded
from jobs.spark.digest import plan_digest


class Work(ABC):
    """The steps of one command. `pinned` has at least `lake` and `run`, a result has `digests` by plan and table.

    `action`: that of its publications. `keeps_published_rows`: new rows are written next to the published ones, which
    are deleted after the new publication; otherwise they replace all rows of the period and plans. `needs_spark`:
    whether Spark starts. `ends`: the jobs whose killed runs of the period are ended first. `origin_period`: of a
    correction, the closed period that it corrects. A result without digests is not published.
    """

    job: str
    action = "published"
    keeps_published_rows = False
    needs_spark = True
    origin_period: str | None = None

    @property
    def ends(self) -> tuple[str, ...]:
        return (self.job,)

    @abstractmethod
    def pin(self, lake: Lake, request: PeriodRequest) -> Any:
        """The versions and publications to read, and the run they identify; raises Refused if it cannot run yet."""

    @abstractmethod
    def remaining(self, pinned: Any) -> Any:
        """The part of what was pinned that is still to be done, or the Outcome if nothing is."""

    def judge(self, pinned: Any) -> Any:
        """The sources as judged by the quality gate; nothing is written."""
        return None

    def stop(self, pinned: Any, gate: Any) -> None:
        """Raises GateStopped if the gate does not let the run pass."""
        return None

    def plan_ids(self, pinned: Any, gate: Any) -> Iterable[str]:
        """The plans to compute."""
        return pinned.plan_ids

    @abstractmethod
    def compute(self, pinned: Any, gate: Any, sink: WritingSink) -> Any:
        """Computes the result and puts its rows into the sink, table by table."""

    @abstractmethod
    def breaches(self, pinned: Any, gate: Any, result: Any, sink: WritingSink) -> list[str]:
        """Every invariant that the read-back rows break, as a sentence with the arithmetic."""

    def consent(self, pinned: Any, result: Any, digests: Mapping[str, str]) -> None:
        """Raises a Stop if the result needs a consent that is missing. `digests` is by plan."""
        return None

    def hold(self, pinned: Any, gate: Any, result: Any) -> None:
        """Brings the quarantine up to date."""
        return None

    def rule_results(self, pinned: Any, gate: Any, result: Any) -> Iterable[RuleResult]:
        """The results of the quality rules on the sources. `result` is None if the gate stopped the run."""
        return ()

    def publish(self, pinned: Any, digests: Mapping[str, str]) -> None:
        """Makes the commit that is the run's commit point. `digests` is by plan."""
        run = pinned.run
        publish(pinned.lake.small, self.job, run.period, run.run_id, digests, self.action, self.origin_period)

    def follow_up(self, pinned: Any, result: Any, sink: WritingSink) -> None:
        """Updates what depends on the publication; safe to repeat."""
        return None

    def finish(self, lake: Lake, request: PeriodRequest, row: dict) -> None:
        """Repeats the follow-up of a published run (`row` of control/runs) that was killed before it ended."""
        return None

    @abstractmethod
    def show(self, pinned: Any, gate: Any, result: Any, rule_results: Sequence[RuleResult]) -> Outcome:
        """The outcome for people and programs."""

    def totals(self, result: Any, outcome: Outcome) -> Mapping[str, dict]:
        """By plan, the totals for the run's record."""
        return outcome.document["plans"]


def carry_out(work: Work, request: PeriodRequest, lake: Lake) -> Outcome:
    """Does the work under the lake's run lock; every stop is recorded in control/runs.

    The publication is the commit point: the lock is confirmed right before it, and rows that readers see are only
    replaced after the proof.
    """
    period, small = str(request.period), lake.small
    with (
        removing_computed_frames(),
        run_lock(small, work.job, period, request.environment.lock_lease_seconds) as lock,
        recorded(small, _requested_run(work, request)) as record,
    ):
        _finish_killed_runs(work, lake, request)
        pinned = work.remaining(work.pin(lake, request))
        if isinstance(pinned, Outcome):
            return pinned
        record_lake(small, request.platform.platform_id, pinned.run.run_id)
        record.begin(pinned.run)
        if work.needs_spark:
            record.engine = lake.engine
        gate = _judge(work, pinned)
        plan_ids, run_id = work.plan_ids(pinned, gate), pinned.run.run_id
        sink = WritingSink(lake, work.job, period, plan_ids, run_id, work.keeps_published_rows)
        result = work.compute(pinned, gate, sink)
        output_results = _prove(work, pinned, gate, result, sink)
        digests = {plan_id: plan_digest(tables) for plan_id, tables in result.digests.items()}
        work.consent(pinned, result, digests)
        work.hold(pinned, gate, result)
        source_results = list(work.rule_results(pinned, gate, result))
        record_quality(small, [*source_results, *output_results], run_id, period)
        announce("publishing")
        lock.confirm()
        work.publish(pinned, digests)
        announce("following up")
        work.follow_up(pinned, result, sink)
        outcome = work.show(pinned, gate, result, source_results)
        totals = work.totals(result, outcome)
        record.save("published", outcome.messages, digests=result.digests, totals=totals)
    return outcome


def _requested_run(work: Work, request: PeriodRequest) -> Run:
    """The run as far as it is known before its inputs are pinned."""
    platform_id, plan_ids = request.platform.platform_id, request.plan_ids or ()
    return Run(work.job, platform_id, str(request.period), plan_ids, {}, {}, {"as_of": str(request.as_of)})


def _finish_killed_runs(work: Work, lake: Lake, request: PeriodRequest) -> None:
    """Ends the record of killed runs: under the run lock, no run recorded as running can still be alive.

    Published ones get the follow-up they missed; the others become failed.
    """
    for row in [row for job in work.ends for row in killed_runs(lake.small, job, str(request.period))]:
        if is_published(lake.small, row):
            announce(f"finishing {row['run_id']}")
            work.finish(lake, request, row)
        end_killed_run(lake.small, row)


def _judge(work: Work, pinned: Any) -> Any:
    """The gate, if it lets the run pass; else records the rule results and raises GateStopped."""
    gate = work.judge(pinned)
    try:
        work.stop(pinned, gate)
    except GateStopped:
        record_quality(pinned.lake.small, work.rule_results(pinned, gate, None), pinned.run.run_id, pinned.run.period)
        raise
    return gate


def _prove(work: Work, pinned: Any, gate: Any, result: Any, sink: WritingSink) -> list[RuleResult]:
    """The results of the quality rules on the read-back tables; raises IntegrityBroken if anything does not hold."""
    announce("proving")
    output_results = sink.judged()
    breaches = [rule_result.fault for rule_result in output_results if not rule_result.success]
    breaches += work.breaches(pinned, gate, result, sink)
    if breaches:
        raise IntegrityBroken(
            f"Period {pinned.run.period}: {'; '.join(breaches)}. Nothing was published. "
            f"Run `fentan {work.job}` again; if it fails again, check the storage and report this message."
        )
    return output_results
