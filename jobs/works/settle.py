"""The settlement of a period: gate, benefits, shares, assessments, bills, pools, rates, journal, fee."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from expectations.suites import RuleResult
from jobs.base.errors import GateStopped, Refused
from jobs.base.progress import announce
from jobs.correction.invariants import brought_forward_breaches
from jobs.gate.quarantine import claims_in_scope, hold_claims, hold_members, plans_in_scope
from jobs.lake.lake import Lake
from jobs.lake.sinks import MeasuringSink, WritingSink
from jobs.ledger.fee import corrected_fee_fen
from jobs.ledger.invariants import ReadBack, breaches
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import PeriodRequest
from jobs.pipeline.work import Work
from jobs.register.changes import changed_since
from jobs.register.publications import published_in
from jobs.register.runs import rows_of_runs
from jobs.register.stages import correct_command
from jobs.spark.digest import plan_digest
from jobs.works.approvals import check_approved
from jobs.works.corrections import transfers_of_corrections
from jobs.works.headroom import YEAR_RECORD, as_document
from jobs.works.late_claims import hold_late_claims
from jobs.works.settle_gate import Gate, judge_sources, results_with_shares, stop_if_critical
from jobs.works.settle_pinning import PinnedSettlement, pin
from jobs.works.settle_plans import SettlementResult, settle_plans
from jobs.works.settle_shown import settlement_document, settlement_text
from jobs.works.unknown_plans import unknown_plan_messages

FEW_ROW_TABLES = ("settled/pools", "settled/rates", "ledger/journal", "ledger/fee")


class Settle(Work):
    """Settles every plan that is not yet published; checks that a published one would have the same result today.

    `expected_digests`: digests of an approved preview; empty: any digest is accepted.
    """

    job = "settle"

    def __init__(self, expected_digests: tuple[str, ...] = ()):
        self.expected_digests = expected_digests

    def pin(self, lake: Lake, request: PeriodRequest) -> PinnedSettlement:
        return pin(lake, request)

    def remaining(self, pinned: PinnedSettlement) -> PinnedSettlement | Outcome:
        if not pinned.plan_ids:
            return _nothing_to_settle(pinned)
        settled = tuple(p for p in pinned.plan_ids if p in pinned.settled)
        lapsed_later = _check_same_results(pinned, {p: _changes_since(pinned, p) for p in settled})
        unsettled = tuple(p for p in pinned.plan_ids if p not in pinned.settled)
        if unsettled:
            return replace(pinned, plan_ids=unsettled)
        self._check_expected(pinned, {p: pinned.settled[p].digest for p in settled})
        late = pinned.late_claims
        hold_late_claims(pinned.lake.small, late, pinned.run.period, pinned.settled[settled[0]].run_id)
        messages = (*pinned.skipped, *(_lapsed_later(pinned, p) for p in lapsed_later), *late.messages(settled))
        return _already_settled(pinned, settled, messages)

    def judge(self, pinned: PinnedSettlement) -> Gate:
        return judge_sources(pinned)

    def stop(self, pinned: PinnedSettlement, gate: Gate) -> None:
        stop_if_critical(gate)

    def plan_ids(self, pinned: PinnedSettlement, gate: Gate) -> Iterable[str]:
        return gate.plan_ids

    def compute(self, pinned: PinnedSettlement, gate: Gate, sink: MeasuringSink) -> SettlementResult:
        return settle_plans(pinned, gate, sink)

    def breaches(self, pinned: PinnedSettlement, gate: Gate, result: SettlementResult, sink: WritingSink) -> list[str]:
        corrections = transfers_of_corrections(pinned.lake.small, pinned.run.period, result.digests)
        return [
            f"plan {plan_id}: {breach}"
            for plan_id, digests in result.digests.items()
            for breach in (
                *_plan_breaches(plan_id, digests, sink.rows, corrected_fee_fen(corrections[plan_id])),
                *corrections_breaches(pinned, result.pools[plan_id], plan_id),
            )
        ]

    def consent(self, pinned: PinnedSettlement, result: SettlementResult, digests: Mapping[str, str]) -> None:
        self._check_expected(pinned, digests)
        check_approved(pinned.lake.small, pinned.request, digests)

    def _check_expected(self, pinned: PinnedSettlement, digests: Mapping[str, str]) -> None:
        """Raises Refused if plans have other digests than those that the command line expects."""
        unexpected = {p: digest for p, digest in digests.items() if digest not in self.expected_digests}
        if self.expected_digests and unexpected:
            shown = ", ".join(f"{plan_id} {digest}" for plan_id, digest in sorted(unexpected.items()))
            raise Refused(
                f"Period {pinned.run.period}: the settlement differs from the one that was approved: {shown}. Nothing "
                f"was published. Run `fentan preview --period {pinned.run.period}`, approve its result, and settle "
                "with its digests."
            )

    def hold(self, pinned: PinnedSettlement, gate: Gate, result: SettlementResult) -> None:
        announce("holding bad rows")
        run, request = pinned.run, pinned.request
        all_plans = request.plan_ids is None
        scope = plans_in_scope(pinned.plan_ids, request.platform.plans, all_plans)
        hold_members(pinned.lake, gate.members, result.share_fen, scope, run.period, run.run_id)
        claims_scope = claims_in_scope(scope, run.period, pinned.period_names, all_plans)
        hold_claims(pinned.lake, gate.claims, claims_scope, run.period, run.run_id)
        hold_late_claims(pinned.lake.small, pinned.late_claims, run.period, run.run_id)

    def rule_results(
        self, pinned: PinnedSettlement, gate: Gate, result: SettlementResult | None
    ) -> Iterable[RuleResult]:
        if result is None:
            return gate.results
        return results_with_shares(pinned, gate, result.share_fen, result.limited_claims)

    def show(
        self, pinned: PinnedSettlement, gate: Gate, result: SettlementResult, rule_results: Sequence[RuleResult]
    ) -> Outcome:
        document = settlement_document(pinned, gate, rule_results, result, "published")
        late = pinned.late_claims.messages(pinned.plan_ids)
        unknown = unknown_plan_messages(rule_results, pinned.request.platform, pinned.lake.small)
        messages = (*pinned.skipped, *unknown, *late, *gate.refused.values())
        return Outcome(document, settlement_text(document), GateStopped.exit_code if gate.refused else 0, messages)

    def totals(self, result: SettlementResult, outcome: Outcome) -> dict[str, dict]:
        return {
            plan_id: {**plan, YEAR_RECORD: as_document(result.year_records[plan_id])}
            for plan_id, plan in outcome.document["plans"].items()
        }


def settle_without_writing(pinned: PinnedSettlement) -> tuple[Gate, SettlementResult]:
    """The gate and the result that `settle` would have now, without writing; raises GateStopped as `settle` does."""
    gate = judge_sources(pinned)
    stop_if_critical(gate)
    run = pinned.run
    return gate, settle_plans(pinned, gate, MeasuringSink(pinned.lake, run.period, gate.plan_ids, run.run_id))


def corrections_breaches(pinned: PinnedSettlement, pool: Mapping[str, int], plan_id: str) -> list[str]:
    """C4, where the residual is carried on billed money: it is the one before and all that was corrected into it."""
    history = pinned.history
    if pinned.request.platform.collection.shortfall_borne_by != "platform" or history.predecessor(plan_id) is None:
        return []
    carried_fen = history.previous_pools[plan_id]["carried_forward_fen"]
    return brought_forward_breaches(pool, carried_fen, [history.adjusted_fen([plan_id])[plan_id]])


def _plan_breaches(
    plan_id: str, digests: Mapping[str, dict], rows: Mapping[str, list[dict]], corrected_fen: int
) -> list[str]:
    plan_rows = {table: [row for row in rows[table] if row["plan_id"] == plan_id] for table in FEW_ROW_TABLES}
    if len(plan_rows["settled/pools"]) != 1 or len(plan_rows["ledger/fee"]) != 1:
        return ["settled/pools and ledger/fee do not hold exactly one row"]
    return breaches(
        ReadBack(
            digests=digests,
            pool=plan_rows["settled/pools"][0],
            rates=plan_rows["settled/rates"],
            journal=plan_rows["ledger/journal"],
            fee=plan_rows["ledger/fee"][0],
            corrected_fee_fen=corrected_fen,
        )
    )


def _changes_since(pinned: PinnedSettlement, plan_id: str) -> Mapping[str, str]:
    """What changed since the plan was published; if nothing did, its result is the same."""
    run_id = pinned.settled[plan_id].run_id
    row = rows_of_runs(pinned.lake.small, [run_id]).get(run_id)
    if row is None:
        return {"record": f"run {run_id} is not in control/runs any more"}
    return changed_since(row, pinned.run_of(tuple(row["plan_id"].split(","))))


def _check_same_results(pinned: PinnedSettlement, changes: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Recomputes, without writing, the published plans whose inputs changed; raises Refused if a result would differ.

    `changes`: by settled plan, what changed since its publication. Returns the plans whose result would differ because
    of lapses only: they were published after the settlement, which they do not change.
    """
    changed = tuple(p for p in changes if changes[p])
    if not changed:
        return []
    announce("already settled from other inputs: comparing")
    _, result = settle_without_writing(replace(pinned, plan_ids=changed))
    digests = {p: plan_digest(tables) for p, tables in result.digests.items()}
    differing = [p for p in changed if digests.get(p) != pinned.settled[p].digest]
    for plan_id in differing:
        if changes[plan_id].keys() != {"lapses"}:
            publication = pinned.settled[plan_id]
            raise Refused(
                f"Plan {plan_id}, period {publication.period}: already settled by run {publication.run_id} with "
                f"digest {publication.digest}; from today's inputs it would be {digests.get(plan_id, 'nothing')}. "
                f"Changed since: {'; '.join(changes[plan_id].values())}. Nothing was changed. "
                f"{_way_out(pinned, plan_id)}"
            )
    return differing


def _way_out(pinned: PinnedSettlement, plan_id: str) -> str:
    """What to do about a settlement whose inputs changed: restore them, take it back, or correct it after its close."""
    small, period = pinned.lake.small, pinned.run.period
    if plan_id not in published_in(small, "collect", period):
        return (
            f"To settle today's inputs, take it back with `fentan withdraw --period {period} --plan {plan_id} --reason "
            "...` and settle again; otherwise restore the inputs."
        )
    correct = correct_command(small, pinned.request.platform.calendar, period, plan_id)
    return f"Restore the inputs; to settle today's, correct the period once it is closed: {correct}."


def _lapsed_later(pinned: PinnedSettlement, plan_id: str) -> str:
    period = pinned.request.period
    return (
        f"{plan_id}: collections published after {period} was settled ended memberships before its publicity day. "
        f"The settlement of {period} does not change; later settlements take these lapses into account."
    )


def _already_settled(pinned: PinnedSettlement, plan_ids: tuple[str, ...], messages: tuple[str, ...]) -> Outcome:
    publications = [pinned.settled[p] for p in plan_ids]
    document = {
        "period": pinned.run.period,
        "state": "already settled",
        "run_id": publications[0].run_id,
        "plans": {p.plan_id: {"run_id": p.run_id, "digest": p.digest, "revision": p.revision} for p in publications},
    }
    lines = [
        f"{p.plan_id} {p.period}: already settled by {p.run_id}, digest {p.digest}; nothing to do" for p in publications
    ]
    return Outcome(document, "\n".join(lines), 0, messages)


def _nothing_to_settle(pinned: PinnedSettlement) -> Outcome:
    if not pinned.lake.small.holds_any("source/members", "true"):
        raise GateStopped(
            f"source/members, version {pinned.versions['source/members']}, has no rows. Nothing was settled. "
            "Load the members and settle again."
        )
    period = str(pinned.request.period)
    text = f"Period {period}: no plan has members or claims; nothing to do"
    return Outcome({"period": period, "state": "nothing to settle", "plans": {}}, text, 0, pinned.skipped)
