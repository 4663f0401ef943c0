"""The schedule of `fentan run`: which job is due on which day, for a range of periods."""

from dataclasses import dataclass
from datetime import date, timedelta

from jobs.rulebook.calendar import Calendar, Period

# Same-day order: collect and close a period before the next one is settled.
JOBS_IN_ORDER = ("collect", "close", "settle")


@dataclass(frozen=True, order=True)
class Event:
    """One job of one period, due on one day. Events sort by day, then by the position of their job, then by period."""

    day: date
    job_position: int
    period: Period

    @property
    def job(self) -> str:
        return JOBS_IN_ORDER[self.job_position]

    @property
    def title(self) -> str:
        """The job and the period, as messages name the event."""
        return f"{self.job} {self.period}"


def events(calendar: Calendar, first: Period, last: Period, on_collected_money: bool) -> list[Event]:
    """Every event of the periods, in order. Periods overlap: the next is settled before the grace limit of the last.

    `on_collected_money`: the residual is carried on collected money, so a period is also collected on the eve of the
    next publicity day.
    """
    return sorted(
        Event(day, JOBS_IN_ORDER.index(job), period)
        for period in calendar.between(first, last)
        for job, day in _days_of(calendar, period, on_collected_money)
    )


def _days_of(calendar: Calendar, period: Period, on_collected_money: bool) -> list[tuple[str, date]]:
    grace_ends_on = calendar.grace_ends_on(period)
    days = [
        ("settle", calendar.publicity_on(period)),
        ("collect", calendar.deduction_on(period)),
        ("collect", grace_ends_on),
        ("close", grace_ends_on),
    ]
    following = calendar.next(period)
    if on_collected_money and following is not None:
        days.append(("collect", calendar.publicity_on(following) - timedelta(days=1)))
    return days
