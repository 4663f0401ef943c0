"""The close of a period: fee expenditure posted, balances carried forward; the period never changes again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import functions as F

from expectations.suites import RuleResult
from jobs.base.progress import announce
from jobs.collection.set_off_and_lapse import NETTED, set_off_part_fen
from jobs.gate.costs import COSTS, VISITS, CostRows, Costs, costs_of, judged_reviews
from jobs.gate.held_id import held_id_column
from jobs.gate.quarantine import hold_costs
from jobs.lake.lake import Lake
from jobs.lake.sinks import WritingSink
from jobs.ledger.balances import balance_rows, closing_breaches
from jobs.ledger.fee import fee_row
from jobs.ledger.fee_expenditure import expenditure_transfers
from jobs.ledger.identities import closed_books, identity_breaches
from jobs.ledger.journal import Transfer, journal_rows
from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.outcome import Outcome, UntilClosed
from jobs.pipeline.request import PeriodRequest
from jobs.pipeline.work import Work
from jobs.register.books import FEE, fees_of, replace_fee
from jobs.register.decisions import deciders
from jobs.register.publications import few_rows_of, published, published_in, rows_of
from jobs.register.runs import compact_control
from jobs.spark.digest import digest_of_rows
from jobs.works.close_pinning import JOB, PinnedClose, pin_closing
from jobs.works.late_claims import hold_late_claims
from schemas import TABLES

HELD_IN = {COSTS: "control/quarantine_costs", VISITS: "control/quarantine_visits"}


@dataclass(frozen=True)
class CostGate:
    """The sources of costs, and their judged rows by source."""

    costs: Costs
    judged: Mapping[str, CostRows]


@dataclass(frozen=True)
class CloseResult:
    """A close as written and read back. Maps are by plan; `transfers`: all of the period, including the close's."""

    digests: Mapping[str, Mapping[str, dict]]
    transfers: Mapping[str, list[Transfer]]
    fees: Mapping[str, dict]
    balances: Mapping[str, list[dict]]


class Close(Work):
    """Closes every plan of the period that is not closed yet."""

    job = JOB
    action = "closed"

    def pin(self, lake: Lake, request: PeriodRequest) -> PinnedClose:
        return pin_closing(request, lake)

    def remaining(self, pinned: PinnedClose) -> PinnedClose | Outcome:
        return (
            pinned if pinned.plan_ids else _already_closed(pinned, tuple(pinned.late_claims.messages(pinned.settled)))
        )

    def judge(self, pinned: PinnedClose) -> CostGate:
        announce("judging costs")
        calendar = pinned.request.platform.calendar
        costs = costs_of(pinned.lake, calendar, pinned.request.period, pinned.versions, pinned.released)
        return CostGate(costs, costs.judged())

    def compute(self, pinned: PinnedClose, gate: CostGate, sink: WritingSink) -> CloseResult:
        announce("fee expenditure")
        platform, plan_ids = pinned.request.platform, pinned.plan_ids
        posted_on = platform.calendar.grace_ends_on(pinned.request.period)
        spent_fen = gate.costs.uses_by_plan_fen(gate.judged, _weights(pinned))
        spending = {p: expenditure_transfers(spent_fen[p]) for p in plan_ids}
        earlier = pinned.transfers()
        transfers = {p: [*earlier[p], *spending[p]] for p in plan_ids}
        brought_forward = _brought_forward(pinned)
        accounts = [account.account for account in platform.accounts]
        balances = {p: balance_rows(transfers[p], accounts, brought_forward.get(p, {})) for p in plan_ids}
        journal = {p: journal_rows([(posted_on, t) for t in spending[p]], pinned.run.period, p, JOB) for p in plan_ids}
        digests = sink.put_rows({"ledger/journal": journal, "ledger/balances": balances})
        fees = {p: fee_row(transfers[p], pinned.pools[p]["brought_forward_fen"]) for p in plan_ids}
        digests[FEE.name] = {p: digest_of_rows([fees[p]], FEE) for p in plan_ids}
        digests_by_plan = {p: {table: by_plan[p] for table, by_plan in digests.items()} for p in plan_ids}
        return CloseResult(digests_by_plan, transfers, fees, balances)

    def breaches(self, pinned: PinnedClose, gate: CostGate, result: CloseResult, sink: WritingSink) -> list[str]:
        sums, fees_before = _collected(pinned), earlier_fees(pinned)
        borne_by = pinned.request.platform.collection.shortfall_borne_by
        return [
            f"plan {p}: {breach}"
            for p in pinned.plan_ids
            for breach in (
                *closing_breaches(result.transfers[p], result.balances[p], pinned.pools[p], sums[p], borne_by),
                *identity_breaches(closed_books(result.balances[p], result.fees[p], fees_before[p])),
            )
        ]

    def hold(self, pinned: PinnedClose, gate: CostGate, result: CloseResult) -> None:
        announce("holding bad costs")
        run = pinned.run
        for name, judged in gate.judged.items():
            scope = gate.costs.scopes[name]
            hold_costs(pinned.lake, TABLES[name], judged.held, HELD_IN[name], scope, run.period, run.run_id)
        hold_late_claims(pinned.lake.small, pinned.late_claims, run.period, run.run_id)

    def rule_results(self, pinned: PinnedClose, gate: CostGate, result: CloseResult | None) -> Iterable[RuleResult]:
        cost_results = [result for judged in gate.judged.values() for result in judged.results]
        return [*cost_results, *judged_reviews(pinned.lake, pinned.versions)]

    def follow_up(self, pinned: PinnedClose, result: CloseResult, sink: WritingSink) -> None:
        replace_fee(pinned.lake.small, pinned.run.period, pinned.run.run_id, result.fees)
        compact_control(pinned.lake.small)

    def finish(self, lake: Lake, request: PeriodRequest, row: dict) -> None:
        small, period = lake.small, row["period"]
        closed = {p: act for p, act in published_in(small, JOB, period).items() if act.run_id == row["run_id"]}
        settled, collected = (published_in(small, job, period) for job in ("settle", "collect"))
        fees = fees_of(small, [settled[p] for p in closed], [acts[p] for acts in (collected, closed) for p in closed])
        replace_fee(small, period, row["run_id"], fees)

    def show(
        self, pinned: PinnedClose, gate: CostGate, result: CloseResult, rule_results: Sequence[RuleResult]
    ) -> Outcome:
        document = {
            "period": pinned.run.period,
            "state": "closed",
            "run_id": pinned.run.run_id,
            "plans": {p: {"fee": result.fees[p], "balances": _by_account(result.balances[p])} for p in pinned.plan_ids},
        }
        messages = (*_messages(pinned, gate), *pinned.late_claims.messages(pinned.plan_ids))
        return Outcome(document, _text(document), 0, messages)


def _weights(pinned: PinnedClose) -> dict[str, int]:
    """By open plan, the weight by which costs without a plan are split: accrued fees or, if all are 0, head counts."""
    pools = {p: pool for p, pool in pinned.pools.items() if p not in pinned.closed}
    accrued_fen = {p: pool["fee_fen"] for p, pool in pools.items()}
    return accrued_fen if any(accrued_fen.values()) else {p: pool["covered_count"] for p, pool in pools.items()}


def _brought_forward(pinned: PinnedClose) -> dict[str, dict[str, int]]:
    """By plan and account, the balance carried forward at the close of the previous period."""
    small, previous = pinned.lake.small, pinned.request.platform.calendar.previous(pinned.request.period)
    closes = [act for p, act in published_in(small, JOB, str(previous)).items() if p in pinned.plan_ids]
    balances: dict[str, dict[str, int]] = {}
    for row in few_rows_of(small, "ledger/balances", closes):
        balances.setdefault(row["plan_id"], {})[row["account"]] = row["carried_forward_fen"]
    return balances


def earlier_fees(pinned: PinnedClose) -> dict[str, list[dict]]:
    """By plan, its rows of ledger/fee of closed periods before this one."""
    calendar, period = pinned.request.platform.calendar, pinned.request.period
    closes = [
        close
        for (name, plan_id), close in published(pinned.lake.small, JOB).items()
        if plan_id in pinned.plan_ids and calendar.period(name) < period
    ]
    rows = few_rows_of(pinned.lake.small, FEE.name, closes)
    return {p: [row for row in rows if row["plan_id"] == p] for p in pinned.plan_ids}


def _collected(pinned: PinnedClose) -> dict[str, dict[str, tuple[int, int]]]:
    """By plan and status of the collection: dues and collected money, in fen.

    The part of a lapsed due that was set off counts as NETTED.
    """
    set_off_fen = set_off_part_fen(pinned.request.platform.calendar.grace_ends_on(pinned.request.period))
    collected = rows_of(pinned.lake, "settled/collections", [pinned.collected[p] for p in pinned.plan_ids])
    part = lambda status, due_fen, fen: F.struct(status.alias("status"), due_fen.alias("due_fen"), fen.alias("fen"))  # noqa: E731
    cash_fen = F.col("collected_fen") - set_off_fen
    parts = (
        part(F.lit(NETTED), set_off_fen, set_off_fen),
        part(F.col("status"), F.col("due_fen") - set_off_fen, cash_fen),
    )
    rows = (
        collected.select("plan_id", F.explode(F.array(*parts)).alias("part"))
        .groupBy("plan_id", F.col("part.status").alias("status"))
        .agg(F.sum("part.due_fen").alias("due_fen"), F.sum("part.fen").alias("collected_fen"))
        .collect()
    )
    return {p: {r.status: (r.due_fen, r.collected_fen) for r in rows if r.plan_id == p} for p in pinned.plan_ids}


def _messages(pinned: PinnedClose, gate: CostGate) -> Iterable[str]:
    for name, held_in in HELD_IN.items():
        if name not in pinned.versions:
            yield f"{name} does not exist: no fee expenditure was posted from it"
        elif gate.judged[name].held_count and _is_any_undecided(pinned, name, gate.judged[name]):
            yield _held_message(
                pinned, f"{name}: rows are held in {held_in} and no fee expenditure was posted from them"
            )


def _is_any_undecided(pinned: PinnedClose, name: str, judged: CostRows) -> bool:
    """Whether a held row of the source has no decision."""
    decided = deciders(pinned.lake.small, name)
    return not decided or not judged.held.where(~held_id_column(TABLES[name]).isin(*sorted(decided))).isEmpty()


def _held_message(pinned: PinnedClose, fact: str) -> str:
    period, calendar = pinned.request.period, pinned.request.platform.calendar
    last = calendar.of_month(period.year, period.month)[-1]
    if period == last:
        return f"{fact}. This was the month's last period: to post them, correct them and give them an open month"
    advice = (
        f"Correct them before {last}, the month's last period, is closed: that close also posts costs that earlier "
        "ones of the month left out"
    )
    return UntilClosed(f"{fact}. {advice}", str(last), pinned.plan_ids)


def _by_account(balances: Sequence[Mapping]) -> dict[str, int]:
    return {row["account"]: row["carried_forward_fen"] for row in balances}


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
            f"Period {document['period']} is closed by {document['run_id']}; it never changes again.",
            table_text("Fee (yuan)", ["plan", *(part.replace("_", " ") for part in parts)], fees),
            table_text("Carried forward (yuan, debit positive)", ["plan", "account", "balance"], balances),
        ]
    )


def _already_closed(pinned: PinnedClose, messages: tuple[str, ...]) -> Outcome:
    period = str(pinned.request.period)
    runs = {p: publication.run_id for p, publication in sorted(pinned.closed.items())}
    document = {"period": period, "state": "already closed", "plans": {p: {"run_id": r} for p, r in runs.items()}}
    return Outcome(document, f"Period {period}: already closed for {', '.join(runs)}; nothing to do", 0, messages)
