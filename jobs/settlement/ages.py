"""Ages in whole years, durations in whole months."""

from calendar import monthrange
from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F


def age_years(birth_date: Column, day: Column) -> Column:
    """Completed years on the day. A birthday on 29 February counts on 1 March of a common year."""
    before_birthday = F.month(day) * 100 + F.dayofmonth(day) < F.month(birth_date) * 100 + F.dayofmonth(birth_date)
    return F.year(day) - F.year(birth_date) - before_birthday.cast("int")


def months_before(day: date, months: int) -> date:
    """The last date from which at least `months` whole months have passed on the day.

    It is the same day of the month, or the month's last day if that month is shorter. Who was born by
    `months_before(day, 12 * n)` has completed n years on the day, as `age_years` counts them.
    """
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
