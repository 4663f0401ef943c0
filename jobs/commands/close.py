"""`fentan close`: uses of the fee, balances carried forward, and the period is locked."""

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime

from jobs.commands.options import add_period_arguments
from jobs.lake.lake import Lake
from jobs.lake.lock import RunLock, run_lock
from jobs.lake.session import open_session
from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import PeriodRequest, period_request_of
from jobs.progress import announce
from jobs.register.books import fee_run_ids, replace_fee
from jobs.register.publications import publish
from jobs.register.records import record_quality
from jobs.register.runs import begin, compact_control, end_killed_runs, record, stop_recorded
from jobs.spark.digest import plan_digest
from jobs.works.close_pinning import JOB, Closing, pin_closing
from jobs.works.close_writing import write_closing

SUMMARY = "close a collected period: uses of the fee, balances carried forward; it never changes again"
EXAMPLES = """  fentan close --lake ./lake --period 2020-12-P1
  fentan close --lake ./lake --period 2020-12-P1 --as-of 2020-12-26"""

add_arguments = add_period_arguments


def run(args: argparse.Namespace) -> Outcome:
    """Closes the period under the lake's run lock."""
    request = period_request_of(args)
    with run_lock(request.lake_root, JOB, str(request.period), request.environment.lock_lease_seconds) as lock:
        announce("starting Spark")
        return close(
            request, Lake(open_session(request.environment, f"fentan {request.period}"), request.lake_root), lock
        )


def close(request: PeriodRequest, lake: Lake, lock: RunLock) -> Outcome:
    """Closes every plan of the period that is not closed yet; raises Refused with the reason where one cannot be."""
    closing = pin_closing(request, lake)
    complete_fee(closing)
    end_killed_runs(lake, JOB, str(request.period))
    if not closing.plan_ids:
        return _already_closed(closing)
    started_at = datetime.now(UTC)
    earlier_runs = begin(lake, closing.run, started_at)
    with stop_recorded(lake, closing.run, started_at):
        written = write_closing(closing, earlier_runs)
        lock.confirm()
        announce("publishing")
        record_quality(lake, written.results, closing.run.run_id, closing.run.period, earlier_runs)
        publish(
            lake, JOB, closing.run.period, closing.run.run_id,
            {p: plan_digest(tables) for p, tables in written.digests.items()}, action="closed",
        )  # fmt: skip
        replace_fee(lake, closing.run.period, closing.run.run_id, written.fees)
    document = _document(closing, written.fees, written.balances)
    record(lake, closing.run, "published", started_at, digests=written.digests, totals=document["plans"])
    compact_control(lake)
    return Outcome(document, _text(document), 0, written.messages)


def complete_fee(closing: Closing) -> None:
    """Writes the fee ledger of a close that was killed right after its publication."""
    by_run: dict[str, dict[str, dict]] = {}
    for plan_id, publication in closing.closed.items():
        by_run.setdefault(publication.run_id, {})[plan_id] = closing.fee_of(plan_id)
    for run_id, fees in by_run.items():
        if fee_run_ids(closing.lake, closing.run.period, fees) != {run_id}:
            replace_fee(closing.lake, closing.run.period, run_id, fees)


def _document(closing: Closing, fees: Mapping[str, dict], balances: Mapping[str, list[dict]]) -> dict:
    return {
        "period": closing.run.period,
        "state": "closed",
        "run_id": closing.run.run_id,
        "plans": {
            p: {"fee": fees[p], "balances": {row["account"]: row["carried_forward_fen"] for row in balances[p]}}
            for p in closing.plan_ids
        },
    }


def _text(document: dict) -> str:
    parts = ("accrued", "received", "sponsored", "written_off", "used_investigation", "used_technology",
             "used_staff_and_premises", "result")  # fmt: skip
    fees = [[p, *(yuan(plan["fee"][f"{part}_fen"]) for part in parts)] for p, plan in document["plans"].items()]
    balances = [
        [p, account, yuan(fen)]
        for p, plan in document["plans"].items()
        for account, fen in plan["balances"].items()
        if fen
    ]
    return "\n\n".join(
        [
            f"Period {document['period']} is closed by {document['run_id']}; it does not change any more.",
            table_text("Fee (yuan)", ["plan", *(part.replace("_", " ") for part in parts)], fees),
            table_text("Carried forward (yuan, debit positive)", ["plan", "account", "balance"], balances),
        ]
    )


def _already_closed(closing: Closing) -> Outcome:
    runs = {p: publication.run_id for p, publication in sorted(closing.closed.items())}
    document = {
        "period": closing.run.period,
        "state": "already closed",
        "plans": {p: {"run_id": r} for p, r in runs.items()},
    }
    return Outcome(document, f"Period {closing.run.period}: already closed for {', '.join(runs)}; nothing to do")
