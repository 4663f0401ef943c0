"""A period's close: what must be done before, what it writes, and what is proven of it before it is published."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from pyspark.sql import functions as F

from expectations.suites import Judged, judge
from jobs.collection_inputs import made_already, pin_collection
from jobs.errors import IntegrityBroken, Refused
from jobs.fee_uses import CLAIMS, COSTS, REVIEWS, VISITS, Costs, Found, costs_of, judged_reviews
from jobs.lake.lake import Lake
from jobs.lake.ledger import FEE, fee_digests, transfers_of
from jobs.lake.publications import Publication, published_in, rows_of
from jobs.lake.records import hold_spent
from jobs.lake.runs import Run, input_versions_of, open_runs, settings_of
from jobs.lake.sinks import Writing
from jobs.lake.sources import pin_versions, pinned_inputs
from jobs.outcome import announce
from jobs.request import PeriodRequest
from jobs.settlement.closing import balance_rows, closing_breaches
from jobs.settlement.collection_journal import use_transfers
from jobs.settlement.fee import fee_row
from jobs.settlement.journal import Transfer, journal_rows
from schemas import TABLES

JOB = "close"
HELD_IN = {COSTS: "control/quarantine_costs", VISITS: "control/quarantine_visits"}


@dataclass(frozen=True)
class Closing:
    """What a period is closed from. Maps are by plan; `plan_ids` are those still to be closed, `closed` those
    closed."""

    request: PeriodRequest
    lake: Lake
    settled: Mapping[str, Publication]
    collected: Mapping[str, Publication]
    closed: Mapping[str, Publication]
    pools: Mapping[str, dict]
    plan_ids: tuple[str, ...]
    versions: Mapping[str, int]
    run: Run

    def transfers(self, *further: Publication) -> dict[str, list[Transfer]]:
        """What settlement and collection posted, and the further publications, by plan."""
        return transfers_of(self.lake, [*self.settled.values(), *self.collected.values(), *further])

    def fee_of(self, plan_id: str) -> dict:
        """The closed plan's row of the fee ledger, from its journal."""
        return fee_row(self.transfers(self.closed[plan_id])[plan_id], self.pools[plan_id]["brought_forward_fen"])


@dataclass(frozen=True)
class Closed:
    """A close as written and read back. Maps are by plan."""

    digests: Mapping[str, Mapping[str, dict]]
    fees: Mapping[str, dict]
    balances: Mapping[str, list[dict]]
    results: list[Judged]
    messages: tuple[str, ...]


def pin_closing(request: PeriodRequest, lake: Lake) -> Closing:
    """Finds what is to be closed; raises Refused where something must be done before, and says what."""
    announce("pinning the period")
    period = str(request.period)
    by_job = {job: published_in(lake, job, period) for job in ("settle", "collect", JOB)}
    settled = by_job["settle"]
    asked = tuple(sorted(request.plan_ids or settled))
    unsettled = [p for p in asked if p not in settled]
    if unsettled or not settled:
        which = f"{', '.join(unsettled)}: not settled" if unsettled else "not settled"
        raise Refused(f"Period {period}: {which}. Nothing was closed. Settle it first: `fentan settle`.")
    plan_ids = tuple(p for p in asked if p not in by_job[JOB])
    if plan_ids:
        _check_turn(request, lake, plan_ids)
        _check_collected(request, lake, by_job["collect"], plan_ids)
        _check_nothing_came_since(request, lake, [by_job["collect"][p] for p in plan_ids])
    versions = pin_versions(lake, tuple(name for name in (COSTS, VISITS, REVIEWS, CLAIMS) if lake.exists(name)))
    run = Run(
        job=JOB,
        platform_id=request.platform.platform_id,
        period=period,
        plan_ids=plan_ids,
        input_versions={
            **pinned_inputs(lake, versions),
            "settled": {p: settled[p].digest for p in plan_ids},
            "collected": {p: by_job["collect"][p].digest for p in plan_ids},
        },
        conf_digest=hashlib.sha256(repr(request.platform.accounts).encode()).hexdigest()[:16],
        settings={"as_of": str(request.as_of)},
    )
    pools = {row.plan_id: row.asDict() for row in rows_of(lake, "settled/pools", list(settled.values())).collect()}
    return Closing(request, lake, settled, by_job["collect"], by_job[JOB], pools, plan_ids, versions, run)


def write_closing(closing: Closing, earlier_runs: Collection[str]) -> Closed:
    """Writes the period's uses and balances, reads them back and proves them; raises IntegrityBroken."""
    platform, period = closing.request.platform, closing.request.period
    announce("uses of the fee")
    costs = costs_of(closing.lake, platform.calendar, period, closing.versions)
    spent = costs.found()
    used = costs.used_by_plan_fen(spent, _weights(closing))
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
    results = [result for found in spent.values() for result in found.results]
    results += judged_reviews(closing.lake, closing.versions)
    results += [result for table, counts in sink.broken.items() for result in judge(table, counts)]
    faults = [
        f"{r.table_name}: {r.sentence} ({r.observed})" for r in results if not r.success and r.severity == "critical"
    ]
    if faults:
        raise _broken(closing, faults)
    fees = {p: fee_row(every[p], closing.pools[p]["brought_forward_fen"]) for p in closing.plan_ids}
    of_fees = fee_digests(closing.lake, closing.run, fees)
    digests = {
        p: {**{table: measured[p].digest for table, measured in put.items()}, FEE.name: of_fees[p]}
        for p in closing.plan_ids
    }
    _hold(closing, costs, spent)
    return Closed(digests, fees, balances, results, tuple(_messages(closing, spent)))


def _weights(closing: Closing) -> dict[str, int]:
    """What costs of no plan are split by: the fee accrued of the plans that are open, else their head counts."""
    pools = {p: pool for p, pool in closing.pools.items() if p not in closing.closed}
    accrued = {p: pool["fee_fen"] for p, pool in pools.items()}
    return accrued if any(accrued.values()) else {p: pool["covered_count"] for p, pool in pools.items()}


def _hold(closing: Closing, costs: Costs, spent: Mapping[str, Found]) -> None:
    run = closing.run
    for name, found in spent.items():
        hold_spent(closing.lake, TABLES[name], found.held, HELD_IN[name], costs.scopes[name], run.period, run.run_id)


def _messages(closing: Closing, spent: Mapping[str, Found]) -> Iterable[str]:
    for name, held_in in HELD_IN.items():
        if name not in closing.versions:
            yield f"{name} is not there: no use of the fee was posted from it"
        elif spent[name].held_count:
            yield (
                f"{name}: rows are held in {held_in} and no use of the fee was posted from them. Mend them before the "
                "month's last period is closed: it takes up what its earlier ones left out"
            )


def _check_turn(request: PeriodRequest, lake: Lake, plan_ids: tuple[str, ...]) -> None:
    previous = request.platform.calendar.previous(request.period)
    if previous is not None:
        settled, closed = published_in(lake, "settle", str(previous)), published_in(lake, JOB, str(previous))
        waiting = [p for p in plan_ids if p in settled and p not in closed]
        if waiting:
            raise Refused(
                f"Period {request.period}: {', '.join(waiting)}: the previous period {previous} is not closed. "
                f"Nothing was closed. Close {previous} first."
            )
    running = open_runs(lake, str(request.period), plan_ids)
    if running:
        raise Refused(
            f"Period {request.period}: run {', '.join(running)} began and never ended. Nothing was closed. "
            "Run its command again until it ends, then close."
        )


def _check_collected(
    request: PeriodRequest, lake: Lake, collected: Mapping[str, Publication], plan_ids: tuple[str, ...]
) -> None:
    grace_ends_on = request.platform.calendar.grace_ends_on(request.period)
    if request.as_of < grace_ends_on:
        raise Refused(
            f"Period {request.period}: members may pay until {grace_ends_on}, it is {request.as_of}. Nothing was "
            "closed. Close it on that day or later."
        )
    stages = {p: input_versions_of(lake, pub.run_id)["stage"] for p, pub in collected.items() if p in plan_ids}
    waiting = [p for p in plan_ids if stages.get(p) != "final"]
    if waiting:
        raise Refused(
            f"Period {request.period}: {', '.join(waiting)}: not collected up to the grace limit {grace_ends_on}. "
            f"Nothing was closed. Run `fentan collect --period {request.period}` on that day or later, then close."
        )


def _check_nothing_came_since(request: PeriodRequest, lake: Lake, collected: list[Publication]) -> None:
    """Raises Refused where a collection of today would be another one: its money would be in no books."""
    until = max(date.fromisoformat(settings_of(lake, p.run_id)["as_of"]) for p in collected)
    as_of = max(until, request.as_of)
    inputs = pin_collection(replace(request, as_of=as_of, plan_ids=None), lake)
    if made_already(inputs, heeds_aid_of_next=False) is None:
        raise Refused(
            f"Period {request.period}: since it was collected, as of {until}, receipts up to {as_of}, plans, rules or "
            "the lapses of the period before have changed. Nothing was closed. Run "
            f"`fentan collect --period {request.period} --as-of {as_of}`, then close."
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
