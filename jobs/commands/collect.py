"""`fentan collect`: receipts -> shares met, arrears, lapses, aid paid, fee received."""

import argparse
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from expectations.receipts import PERIOD_UNKNOWN
from jobs.commands.options import add_period_arguments
from jobs.errors import Refused
from jobs.gate.receipts import judged_receipts
from jobs.lake.lake import Lake
from jobs.lake.lock import RunLock, run_lock
from jobs.lake.session import open_session
from jobs.lake.sinks import WritingBeside
from jobs.ledger.journal import came_in_fen
from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import PeriodRequest, period_request_of
from jobs.progress import announce
from jobs.register.books import fee_run_ids, replace_fee, transfers_of
from jobs.register.publications import publish, published_in
from jobs.register.records import hold_receipts, hold_receipts_of_no_period, record_quality
from jobs.register.runs import begin, end_killed_runs, goes_as_far_as, record, settings_of, stop_recorded
from jobs.spark.digest import plan_digest
from jobs.works.collect_pinning import JOB, Inputs, made_already, pin_collection
from jobs.works.collect_writing import TABLES_OF_JOB, Written, fee_rows, write_collection

SUMMARY = "match a period's receipts to its bills: shares met, arrears, lapses, aid paid, fee received"
EXAMPLES = """  fentan collect --lake ./lake --period 2020-12-P1 --as-of 2020-12-20
  fentan collect --lake ./lake --period 2020-12-P1          (all receipts until today)"""

add_arguments = add_period_arguments


def run(args: argparse.Namespace) -> Outcome:
    """Collects the period under the lake's run lock."""
    request = period_request_of(args)
    with run_lock(request.lake_root, JOB, str(request.period), request.environment.lock_lease_seconds) as lock:
        announce("starting Spark")
        return collect(
            request, Lake(open_session(request.environment, f"fentan {request.period}"), request.lake_root), lock
        )


def collect(request: PeriodRequest, lake: Lake, lock: RunLock) -> Outcome:
    """Brings the period's collection up to the day `as_of`; the same receipts again change nothing."""
    inputs = pin_collection(request, lake)
    run_id = made_already(inputs)
    if run_id is not None:
        _hold_of_no_period(inputs, run_id)
        _finish(inputs, run_id)
        end_killed_runs(lake, JOB, inputs.run.period)
        return _nothing_new(inputs, run_id)
    _check_open(inputs)
    _check_not_backwards(inputs)
    started_at = datetime.now(UTC)
    earlier_runs = begin(lake, inputs.run, started_at)
    with stop_recorded(lake, inputs.run, started_at):
        written = _write_and_publish(inputs, earlier_runs, lock)
    document = _document(inputs, written)
    record(lake, inputs.run, "published", started_at, digests=written.digests, totals=document["plans"])
    return Outcome(document, _text(document), 0, tuple(_messages(inputs)))


def _write_and_publish(inputs: Inputs, earlier_runs: Collection[str], lock: RunLock) -> Written:
    lake, run = inputs.lake, inputs.run
    sink = WritingBeside(lake, run.period, inputs.plan_ids, run.run_id, earlier_runs, JOB)
    written = write_collection(inputs, sink)
    announce("holding money without a share")
    hold_receipts(lake, inputs.gate.unsound, written.without_share, run.period, run.run_id)
    _hold_of_no_period(inputs, run.run_id)
    of_receipts = judged_receipts(inputs.gate, _held(inputs, written), inputs.days)
    record_quality(lake, [*of_receipts, *written.results], run.run_id, run.period, earlier_runs)
    lock.confirm()
    announce("publishing")
    publish(lake, JOB, run.period, run.run_id, {p: plan_digest(tables) for p, tables in written.digests.items()})
    replace_fee(lake, run.period, run.run_id, written.fees)
    if earlier_runs:
        sink.sweep(TABLES_OF_JOB)
    return written


def _held(inputs: Inputs, written: Written) -> dict[str, tuple[int, int]]:
    """Of each reason why money met no share: how many receipts, and how much of their money."""
    return {**written.without_share_by_reason, PERIOD_UNKNOWN.id: inputs.of_no_period_sums}


def _hold_of_no_period(inputs: Inputs, run_id: str) -> None:
    period_names, (count, _) = inputs.request.platform.calendar.period_names, inputs.of_no_period_sums
    hold_receipts_of_no_period(inputs.lake, inputs.of_no_period, count, period_names, inputs.run.period, run_id)


def _finish(inputs: Inputs, run_id: str) -> None:
    """What follows from a publication, where the run was killed before: the fee ledger, and no rows of earlier runs."""
    lake, run = inputs.lake, inputs.run
    publications = [p for p in published_in(lake, JOB, run.period).values() if p.run_id == run_id]
    if not publications or inputs.is_closed:
        return
    if fee_run_ids(lake, run.period, inputs.plan_ids) != {run_id}:
        of_plans = transfers_of(lake, [*inputs.settled.values(), *publications])
        replace_fee(lake, run.period, run_id, fee_rows(inputs, of_plans))
    WritingBeside(lake, run.period, inputs.plan_ids, run_id, (), JOB).sweep(TABLES_OF_JOB)
    goes_as_far_as(lake, run_id, inputs.days.as_of)


def _check_open(inputs: Inputs) -> None:
    if inputs.is_closed:
        posted = transfers_of(inputs.lake, list(inputs.collected.values()))
        came_fen, booked_fen = inputs.gate.money_fen, sum(came_in_fen(of_plan) for of_plan in posted.values())
        more = f" ({came_fen - booked_fen:,} are in no books)" if came_fen > booked_fen else ""
        raise Refused(
            f"Period {inputs.run.period}: closed for {', '.join(inputs.plan_ids)}, and its receipts, rules or days are "
            f"not those it was closed with: {came_fen:,} fen came in until {inputs.days.as_of}, its books hold "
            f"{booked_fen:,}{more}. "
            "Nothing was collected. Give later money to an open period, or bring the receipts back to what they were."
        )


def _check_not_backwards(inputs: Inputs) -> None:
    latest = max((settings_of(inputs.lake, p.run_id)["as_of"] for p in inputs.collected.values()), default="")
    if str(inputs.days.as_of) < latest:
        raise Refused(
            f"Period {inputs.run.period}: collected up to {latest} already; {inputs.days.as_of} would take back what "
            f"came in and who lapsed since. Nothing was collected. Collect as of {latest} or later."
        )


def _messages(inputs: Inputs) -> Iterable[str]:
    period, calendar = inputs.request.period, inputs.request.platform.calendar
    count, _ = inputs.of_no_period_sums
    if count:
        yield (
            f"source/receipts: {count:,} rows are of no period of the calendar. They are held in "
            f"control/quarantine_receipts as {PERIOD_UNKNOWN.id}, and their money is in no books. Give them their "
            "period."
        )
    if inputs.next_unsettled:
        plans, following = ", ".join(inputs.next_unsettled), calendar.next(period)
        yield (
            f"{plans}: {following} is public but not settled. Whoever it helps and who owes for {period} lapses, "
            f"instead of having his arrears netted from that aid. Settle {following}, then collect {period} again "
            "before it is closed."
        )


def _document(inputs: Inputs, written: Written) -> dict:
    sums = written.sums
    return {
        "period": inputs.run.period,
        "state": "collected",
        "as_of": str(inputs.days.as_of),
        "is_final": inputs.days.is_final,
        "run_id": inputs.run.run_id,
        "receipts": {
            "rows": inputs.gate.row_count,
            "money_fen": inputs.gate.money_fen,
            "held": {
                **{k: n for k, n in inputs.gate.broken.items() if n},
                **{k: n for k, (n, _) in _held(inputs, written).items() if n},
            },
            "without_share_fen": sum(sum(f.collected.suspense_fen.values()) for f in sums.values()),
        },
        "plans": {
            p: {
                "digest": plan_digest(written.digests[p]),
                "members": dict(sums[p].count_by_status),
                "due_fen": sum(sums[p].due_fen.values()),
                "collected_fen": sum(sums[p].collected_by_status_fen.values()),
                "fee": written.fees[p],
            }
            for p in inputs.plan_ids
        },
    }


def _text(document: dict) -> str:
    statuses = ("collected", "waived", "netted", "in_grace", "lapsed")
    members = [
        [p, *(plan["members"].get(s, 0) for s in statuses), yuan(plan["due_fen"]), yuan(plan["collected_fen"])]
        for p, plan in document["plans"].items()
    ]
    fees = [
        [
            p,
            *(
                yuan(plan["fee"][f"{part}_fen"])
                for part in ("accrued", "received", "sponsored", "outstanding", "written_off")
            ),
        ]
        for p, plan in document["plans"].items()
    ]
    held = "".join(f"\n  {reason}: {count:,}" for reason, count in sorted(document["receipts"]["held"].items()))
    return "\n\n".join(
        [
            f"Period {document['period']}, as of {document['as_of']} "
            f"({'final' if document['is_final'] else 'in grace'}): "
            f"{document['receipts']['rows']:,} receipts, {yuan(document['receipts']['money_fen'])} yuan, of which "
            f"{yuan(document['receipts']['without_share_fen'])} met no share and are in suspense{held}",
            table_text("Members and money", ["plan", *statuses, "due", "collected (yuan)"], members),
            table_text("Fee (yuan)", ["plan", "accrued", "received", "sponsored", "outstanding", "written off"], fees),
        ]
    )


def _nothing_new(inputs: Inputs, run_id: str) -> Outcome:
    document = {
        "period": inputs.run.period,
        "state": "nothing new",
        "run_id": run_id,
        "plans": {p: {"digest": publication.digest} for p, publication in sorted(inputs.collected.items())},
    }
    text = f"Period {inputs.run.period}: no new receipts; nothing to do"
    return Outcome(document, text, 0, tuple(_messages(inputs)))
