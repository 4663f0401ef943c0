"""A period's close: what it writes, and what is proven of it before it is published."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pyspark.sql import functions as F

from expectations.rule import Severity
from expectations.suites import Judged
from jobs.errors import IntegrityBroken
from jobs.gate.costs import COSTS, VISITS, Costs, JudgedRows, costs_of, judged_reviews
from jobs.lake.sinks import Writing
from jobs.ledger.balances import balance_rows, closing_breaches
from jobs.ledger.fee import fee_row
from jobs.ledger.fee_spending import use_transfers
from jobs.ledger.journal import Transfer, journal_rows
from jobs.progress import announce
from jobs.register.books import FEE, fee_digests
from jobs.register.publications import published_in, rows_of
from jobs.register.records import hold_costs
from jobs.works.close_pinning import JOB, Closing
from schemas import TABLES

HELD_IN = {COSTS: "control/quarantine_costs", VISITS: "control/quarantine_visits"}


@dataclass(frozen=True)
class Closed:
    """A close as written and read back. Maps are by plan."""

    digests: Mapping[str, Mapping[str, dict]]
    fees: Mapping[str, dict]
    balances: Mapping[str, list[dict]]
    results: list[Judged]
    messages: tuple[str, ...]


def write_closing(closing: Closing, earlier_runs: Collection[str]) -> Closed:
    """Writes the period's uses and balances, reads them back and proves them; raises IntegrityBroken."""
    platform, period = closing.request.platform, closing.request.period
    announce("uses of the fee")
    costs = costs_of(closing.lake, platform.calendar, period, closing.versions)
    judged = costs.found()
    used = costs.uses_by_plan_fen(judged, _weights(closing))
    day = platform.calendar.grace_ends_on(period)
    uses = {p: use_transfers(used[p]) for p in closing.plan_ids}
    before = closing.transfers()
    every = {p: [*before[p], *uses[p]] for p in closing.plan_ids}
    brought = _brought_forward(closing)
    accounts = [account.account for account in platform.accounts]
    balances = {p: balance_rows(every[p], accounts, brought.get(p, {})) for p in closing.plan_ids}
    _prove(closing, every, balances)

    sink = Writing(closing.lake, closing.run.period, closing.plan_ids, closing.run.run_id, earlier_runs, JOB)
    journal = {p: journal_rows([(day, t) for t in uses[p]], closing.run.period, p, JOB) for p in closing.plan_ids}
    put = sink.put_rows({"ledger/journal": journal, "ledger/balances": balances})
    results = [result for found in judged.values() for result in found.results]
    results += judged_reviews(closing.lake, closing.versions)
    results += sink.judged()
    faults = [result.fault for result in results if not result.success and result.severity is Severity.CRITICAL]
    if faults:
        raise _broken(closing, faults)
    fees = {p: fee_row(every[p], closing.pools[p]["brought_forward_fen"]) for p in closing.plan_ids}
    of_fees = fee_digests(closing.lake, closing.run, fees)
    digests = {
        p: {**{table: measured[p].digest for table, measured in put.items()}, FEE.name: of_fees[p]}
        for p in closing.plan_ids
    }
    _hold(closing, costs, judged)
    return Closed(digests, fees, balances, results, tuple(_messages(closing, judged)))


def _weights(closing: Closing) -> dict[str, int]:
    """What costs of no plan are split by: the fee accrued of the plans that are open, else their head counts."""
    pools = {p: pool for p, pool in closing.pools.items() if p not in closing.closed}
    accrued = {p: pool["fee_fen"] for p, pool in pools.items()}
    return accrued if any(accrued.values()) else {p: pool["covered_count"] for p, pool in pools.items()}


def _hold(closing: Closing, costs: Costs, judged: Mapping[str, JudgedRows]) -> None:
    run = closing.run
    for name, found in judged.items():
        hold_costs(closing.lake, TABLES[name], found.held, HELD_IN[name], costs.scopes[name], run.period, run.run_id)


def _messages(closing: Closing, judged: Mapping[str, JudgedRows]) -> Iterable[str]:
    for name, held_in in HELD_IN.items():
        if name not in closing.versions:
            yield f"{name} is not there: no use of the fee was posted from it"
        elif judged[name].held_count:
            yield (
                f"{name}: rows are held in {held_in} and no use of the fee was posted from them. Mend them before the "
                "month's last period is closed: it takes up what its earlier ones left out"
            )


def _brought_forward(closing: Closing) -> dict[str, dict[str, int]]:
    previous = closing.request.platform.calendar.previous(closing.request.period)
    before = [p for p in published_in(closing.lake, JOB, str(previous)).values() if p.plan_id in closing.plan_ids]
    found: dict[str, dict[str, int]] = {}
    if before:
        for row in rows_of(closing.lake, "ledger/balances", before).collect():
            found.setdefault(row.plan_id, {})[row.account] = row.carried_forward_fen
    return found


def _prove(closing: Closing, every: Mapping[str, list[Transfer]], balances: Mapping[str, list[dict]]) -> None:
    announce("proving")
    of_plans = [closing.collected[p] for p in closing.plan_ids]
    sums = (
        rows_of(closing.lake, "settled/collections", of_plans)
        .groupBy("plan_id", "status")
        .agg(F.sum("due_fen").alias("due_fen"), F.sum("collected_fen").alias("collected_fen"))
        .collect()
    )
    facts = {p: {r.status: (r.due_fen, r.collected_fen) for r in sums if r.plan_id == p} for p in closing.plan_ids}
    borne_by = closing.request.platform.collection.shortfall_borne_by
    faults = [
        f"plan {p}: {breach}"
        for p in closing.plan_ids
        for breach in closing_breaches(every[p], balances[p], closing.pools[p], facts[p], borne_by)
    ]
    if faults:
        raise _broken(closing, faults)


def _broken(closing: Closing, faults: list[str]) -> IntegrityBroken:
    return IntegrityBroken(
        f"Period {closing.run.period}: {'; '.join(faults)}. Nothing was closed. "
        "Collect again, then close; if it fails again, check the storage and report this message."
    )
