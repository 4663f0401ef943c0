"""Schedule of `run`: periods overlap; on one day, events that end a period come before events that begin one."""

from datetime import date

from jobs.commands.run_schedule import events
from jobs.rulebook import load_platform


def days_of(platform_id, first, last, on_collected_money=False):
    calendar = load_platform(platform_id).calendar
    scheduled = events(calendar, calendar.period(first), calendar.period(last), on_collected_money)
    return [(event.day, event.job, str(event.period)) for event in scheduled]


def test_the_second_period_is_settled_before_the_final_collection_of_the_first():
    assert days_of("xianghubao", "2020-12-P1", "2020-12-P2") == [
        (date(2020, 12, 7), "settle", "2020-12-P1"),
        (date(2020, 12, 14), "collect", "2020-12-P1"),
        (date(2020, 12, 21), "settle", "2020-12-P2"),
        (date(2020, 12, 26), "collect", "2020-12-P1"),  # two natural days before the 28th
        (date(2020, 12, 26), "close", "2020-12-P1"),
        (date(2020, 12, 28), "collect", "2020-12-P2"),
        (date(2021, 1, 12), "collect", "2020-12-P2"),
        (date(2021, 1, 12), "close", "2020-12-P2"),
    ]


def test_a_residual_based_on_collected_money_needs_a_collection_before_the_next_publicity():
    jobs = days_of("xianghubao", "2020-12-P1", "2020-12-P1", on_collected_money=True)
    assert (date(2020, 12, 20), "collect", "2020-12-P1") in jobs


def test_three_periods_a_month_follow_their_own_calendar():
    jobs = days_of("meituan_huzhu", "2020-03-P1", "2020-03-P2")
    assert jobs[:3] == [
        (date(2020, 3, 6), "settle", "2020-03-P1"),
        (date(2020, 3, 9), "collect", "2020-03-P1"),
        (date(2020, 3, 15), "settle", "2020-03-P2"),
    ]
    assert (date(2020, 3, 16), "close", "2020-03-P1") in jobs
