"""Settlement periods of a platform: names, order, publicity days and deduction days."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

PERIOD_NAME = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])-P([1-9])")


@dataclass(frozen=True, order=True)
class Period:
    """One settlement period, e.g. 2020-12-P1; ordered in time."""

    year: int
    month: int
    number: int

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}-P{self.number}"


@dataclass(frozen=True)
class MonthlyPeriod:
    """The days of the n-th period of every month."""

    publicity_day: int
    deduction_day: int


@dataclass(frozen=True)
class Calendar:
    """The periods of one platform.

    `monthly[n - 1]`: the days of period Pn. `grace_days_before_next_deduction`: the natural days between the last retry
    of a deduction and the next deduction day.
    """

    monthly: tuple[MonthlyPeriod, ...]
    first_period: Period
    last_period: Period
    publicity_days: int
    grace_days_before_next_deduction: int

    def period(self, name: str) -> Period:
        """The period of that name; raises ValueError with the reason."""
        match = PERIOD_NAME.fullmatch(name)
        if match is None:
            raise ValueError(f"{name!r} is not a period; a period is written like {self.first_period}")
        period = Period(*(int(part) for part in match.groups()))
        if period.number > len(self.monthly):
            raise ValueError(f"{name} does not exist: this calendar has {len(self.monthly)} periods a month")
        if not self.first_period <= period <= self.last_period:
            raise ValueError(
                f"{name} is outside the calendar, which runs from {self.first_period} to {self.last_period}"
            )
        return period

    @property
    def period_names(self) -> tuple[str, ...]:
        """The name of every period, in order."""
        return tuple(str(period) for period in self.between(self.first_period, self.last_period))

    @property
    def days(self) -> tuple[date, date]:
        """The publicity day of the first period, and the grace limit of the last: the first day after it."""
        return self.publicity_on(self.first_period), self.grace_ends_on(self.last_period)

    def publicity_on(self, period: Period) -> date:
        """The day on which the period's cases are published; cover is counted at its 00:00."""
        return date(period.year, period.month, self.monthly[period.number - 1].publicity_day)

    def deduction_on(self, period: Period) -> date:
        """The day on which payers are first charged for the period."""
        return date(period.year, period.month, self.monthly[period.number - 1].deduction_day)

    def grace_ends_on(self, period: Period) -> date:
        """The day at whose 00:00 the retries for the period end."""
        return self.deduction_on(self._step(period, 1)) - timedelta(days=self.grace_days_before_next_deduction)

    def previous(self, period: Period) -> Period | None:
        """The period before, or None for the calendar's first."""
        return None if period == self.first_period else self._step(period, -1)

    def next(self, period: Period) -> Period | None:
        """The period after, or None for the calendar's last."""
        return None if period == self.last_period else self._step(period, 1)

    def following(self, period: Period) -> Period:
        """The period after, also beyond the end of the calendar."""
        return self._step(period, 1)

    def next_within_grace(self, period: Period) -> Period | None:
        """The period after, where it is public before this one's grace limit."""
        following = self.next(period)
        return None if following is None or self.publicity_on(following) >= self.grace_ends_on(period) else following

    def between(self, first: Period, last: Period) -> tuple[Period, ...]:
        """All periods from first to last, both included."""
        return tuple(self._at(index) for index in range(self._index(first), self._index(last) + 1))

    def of_month(self, year: int, month: int) -> tuple[Period, ...]:
        """The periods of a calendar month, in order."""
        every = (Period(year, month, number) for number in range(1, len(self.monthly) + 1))
        return tuple(period for period in every if self.first_period <= period <= self.last_period)

    def earlier_in_year(self, period: Period) -> tuple[Period, ...]:
        """The periods of the same calendar year (by publicity day) before this one."""
        start = max(Period(period.year, 1, 1), self.first_period)
        return tuple(earlier for earlier in self.between(start, period) if earlier < period)

    def _index(self, period: Period) -> int:
        return (period.year * 12 + period.month - 1) * len(self.monthly) + period.number - 1

    def _at(self, index: int) -> Period:
        months, number = divmod(index, len(self.monthly))
        return Period(months // 12, months % 12 + 1, number + 1)

    def _step(self, period: Period, steps: int) -> Period:
        return self._at(self._index(period) + steps)
