"""The collection of a period: receipts allocated to shares, arrears, lapses, aid paid, fee received."""

from collections.abc import Iterable, Mapping, Sequence

from expectations.receipts import PERIOD_UNKNOWN
from expectations.suites import RuleResult
from jobs.base.errors import Refused
from jobs.base.progress import announce
from jobs.gate.quarantine import hold_receipts, hold_receipts_of_no_period
from jobs.gate.receipts import judged_receipts
from jobs.lake.lake import Lake
from jobs.lake.sinks import WritingSink
from jobs.ledger.journal import cash_received_fen
from jobs.pipeline.outcome import Outcome, UntilClosed
from jobs.pipeline.request import PeriodRequest
from jobs.pipeline.work import Work
from jobs.register.books import fees_of, replace_fee, transfers_of
from jobs.register.publications import published_in, withdrawn_in
from jobs.register.runs import goes_as_far_as, settings_of
from jobs.register.stages import correct_command
from jobs.works.collect_ceilings import (
    stop_if_too_many_are_held,
    stop_if_too_many_lapse,
    too_many_held_count,
    with_ceilings,
)
from jobs.works.collect_pinning import JOB, PinnedCollection, pin_collection
from jobs.works.collect_shown import document_of, nothing_new, text_of
from jobs.works.collect_unchanged import changes_since_collected, run_of_same_inputs
from jobs.works.collect_writing import CollectionResult, collection_breaches, write_collection
from jobs.works.late_claims import hold_late_claims
from jobs.works.late_returns import (
    AFTER_CLOSE,
    hold_returned_after_close,
    late_return_messages,
    late_return_sums,
    undecided,
)

THROUGH_SPARK = ("settled/collections", "settled/lapses", "settled/adjustment_collections")
FEW_ROWS = ("ledger/journal",)


class Collect(Work):
    """Brings the period's collection up to the day `as_of`; collecting the same receipts again changes nothing.

    `accepted_lapses`: the number of lapses the operator consents to; None: no consent.
    """

    job = JOB
    keeps_published_rows = True

    def __init__(self, accepted_lapses: int | None = None):
        self.accepted_lapses = accepted_lapses

    def pin(self, lake: Lake, request: PeriodRequest) -> PinnedCollection:
        return with_ceilings(pin_collection(request, lake), self.accepted_lapses)

    def remaining(self, pinned: PinnedCollection) -> PinnedCollection | Outcome:
        run_id = run_of_same_inputs(pinned)
        if run_id is not None:
            if not pinned.is_closed:
                _hold_without_period(pinned, run_id)
            hold_late_claims(pinned.lake.small, pinned.late_claims, pinned.run.period, run_id)
            hold_returned_after_close(pinned.lake.small, pinned.returned_after_close, pinned.run.period, run_id)
            if not pinned.is_closed:
                goes_as_far_as(pinned.lake.small, run_id, str(pinned.days.as_of))
            return nothing_new(pinned, run_id, tuple(_messages(pinned)))
        _check_open(pinned)
        _check_not_backwards(pinned)
        return pinned

    def stop(self, pinned: PinnedCollection, gate: None) -> None:
        stop_if_too_many_are_held(pinned)

    def compute(self, pinned: PinnedCollection, gate: None, sink: WritingSink) -> CollectionResult:
        return write_collection(pinned, sink)

    def breaches(self, pinned: PinnedCollection, gate: None, result: CollectionResult, sink: WritingSink) -> list[str]:
        return collection_breaches(pinned, result)

    def consent(self, pinned: PinnedCollection, result: CollectionResult, digests: Mapping[str, str]) -> None:
        stop_if_too_many_lapse(pinned, result.sums)

    def hold(self, pinned: PinnedCollection, gate: None, result: CollectionResult) -> None:
        announce("holding unapplied cash")
        run = pinned.run
        hold_receipts(pinned.lake, pinned.gate.unsound, result.excess, run.period, run.run_id)
        _hold_without_period(pinned, run.run_id)
        hold_late_claims(pinned.lake.small, pinned.late_claims, run.period, run.run_id)
        hold_returned_after_close(pinned.lake.small, pinned.returned_after_close, run.period, run.run_id)

    def rule_results(
        self, pinned: PinnedCollection, gate: None, result: CollectionResult | None
    ) -> Iterable[RuleResult]:
        held = {} if result is None else held_by_reason(pinned, result)
        return judged_receipts(pinned.gate, held, pinned.days, too_many_held_count(pinned))

    def follow_up(self, pinned: PinnedCollection, result: CollectionResult, sink: WritingSink) -> None:
        replace_fee(pinned.lake.small, pinned.run.period, pinned.run.run_id, result.fees)
        sink.sweep(THROUGH_SPARK, FEW_ROWS)

    def finish(self, lake: Lake, request: PeriodRequest, row: dict) -> None:
        small, period, run_id = lake.small, row["period"], row["run_id"]
        collected = {p: act for p, act in published_in(small, JOB, period).items() if act.run_id == run_id}
        settled, closed = (published_in(small, job, period) for job in ("settle", "close"))
        open_plans = [p for p in collected if p not in closed]
        if not open_plans:
            return
        fees = fees_of(small, [settled[p] for p in open_plans], [collected[p] for p in open_plans])
        replace_fee(small, period, run_id, fees)
        lake.start()
        WritingSink(lake, JOB, period, open_plans, run_id, keeps_published_rows=True).sweep(THROUGH_SPARK, FEW_ROWS)

    def show(
        self, pinned: PinnedCollection, gate: None, result: CollectionResult, rule_results: Sequence[RuleResult]
    ) -> Outcome:
        document = document_of(pinned, result, held_by_reason(pinned, result))
        return Outcome(document, text_of(document), 0, tuple(_messages(pinned)))


def held_by_reason(pinned: PinnedCollection, result: CollectionResult) -> dict[str, tuple[int, int]]:
    """By reason, the receipts held because their money is unapplied: count of receipts and fen."""
    late = pinned.returned_after_close
    after_close = {AFTER_CLOSE: late_return_sums(late)} if late else {}
    return {**result.excess_by_reason, **after_close, PERIOD_UNKNOWN.id: pinned.without_period_sums}


def _hold_without_period(pinned: PinnedCollection, run_id: str) -> None:
    period_names, (count, _) = pinned.request.platform.calendar.period_names, pinned.without_period_sums
    receipts = pinned.receipts_without_period
    hold_receipts_of_no_period(pinned.lake, receipts, count, period_names, pinned.run.period, run_id)


def _check_open(pinned: PinnedCollection) -> None:
    if not pinned.is_closed:
        return
    posted = transfers_of(pinned.lake.small, list(pinned.collected.values()))
    received_fen = pinned.gate.money_fen
    booked_fen = sum(cash_received_fen(transfers) for transfers in posted.values())
    unbooked = f" ({received_fen - booked_fen:,} are in no books)" if received_fen > booked_fen else ""
    calendar = pinned.request.platform.calendar
    correct = correct_command(pinned.lake.small, calendar, pinned.run.period, pinned.plan_ids[0])
    raise Refused(
        f"Period {pinned.run.period}: closed for {', '.join(pinned.plan_ids)}, and changed since it was collected: "
        f"{'; '.join(changes_since_collected(pinned))}. {received_fen:,} fen came in until {pinned.days.as_of}, its "
        f"books hold {booked_fen:,}{unbooked}. "
        "Nothing was collected. Assign later money to an open period and collect that (`fentan status` shows which are "
        f"open), restore the receipts to what they were, or, for a member who paid in time, run {correct}."
    )


def _check_not_backwards(pinned: PinnedCollection) -> None:
    small = pinned.lake.small
    latest = max((settings_of(small, p.run_id)["as_of"] for p in pinned.collected.values()), default="")
    if str(pinned.days.as_of) < latest:
        raise Refused(
            f"Period {pinned.run.period}: collected up to {latest} already; collecting as of {pinned.days.as_of} would "
            f"take back later receipts and lapses. Nothing was collected. Run `fentan collect --period "
            f"{pinned.run.period} --as-of {latest}`, or as of a later day."
        )


def _messages(pinned: PinnedCollection) -> Iterable[str]:
    period, calendar = pinned.request.period, pinned.request.platform.calendar
    count = pinned.undecided_without_period_count
    if count:
        yield (
            f"source/receipts: {count:,} rows are of no period of the calendar. They are held in "
            f"control/quarantine_receipts as {PERIOD_UNKNOWN.id}, and their money is in no books. Give them the "
            "period they belong to, or `fentan quarantine waive` them."
        )
    withdrawn = withdrawn_in(pinned.lake.small, "settle", str(period))
    if withdrawn:
        yield (
            f"{', '.join(withdrawn)}: the settlement of {period} was withdrawn, so money for it meets no share. Run "
            f"`fentan settle --period {period}`, then collect again before the period is closed."
        )
    yield from pinned.late_claims.messages(pinned.plan_ids)
    yield from late_return_messages(undecided(pinned.lake.small, pinned.returned_after_close))
    if pinned.next_unsettled:
        plans, following = ", ".join(pinned.next_unsettled), calendar.next(period)
        text = (
            f"{plans}: {following} is public but not settled. A beneficiary of {following} who owes for {period} "
            f"lapses, because his arrears cannot be set off from that aid yet. Settle {following}, then collect "
            f"{period} again before it is closed."
        )
        yield UntilClosed(text, str(period), pinned.next_unsettled)
