"""The walk of `fentan run`: due events carried out in order, and a log of what each of them did."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from jobs.base.progress import announce
from jobs.commands.run_attempts import Attempt, EventRunner
from jobs.commands.run_schedule import Event
from jobs.pipeline.request import exists_in
from jobs.register.publications import published_in
from jobs.register.runs import killed_runs
from jobs.rulebook.calendar import Period

UNCHANGED_STATES = ("already settled", "nothing to settle", "nothing new", "already closed")


@dataclass(frozen=True)
class StoppedPlan:
    """Why a plan takes no further step in this period or a later one."""

    period: Period
    exit_code: int
    text: str


@dataclass(frozen=True)
class WalkLog:
    """What the events did so far.

    `steps`: every attempt that changed the lake or stopped, as the command's document lists them. `stopped`: by plan;
    its earlier periods and the other plans continue. `messages`: by text, each with the first event that reported it.
    """

    steps: list[dict] = field(default_factory=list)
    stopped: dict[str, StoppedPlan] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)

    def add(self, attempt: Attempt) -> None:
        """Adds one attempt to the log."""
        event = attempt.event
        for message in attempt.messages:
            self.messages.setdefault(message, f"{event.title}: {message}")
        for plan_id, reason in attempt.reasons.items():
            self.stopped[plan_id] = StoppedPlan(event.period, attempt.exit_code, f"{event.title}: {reason}")
        if attempt.state not in UNCHANGED_STATES:
            step = {"day": str(event.day), "job": event.job, "period": str(event.period)}
            self.steps.append({**step, "state": attempt.state, "message": attempt.stop})

    def continues(self, plan_id: str, period: Period) -> bool:
        """Whether the plan has not been stopped in the period or an earlier one."""
        return plan_id not in self.stopped or period < self.stopped[plan_id].period


def walk(runner: EventRunner, due: Sequence[Event]) -> WalkLog:
    """Carries out the events in order, each for the plans it still concerns."""
    log = WalkLog()
    for number, event in enumerate(due, start=1):
        announce(f"{number} of {len(due)}: {event.day} {event.job} {event.period}")
        killed = _plans_of_killed_run(runner, event, log)
        plan_ids = _remaining_plans(runner, event, log, killed)
        if plan_ids:
            for attempt in runner.attempts(event, plan_ids, bool(killed)):
                log.add(attempt)
    return log


def _remaining_plans(runner: EventRunner, event: Event, log: WalkLog, killed: Iterable[str]) -> tuple[str, ...]:
    """The plans that the event still concerns; empty if all of it is done. `killed`: from `_plans_of_killed_run`."""
    platform, period = runner.request.platform, event.period
    settled, closed = (published_in(runner.lake.small, job, str(period)) for job in ("settle", "close"))
    existing = [p for p in platform.plans if exists_in(platform, p, period)]
    still_open = [p for p in existing if log.continues(p, period) and p not in closed]
    if event.job == "settle":
        return tuple(p for p in still_open if p not in settled or p in killed)
    return tuple(p for p in still_open if p in settled) or tuple(killed)


def _plans_of_killed_run(runner: EventRunner, event: Event, log: WalkLog) -> list[str]:
    """Plans whose run for this event was killed after its publication: the command must run again to complete it."""
    small, period = runner.lake.small, str(event.period)
    killed_ids = {row["run_id"] for row in killed_runs(small, event.job, period)}
    publications = published_in(small, event.job, period) if killed_ids else {}
    return [
        p
        for p, publication in publications.items()
        if publication.run_id in killed_ids and log.continues(p, event.period)
    ]
