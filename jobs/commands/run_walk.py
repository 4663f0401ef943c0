"""The walk of `fentan run`: the events of a range of periods in the order of their days, step by step."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from jobs.errors import GateStopped, Stop, unexpected
from jobs.lake.lake import Lake
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import PeriodRequest, Request, exists_in
from jobs.pipeline.work import Work, carry_out
from jobs.register.publications import published, published_in
from jobs.register.runs import SPARK_ERRORS, killed_runs, settings_of
from jobs.rulebook.calendar import Calendar, Period
from jobs.works.close import Close
from jobs.works.collect import Collect
from jobs.works.settle import Settle
from jobs.works.settle_gate import judge_sources, stop_if_critical
from jobs.works.settle_pinning import pin

# On one day what ends a period comes before what begins one.
ORDER = ("collect", "close", "settle")
DONE_BEFORE = ("already settled", "nothing to settle", "nothing new", "already closed")


@dataclass(frozen=True, order=True)
class Event:
    """One command on one day of a period's life."""

    day: date
    order: int
    period: Period

    @property
    def job(self) -> str:
        return ORDER[self.order]


def events(calendar: Calendar, first: Period, last: Period, on_collected_money: bool) -> list[Event]:
    """Every event of the periods, in order: periods overlap, the next is settled before the last is all collected."""
    found = []
    for period in calendar.between(first, last):
        ends_on = calendar.grace_ends_on(period)
        found += [
            Event(calendar.publicity_on(period), ORDER.index("settle"), period),
            Event(calendar.deduction_on(period), ORDER.index("collect"), period),
            Event(ends_on, ORDER.index("collect"), period),
            Event(ends_on, ORDER.index("close"), period),
        ]
        following = calendar.next(period)
        if on_collected_money and following is not None:
            eve = calendar.publicity_on(following) - timedelta(days=1)
            found.append(Event(eve, ORDER.index("collect"), period))
    return sorted(found)


class Walk:
    """The plans on their way through the events: a plan that stops in a period takes no step of it or of later ones.

    `stopped`: by plan, the earliest period it stopped in, the exit code, and why. Its earlier periods and the other
    plans go on. `accepted_lapses`: up to how many lapses of each collection the operator consents to; None: to none.
    """

    def __init__(
        self, request: Request, lake: Lake, after_settled: Callable[[str], None] | None, accepted_lapses: int | None
    ):
        self.request, self.lake = request, lake
        self.after_settled, self.accepted_lapses = after_settled, accepted_lapses
        self.stopped: dict[str, tuple[Period, int, str]] = {}
        self.steps: list[dict] = []
        self.messages: dict[str, str] = {}

    def take(self, event: Event) -> None:
        """Takes one step for every plan that has not stopped."""
        plan_ids = self._plans_left(event)
        if not plan_ids:
            return
        step = {"settle": self._settle, "collect": self._collect, "close": self._close}[event.job]
        try:
            step(event, plan_ids)
        except SPARK_ERRORS as error:
            self._stop(event, plan_ids, unexpected(error, f"{event.job} {event.period} "))

    def _plans_left(self, event: Event) -> tuple[str, ...]:
        """The plans that the event still concerns; nothing where all of it is done."""
        period = str(event.period)
        closed, settled = (published(self.lake.small, job) for job in ("close", "settle"))
        plans = [p for p in self.request.platform.plans if exists_in(self.request.platform, p, event.period)]
        left = [p for p in plans if self._goes_on(p, event) and (period, p) not in closed]
        killed = self._killed(event)
        if event.job == "settle":
            return tuple(p for p in left if (period, p) not in settled or p in killed)
        return tuple(p for p in left if (period, p) in settled) or tuple(killed)

    def _killed(self, event: Event) -> list[str]:
        """The plans whose run of the event was killed after its publication: it passes through its command again."""
        killed = {row["run_id"] for row in killed_runs(self.lake.small, event.job, str(event.period))}
        found = published_in(self.lake.small, event.job, str(event.period)) if killed else {}
        return [p for p, of in found.items() if of.run_id in killed and self._goes_on(p, event)]

    def _settle(self, event: Event, plan_ids: tuple[str, ...]) -> None:
        """Settles all plans together; where one of them is what stops that, each on its own: the others go on."""
        plan_count = sum(exists_in(self.request.platform, p, event.period) for p in self.request.platform.plans)
        if len(plan_ids) == plan_count:
            ended = self._try(event, None, Settle())
            if isinstance(ended, Outcome):
                self._note_refused(event, ended)
                self._after_settled(event)
                return
            if isinstance(ended, GateStopped) and all(self._passes_gate(event, p) for p in plan_ids):
                # It is rows of no plan, claims of no period, or all plans together: no plan gets round that alone.
                self._stop(event, plan_ids, ended)
                return
        for plan_id in plan_ids:
            self._step(event, (plan_id,), Settle(), (plan_id,))
        self._after_settled(event)

    def _collect(self, event: Event, plan_ids: tuple[str, ...]) -> None:
        """Collects up to the day. Where other plans are further already it waits for its last day, and then goes as
        far as they did: a collection never goes back. On its last day it takes in all that came until today: money
        after the grace limit is booked before the period is closed."""
        collected = published_in(self.lake.small, "collect", str(event.period))
        until = {p: date.fromisoformat(settings_of(self.lake.small, of.run_id)["as_of"]) for p, of in collected.items()}
        furthest = max([event.day, *until.values()])
        is_last = event.day == self.request.platform.calendar.grace_ends_on(event.period)
        is_left = any(until.get(p, date.min) < event.day for p in plan_ids) or self._killed(event)
        # On the last day receipts may have come since somebody collected on it.
        if is_last or (is_left and furthest == event.day):
            as_of = max(furthest, self.request.as_of) if is_last else furthest
            self._step(event, None, Collect(self.accepted_lapses), plan_ids, as_of)

    def _close(self, event: Event, plan_ids: tuple[str, ...]) -> None:
        """Closes all plans together; where one of them cannot be closed, each on its own."""
        if len(plan_ids) > 1 and isinstance(self._try(event, plan_ids, Close()), Outcome):
            return
        for plan_id in plan_ids:
            self._step(event, (plan_id,), Close(), (plan_id,))

    def _step(
        self,
        event: Event,
        plan_ids: tuple[str, ...] | None,
        work: Work,
        stops: tuple[str, ...],
        as_of: date | None = None,
    ) -> None:
        """Does one work as on the event's day, or `as_of`; on a stop the plans `stops` go no further."""
        ended = self._try(event, plan_ids, work, as_of)
        if isinstance(ended, Stop):
            self._stop(event, stops, ended)

    def _try(
        self,
        event: Event,
        plan_ids: tuple[str, ...] | None,
        work: Work,
        as_of: date | None = None,
    ) -> Outcome | Stop:
        """Does one work as on the event's day, or `as_of`; a stop is given back, not told."""
        request = self._asked(event, plan_ids, as_of)
        try:
            outcome = carry_out(work, request, self.lake)
        except Stop as stop:
            return stop
        except SPARK_ERRORS as error:
            return unexpected(error, f"{event.job} {event.period} ")
        for message in outcome.messages:  # what every period says again is told once
            self.messages.setdefault(message, f"{event.job} {event.period}: {message}")
        if outcome.document["state"] not in DONE_BEFORE:
            self._note(event, outcome.document["state"], "")
        return outcome

    def _asked(self, event: Event, plan_ids: tuple[str, ...] | None, as_of: date | None = None) -> PeriodRequest:
        asked = replace(self.request, as_of=as_of or event.day)
        return PeriodRequest(**vars(asked), period=event.period, plan_ids=plan_ids)

    def _passes_gate(self, event: Event, plan_id: str) -> bool:
        """Whether the plan alone would be settled; a plan without members and claims is in nobody's way."""
        try:
            pinned = pin(self.lake, self._asked(event, (plan_id,)))
            if pinned.plan_ids:
                stop_if_critical(judge_sources(pinned))
        except GateStopped:
            return False
        return True

    def _goes_on(self, plan_id: str, event: Event) -> bool:
        return plan_id not in self.stopped or event.period < self.stopped[plan_id][0]

    def _stop(self, event: Event, plan_ids: tuple[str, ...], stop: Stop) -> None:
        for plan_id in plan_ids:
            self.stopped[plan_id] = (event.period, stop.exit_code, f"{event.job} {event.period}: {stop}")
        self._note(event, "stopped", str(stop))

    def _note_refused(self, event: Event, outcome: Outcome) -> None:
        for plan_id, told in outcome.document.get("refused", {}).items():
            self.stopped[plan_id] = (event.period, outcome.exit_code, f"settle {event.period}: {told}")

    def _after_settled(self, event: Event) -> None:
        if self.after_settled is not None:
            self.after_settled(str(event.period))

    def _note(self, event: Event, state: str, told: str) -> None:
        self.steps.append(
            {"day": str(event.day), "job": event.job, "period": str(event.period), "state": state, "told": told}
        )
