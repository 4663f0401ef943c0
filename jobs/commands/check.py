"""`fentan check`: the quality gate alone."""

import argparse
from dataclasses import replace

from jobs.commands.options import add_period_arguments
from jobs.errors import GateStopped, Locked, WrongUsage
from jobs.gate.results import critical_failures, rows_by_fate
from jobs.lake.lock import run_lock
from jobs.lake.opening import open_lake
from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import period_request_of
from jobs.register.quality import record_quality
from jobs.register.runs import Run
from jobs.works.settle_gate import Gate, judge_sources
from jobs.works.settle_pinning import Pinned, pin

EXAMPLES = """  fentan check --lake ./lake --period 2020-12-P1
  fentan check --lake ./lake --period 2020-12-P1 --json"""

add_arguments = add_period_arguments


def run(args: argparse.Namespace) -> Outcome:
    """Judges members and claims, records the results in control/quality, and shows every rule."""
    request = period_request_of(args)
    pinned = pin(open_lake(request.environment, request.lake_root, f"check {request.period}"), request)
    gate = judge_sources(pinned)
    checking = replace(pinned.run, job="check", settings={})
    unrecorded = _record(pinned, gate, checking)
    rules = [
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
    failures = critical_failures(list(gate.results))
    document = {
        "period": str(pinned.request.period),
        "run_id": checking.run_id,
        "passed": not failures and not gate.refused,
        "rules": rules,
        "refused": dict(gate.refused),
        "member_rows": {p: rows_by_fate(gate.members, p) for p in pinned.plan_ids},
    }
    stopped = bool(failures or gate.refused)
    late = pinned.late_claims.messages(pinned.plan_ids)
    messages = (*pinned.skipped, *late, *gate.refused.values(), *unrecorded)
    return Outcome(document, _text(document), GateStopped.exit_code if stopped else 0, messages)


def _record(pinned: Pinned, gate: Gate, run: Run) -> tuple[str, ...]:
    """Records the results under the run lock; where another run holds it, or the lake is read-only, says that it did
    not."""
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
    return table_text(title, columns, rows)
