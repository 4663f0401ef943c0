"""What can be done next with each plan's period, from which day on, and by which command."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from jobs.pipeline.request import Request, exists_in
from jobs.rulebook.calendar import Period


@dataclass(frozen=True, order=True)
class Step:
    """One command for a period, possible from `from_on` on."""

    from_on: date
    period: Period
    job: str

    def command(self, lake: str) -> str:
        return f"fentan {self.job} --lake {shlex.quote(lake)} --period {self.period}"


def next_step(request: Request, name: str, stage: str, is_final: bool) -> Step | None:
    """The next step of a plan's period; None if it is closed, or the calendar no longer has it.

    `is_final`: whether the period is collected up to its grace limit.
    """
    period = period_of(request, name)
    if period is None or stage == "closed":
        return None
    calendar = request.platform.calendar
    if stage == "settled":
        return Step(calendar.deduction_on(period), period, "collect")
    return Step(calendar.grace_ends_on(period), period, "close" if is_final else "collect")


def next_settlements(
    request: Request, settled: Iterable[tuple[str, str]], withdrawn: Iterable[tuple[str, str]] = ()
) -> dict[Step, list[str]]:
    """By step, the plans whose following period is to be settled, or whose withdrawn one is to be settled again.

    `settled`, `withdrawn`: every period and plan.
    """
    last: dict[str, Period] = {}
    for name, plan_id in settled:
        period = period_of(request, name)
        if period is not None and plan_id in request.platform.plans:
            last[plan_id] = max(period, last.get(plan_id, period))
    calendar = request.platform.calendar
    following = {(plan_id, calendar.next(period)) for plan_id, period in last.items()}
    again = {(plan_id, period_of(request, name)) for name, plan_id in withdrawn if plan_id in request.platform.plans}
    steps: dict[Step, list[str]] = {}
    for plan_id, period in sorted(following | again, key=str):
        if period is not None and exists_in(request.platform, plan_id, period):
            steps.setdefault(Step(calendar.publicity_on(period), period, "settle"), []).append(plan_id)
    return steps


def steps_document(request: Request, steps: Mapping[Step, list[str]]) -> list[dict]:
    """The steps in the order of their days, as the document lists them."""
    return [
        {
            "command": step.command(request.lake_root),
            "from": step.from_on,
            "is_due": step.from_on <= request.as_of,
            "plans": sorted(plan_ids),
        }
        for step, plan_ids in sorted(steps.items())
    ]


def period_of(request: Request, name: str) -> Period | None:
    """The period of that name; None if the calendar does not have it."""
    try:
        return request.platform.calendar.period(name)
    except ValueError:
        return None
