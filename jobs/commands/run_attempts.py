"""One event of `fentan run` carried out: the attempts it takes, and how each of them ended."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from jobs.base.errors import GateStopped, Stop, unexpected
from jobs.commands.run_schedule import Event
from jobs.lake.lake import Lake
from jobs.lake.small import matching
from jobs.pipeline.request import PeriodRequest, Request, exists_in
from jobs.pipeline.work import Work, carry_out
from jobs.register.publications import published_in
from jobs.register.runs import SPARK_ERRORS, settings_of
from jobs.works.close import Close
from jobs.works.collect import Collect
from jobs.works.settle import Settle
from jobs.works.settle_gate import judge_sources, stop_if_critical
from jobs.works.settle_pinning import pin

STOPPED = "stopped"


@dataclass(frozen=True)
class Attempt:
    """The end of one command that was run for an event.

    `state`: that of its document, or `stopped`. `reasons`: by plan, why the plan was stopped. `messages`: what the
    command reports to the operator. `stop`: why nothing was published, if so.
    """

    event: Event
    state: str
    exit_code: int
    reasons: Mapping[str, str] = field(default_factory=dict)
    messages: tuple[str, ...] = ()
    stop: str = ""

    @property
    def is_stopped(self) -> bool:
        return self.state == STOPPED


@dataclass(frozen=True)
class EventRunner:
    """Carries out events on one lake.

    `accepted_lapses`: how many lapses of each collection the operator consents to; None: none. `make_receipts`: of
    sample worlds: called with the period's name once it is settled, and before it is collected while it has none.
    """

    request: Request
    lake: Lake
    accepted_lapses: int | None
    make_receipts: Callable[[str], object] | None

    def attempts(self, event: Event, plan_ids: tuple[str, ...], has_killed_run: bool) -> Iterator[Attempt]:
        """Carries out the event for its remaining plans; yields each attempt that counts, as soon as it has ended.

        `has_killed_run`: a run of this event was killed after its publication, and its command must run once more.
        """
        try:
            if event.job == "settle":
                yield from self._settle(event, plan_ids)
            elif event.job == "collect":
                yield from self._collect(event, plan_ids, has_killed_run)
            else:
                yield from self._close(event, plan_ids)
        except SPARK_ERRORS as error:
            yield _stopped(event, plan_ids, unexpected(error, f"{event.title} "))

    def _settle(self, event: Event, plan_ids: tuple[str, ...]) -> Iterator[Attempt]:
        """Settles all plans together; where single plans stop that, each on its own, so that the others continue."""
        platform = self.request.platform
        if len(plan_ids) == sum(exists_in(platform, p, event.period) for p in platform.plans):
            together = self._attempt(Settle(), event, None, plan_ids)
            if not together.is_stopped:
                yield together
                self._make_receipts(event)
                return
            if together.exit_code == GateStopped.exit_code and all(self._passes_gate(event, p) for p in plan_ids):
                # The fault concerns all plans (rows of no plan, claims of no period), so settling them one by one would
                # not help.
                yield together
                return
        for plan_id in plan_ids:
            yield self._attempt(Settle(), event, (plan_id,), (plan_id,))
        self._make_receipts(event)

    def _collect(self, event: Event, plan_ids: tuple[str, ...], has_killed_run: bool) -> Iterator[Attempt]:
        """Collects up to the event's day, or up to a later day that other plans have already reached.

        A collection never goes back in time. If other plans have reached a later day, only the last event of the period
        collects again. That one takes in all receipts until today: money after the grace limit is booked before the
        period is closed.
        """
        self._make_receipts(event, is_settled_now=False)
        collected = published_in(self.lake.small, "collect", str(event.period))
        reached = {p: _collected_until(self.lake, publication.run_id) for p, publication in collected.items()}
        latest = max([event.day, *reached.values()])
        if event.day == self.request.platform.calendar.grace_ends_on(event.period):
            # Always: receipts may have arrived since an earlier collection on this day.
            yield self._attempt(Collect(self.accepted_lapses), event, None, plan_ids, max(latest, self.request.as_of))
        elif latest == event.day:
            is_behind = any(reached.get(p, date.min) < event.day for p in plan_ids)
            if is_behind or has_killed_run:
                yield self._attempt(Collect(self.accepted_lapses), event, None, plan_ids)

    def _close(self, event: Event, plan_ids: tuple[str, ...]) -> Iterator[Attempt]:
        """Closes all plans together; where one of them cannot be closed, each on its own."""
        if len(plan_ids) > 1:
            together = self._attempt(Close(), event, plan_ids, plan_ids)
            if not together.is_stopped:
                yield together
                return
        for plan_id in plan_ids:
            yield self._attempt(Close(), event, (plan_id,), (plan_id,))

    def _attempt(
        self,
        work: Work,
        event: Event,
        requested: tuple[str, ...] | None,
        concerned: tuple[str, ...],
        as_of: date | None = None,
    ) -> Attempt:
        """Does the work as of the event's day, or `as_of`. `requested`: --plan; `concerned`: the plans a stop stops."""
        try:
            outcome = carry_out(work, self._period_request(event, requested, as_of), self.lake)
        except Stop as stop:
            return _stopped(event, concerned, stop)
        except SPARK_ERRORS as error:
            return _stopped(event, concerned, unexpected(error, f"{event.title} "))
        refused = outcome.document.get("refused", {})
        return Attempt(event, outcome.document["state"], outcome.exit_code, refused, outcome.messages)

    def _make_receipts(self, event: Event, is_settled_now: bool = True) -> None:
        if self.make_receipts is None:
            return
        period = str(event.period)
        if is_settled_now or not self.lake.small.holds_any("source/receipts", matching(period=period)):
            self.make_receipts(period)

    def _period_request(
        self, event: Event, plan_ids: tuple[str, ...] | None, as_of: date | None = None
    ) -> PeriodRequest:
        request = replace(self.request, as_of=as_of or event.day)
        return PeriodRequest(**vars(request), period=event.period, plan_ids=plan_ids)

    def _passes_gate(self, event: Event, plan_id: str) -> bool:
        """Whether the gate lets the plan pass alone; a plan without members and claims counts as passed."""
        try:
            pinned = pin(self.lake, self._period_request(event, (plan_id,)))
            if pinned.plan_ids:
                stop_if_critical(judge_sources(pinned))
        except GateStopped:
            return False
        return True


def _collected_until(lake: Lake, run_id: str) -> date:
    return date.fromisoformat(settings_of(lake.small, run_id)["as_of"])


def _stopped(event: Event, plan_ids: tuple[str, ...], stop: Stop) -> Attempt:
    return Attempt(event, STOPPED, stop.exit_code, dict.fromkeys(plan_ids, str(stop)), (), str(stop))
