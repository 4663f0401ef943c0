"""Whether the books that a held row would go into are closed, or its plan is over."""

import re
from collections.abc import Mapping
from typing import Any

from jobs.lake.small import SmallTables
from jobs.pipeline.request import exists_in
from jobs.register.publications import published
from jobs.register.stages import is_closed
from jobs.rulebook.calendar import Calendar, Period
from jobs.rulebook.rules import Platform

MONTH = re.compile("[0-9]{4}-[0-9]{2}")
RECEIPTS, COSTS, VISITS = "source/receipts", "source/operating_costs", "source/field_visits"


def last_period_that_takes(calendar: Calendar, small: SmallTables, source: str, row: Mapping[str, Any]) -> str | None:
    """The closed period that a row of the source belongs to; None if an open one can still take it.

    A receipt belongs to its period. Costs and visits of a month go into any period of the month that is still open.
    Members and claims go into the next settlement, which is always open.
    """
    period = last_period(calendar, source, row)
    return str(period) if period is not None and is_closed(small, str(period)) else None


def is_over(platform: Platform, small: SmallTables, plan_id: str) -> bool:
    """Whether the plan has no further settlement that could take a row in: its last period is settled."""
    periods = [period for period, settled in published(small, "settle") if settled == plan_id]
    last = _period(platform.calendar, max(periods, default=None))
    following = None if last is None else platform.calendar.next(last)
    return last is not None and (following is None or not exists_in(platform, plan_id, following))


def last_period(calendar: Calendar, source: str, row: Mapping[str, Any]) -> Period | None:
    """The last period whose books can take the row; None if there is no such limit, or its period is not known."""
    if source == RECEIPTS:
        return _period(calendar, row["period"])
    if source == COSTS:
        return _last_of_month(calendar, row["month"])
    if source == VISITS and row["visited_on"] is not None:
        every = map(calendar.period, calendar.period_names)
        started = [period for period in every if calendar.publicity_on(period) <= row["visited_on"]]
        return max(calendar.of_month(started[-1].year, started[-1].month)) if started else None
    return None


def _last_of_month(calendar: Calendar, month: str | None) -> Period | None:
    if MONTH.fullmatch(month or "") is None:
        return None
    year, number = str(month).split("-")
    return max(calendar.of_month(int(year), int(number)), default=None)


def _period(calendar: Calendar, name: str | None) -> Period | None:
    try:
        return calendar.period(name or "")
    except ValueError:
        return None
