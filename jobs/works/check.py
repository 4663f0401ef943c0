"""The quality gate of a period alone: every rule, what it expects, and how many rows break it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from jobs.base.errors import GateStopped, Locked, WrongUsage
from jobs.gate.results import critical_failures, rows_by_fate
from jobs.lake.lake import Lake
from jobs.lake.lock import run_lock
from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.query import Query
from jobs.pipeline.request import PeriodRequest
from jobs.register.quality import record_quality
from jobs.register.runs import Run
from jobs.register.stages import stages_in
from jobs.works.settle_gate import Gate, judge_sources
from jobs.works.settle_pinning import PinnedSettlement, pin
from jobs.works.unknown_plans import unknown_plan_messages


@dataclass(frozen=True)
class CheckResult:
    """A period's judged sources.

    `stages`: how far each plan's period has come. `unrecorded`: why the results are not in control/quality, if so.
    """

    pinned: PinnedSettlement
    gate: Gate
    run: Run
    stages: Mapping[str, str]
    unrecorded: tuple[str, ...]


class Check(Query):
    """Members and claims as the gate judges them. Records the results in control/quality if the run lock is free."""

    purpose = "check"

    def read(self, request: PeriodRequest, lake: Lake) -> CheckResult:
        pinned = pin(lake, request)
        gate, run = judge_sources(pinned), replace(pinned.run, job="check", settings={})
        stages = stages_in(lake.small, run.period, pinned.plan_ids)
        return CheckResult(pinned, gate, run, stages, _record(pinned, gate, run))

    def show(self, request: PeriodRequest, answer: CheckResult) -> Outcome:
        pinned, gate = answer.pinned, answer.gate
        stopped = bool(critical_failures(list(gate.results)) or gate.refused)
        document = {
            "period": str(request.period),
            "run_id": answer.run.run_id,
            "passed": not stopped,
            "stages": dict(answer.stages),
            "rules": _rules(gate),
            "refused": dict(gate.refused),
            "member_rows": {p: rows_by_fate(gate.members, p) for p in pinned.plan_ids},
        }
        late = pinned.late_claims.messages(pinned.plan_ids)
        unknown = unknown_plan_messages(gate.results, request.platform, pinned.lake.small)
        messages = (*pinned.skipped, *unknown, *late, *gate.refused.values(), *answer.unrecorded)
        return Outcome(document, _text(document), GateStopped.exit_code if stopped else 0, messages)


def _rules(gate: Gate) -> list[dict]:
    return [
        {
            "table": result.table_name,
            "id": result.id,
            "severity": str(result.severity),
            "sentence": result.sentence,
            "unexpected_count": result.unexpected_count,
            "amount_at_stake_fen": result.amount_at_stake_fen,
            "success": result.success,
        }
        for result in gate.results
    ]


def _record(pinned: PinnedSettlement, gate: Gate, run: Run) -> tuple[str, ...]:
    """Records the results under the run lock. Returns a message if another run holds it or the lake is read-only."""
    small, lease_seconds = pinned.lake.small, pinned.request.environment.lock_lease_seconds
    try:
        with run_lock(small, run.job, run.period, lease_seconds):
            record_quality(small, gate.results, run.run_id, run.period)
    except (Locked, WrongUsage) as stop:
        return (f"The results are shown but not recorded in control/quality. {stop}",)
    return ()


def _text(document: dict) -> str:
    rows = [
        [rule["table"], rule["id"], rule["severity"], "ok" if rule["success"] else "broken",
         rule["unexpected_count"], yuan(rule["amount_at_stake_fen"]), rule["sentence"]]
        for rule in sorted(document["rules"], key=lambda rule: (rule["table"], rule["success"], rule["id"]))
    ]  # fmt: skip
    title = f"Quality gate, period {document['period']}: {'passed' if document['passed'] else 'STOPPED'}"
    columns = ["table", "rule", "severity", "result", "rows", "yuan at stake", "what is expected"]
    stages = ", ".join(f"{plan_id} {stage}" for plan_id, stage in document["stages"].items())
    return "\n".join([table_text(title, columns, rows), "", f"Stage of the period: {stages or 'no plan'}"])
