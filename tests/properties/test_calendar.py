"""Periods follow each other without a gap, for one, two or three periods a month."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.rulebook.calendar import Calendar, MonthlyPeriod, Period

DAYS = {
    1: (MonthlyPeriod(10, 15),),
    2: (MonthlyPeriod(7, 14), MonthlyPeriod(21, 28)),
    3: (MonthlyPeriod(6, 9), MonthlyPeriod(15, 18), MonthlyPeriod(24, 27)),
}


@st.composite
def calendars(draw):
    """A calendar with one, two or three periods a month, from somewhere in 2019 to somewhere in 2021."""
    count = draw(st.sampled_from(sorted(DAYS)))
    edge = lambda year: Period(year, draw(st.integers(1, 12)), draw(st.integers(1, count)))  # noqa: E731
    return Calendar(DAYS[count], edge(2019), edge(2021), publicity_days=3, grace_days_before_next_deduction=2)


@given(calendar=calendars())
def test_next_and_previous_give_the_same_periods(calendar):
    every = calendar.between(calendar.first_period, calendar.last_period)
    forwards = [calendar.first_period]
    while (following := calendar.next(forwards[-1])) is not None:
        forwards.append(following)
    backwards = [calendar.last_period]
    while (before := calendar.previous(backwards[-1])) is not None:
        backwards.append(before)
    assert tuple(forwards) == every == tuple(reversed(backwards))
    months = (2021 - 2019) * 12 + calendar.last_period.month - calendar.first_period.month
    between_numbers = calendar.last_period.number - calendar.first_period.number
    assert len(every) == months * len(calendar.monthly) + between_numbers + 1


@given(calendar=calendars(), data=st.data())
def test_the_earlier_periods_of_a_year_are_those_of_its_publicity_days(calendar, data):
    every = calendar.between(calendar.first_period, calendar.last_period)
    period = data.draw(st.sampled_from(every))
    public_on = calendar.publicity_on(period)
    expected = [
        p for p in every if calendar.publicity_on(p).year == public_on.year and calendar.publicity_on(p) < public_on
    ]
    assert list(calendar.earlier_in_year(period)) == expected


@given(calendar=calendars())
def test_days_are_in_order_and_the_last_retry_is_after_the_deduction(calendar):
    every = calendar.between(calendar.first_period, calendar.last_period)
    for period, following in zip(every, every[1:], strict=False):
        public_on, deducted_on = calendar.publicity_on(period), calendar.deduction_on(period)
        assert public_on < deducted_on < calendar.grace_ends_on(period)
        assert public_on < calendar.publicity_on(following)
        assert calendar.grace_ends_on(period) == calendar.deduction_on(following) - timedelta(days=2)


@given(calendar=calendars())
def test_names_are_parsed_back_and_sort_in_time_order(calendar):
    every = calendar.between(calendar.first_period, calendar.last_period)
    assert [calendar.period(str(period)) for period in every] == list(every)
    assert sorted(map(str, every)) == [str(period) for period in every]


@given(calendar=calendars())
def test_periods_outside_the_calendar_are_refused(calendar):
    last, count = calendar.last_period, len(calendar.monthly)
    for name in ("2018-12-P1", "2022-01-P1", f"{last.year}-{last.month:02d}-P{count + 1}", "2020-13-P1", "2020-1-P1"):
        with pytest.raises(ValueError, match=name):
            calendar.period(name)
