"""`fentan settle`: gate -> settlement, written and read back -> proof -> publication."""

import argparse
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

from pyspark.sql import functions as F

from jobs.commands.options import add_period_arguments
from jobs.commands.settlement_shown import settlement_document, settlement_text
from jobs.errors import GateStopped, Refused
from jobs.lake.lock import RunLock, run_lock
from jobs.lake.sinks import Measuring, Writing
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import PeriodRequest, period_request_of
from jobs.progress import announce
from jobs.register.publications import publish
from jobs.register.records import claims_in_scope, hold_claims, hold_members, plans_in_scope, record_quality
from jobs.register.runs import Run, begin, end_killed_runs, record, stop_recorded
from jobs.settlement.period import Settled
from jobs.spark.digest import plan_digest
from jobs.works.headroom import as_document
from jobs.works.settle_gate import Gate, judge_sources, judged_again, stop_if_critical
from jobs.works.settle_pinning import Pinned, pin
from jobs.works.settle_plans import settle_plans
from jobs.works.settle_proof import prove

SUMMARY = "settle a period: check, apportion, write, read back, publish"
EXAMPLES = """  fentan settle --lake ./lake --period 2020-12-P1
  fentan settle --lake ./lake --period 2020-12-P1 --plan critical_illness --expect-digest 5d0c..."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_period_arguments(parser)
    parser.add_argument(
        "--expect-digest",
        nargs="+",
        metavar="DIGEST",
        help="publish only what a preview showed: the digest it printed, for each plan of the run",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Settles the period; the whole of it happens under the lake's run lock."""
    request = period_request_of(args)
    with run_lock(request.lake_root, "settle", str(request.period), request.environment.lock_lease_seconds) as lock:
        return settle(request, lock, tuple(args.expect_digest or ()))


def settle(request: PeriodRequest, lock: RunLock, expected_digests: tuple[str, ...] = ()) -> Outcome:
    """Settles every plan that is not yet published, and compares those that are with what they would be now."""
    pinned = pin(request)
    if not pinned.plan_ids:
        return _nothing_to_settle(pinned)
    again = tuple(p for p in pinned.plan_ids if p in pinned.settled)
    if again:
        end_killed_runs(pinned.lake, "settle", str(request.period))
    changed = tuple(p for p in again if not _same_inputs(pinned, p))
    if changed:
        _compare(replace(pinned, plan_ids=changed))
    fresh = tuple(p for p in pinned.plan_ids if p not in pinned.settled)
    if not fresh:
        return _already_settled(pinned, again)
    return _settle_fresh(replace(pinned, plan_ids=fresh), lock, expected_digests)


def _settle_fresh(pinned: Pinned, lock: RunLock, expected_digests: tuple[str, ...]) -> Outcome:
    run, started_at = pinned.run, datetime.now(UTC)
    earlier_runs = begin(pinned.lake, run, started_at)
    with stop_recorded(pinned.lake, run, started_at):
        gate, settled = _settle_and_publish(pinned, run, earlier_runs, lock, expected_digests)
    document = settlement_document(pinned, gate, settled, "published")
    record(
        pinned.lake, run, "published", started_at,
        digests=settled.digests, totals=_totals(document, settled), messages=list(gate.refused.values()),
    )  # fmt: skip
    messages = (*pinned.skipped, *gate.refused.values())
    return Outcome(document, settlement_text(document), GateStopped.exit_code if gate.refused else 0, messages)


def _totals(document: dict, settled: Settled) -> dict[str, dict]:
    return {
        plan_id: {**plan, "standing": as_document(settled.of_year[plan_id])}
        for plan_id, plan in document["plans"].items()
    }


def _settle_and_publish(
    pinned: Pinned, run: Run, earlier_runs: Collection[str], lock: RunLock, expected_digests: tuple[str, ...]
) -> tuple[Gate, Settled]:
    request, lake = pinned.request, pinned.lake
    gate = judge_sources(pinned)
    try:
        stop_if_critical(gate)
    except GateStopped:
        record_quality(lake, gate.results, run.run_id, run.period, earlier_runs)
        raise

    sink = Writing(lake, run.period, gate.plan_ids, run.run_id, earlier_runs)
    settled = settle_plans(pinned, gate, sink)
    gate = judged_again(pinned, gate, settled)
    _hold_bad_rows(pinned, gate, settled, run)

    announce("proving")
    judged = prove(sink, settled.digests, run.period)
    record_quality(lake, [*gate.results, *judged], run.run_id, run.period, earlier_runs)
    digests = {plan_id: plan_digest(tables) for plan_id, tables in settled.digests.items()}
    _check_expected(expected_digests, digests, run.period)

    lock.confirm()
    announce("publishing")
    publish(lake, "settle", str(request.period), run.run_id, digests)
    return gate, settled


def _hold_bad_rows(pinned: Pinned, gate: Gate, settled: Settled, run: Run) -> None:
    announce("holding bad rows")
    platform, all_plans = pinned.request.platform, pinned.request.plan_ids is None
    scope = plans_in_scope(pinned.plan_ids, platform.plans, all_plans)
    hold_members(pinned.lake, gate.members, settled.share_fen, scope, run.period, run.run_id)
    claims_scope = claims_in_scope(scope, run.period, pinned.period_names, all_plans)
    hold_claims(pinned.lake, gate.claims, claims_scope, run.period, run.run_id)


def _check_expected(expected: tuple[str, ...], digests: dict[str, str], period: str) -> None:
    if not expected:
        return
    unexpected = {plan_id: digest for plan_id, digest in digests.items() if digest not in expected}
    if unexpected:
        told = ", ".join(f"{plan_id} {digest}" for plan_id, digest in sorted(unexpected.items()))
        raise Refused(
            f"Period {period}: the settlement is not the one that was approved: {told}. Nothing was published. "
            "Run `fentan preview`, approve what it shows, and settle with its digests."
        )


def _same_inputs(pinned: Pinned, plan_id: str) -> bool:
    """Whether the plan was published from these versions, rules and code: then it need not be computed again."""
    run_id = pinned.settled[plan_id].run_id
    rows = pinned.lake.read_or_empty("control/runs").where(F.col("run_id") == run_id).collect()
    return any(pinned.run_of(tuple(row.plan_id.split(","))).run_id == run_id for row in rows)


def _compare(pinned: Pinned) -> None:
    """Recomputes published plans without writing; raises Refused where the result is no longer the same."""
    announce("already settled from other inputs: comparing")
    gate = judge_sources(pinned)
    stop_if_critical(gate)
    sink = Measuring(pinned.lake, str(pinned.request.period), gate.plan_ids, "comparison")
    settled = settle_plans(pinned, gate, sink)
    for plan_id in pinned.plan_ids:
        publication = pinned.settled[plan_id]
        digest = plan_digest(settled.digests[plan_id]) if plan_id in settled.digests else "nothing"
        if digest != publication.digest:
            raise Refused(
                f"Plan {plan_id}, period {publication.period}: already settled by run {publication.run_id} with digest "
                f"{publication.digest}; from the inputs of today it would be {digest}. Nothing was changed. "
                "Restore the inputs; to see the difference by member, settle today's inputs into a lake of their own."
            )


def _already_settled(pinned: Pinned, plan_ids: tuple[str, ...]) -> Outcome:
    publications = [pinned.settled[p] for p in plan_ids]
    document = {
        "period": str(pinned.request.period),
        "state": "already settled",
        "run_id": publications[0].run_id,
        "plans": {p.plan_id: {"run_id": p.run_id, "digest": p.digest, "revision": p.revision} for p in publications},
    }
    lines = [
        f"{p.plan_id} {p.period}: already settled by {p.run_id}, digest {p.digest}; nothing to do" for p in publications
    ]
    return Outcome(document, "\n".join(lines), 0, pinned.skipped)


def _nothing_to_settle(pinned: Pinned) -> Outcome:
    if pinned.lake.read("source/members", pinned.versions["source/members"]).isEmpty():
        raise GateStopped(
            f"source/members, version {pinned.versions['source/members']}, has no rows. Nothing was settled. "
            "Load the members and settle again."
        )
    text = f"Period {pinned.request.period}: no plan has members or claims; nothing to do"
    return Outcome(
        {"period": str(pinned.request.period), "state": "nothing to settle", "plans": {}}, text, 0, pinned.skipped
    )
