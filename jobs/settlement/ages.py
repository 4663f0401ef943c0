"""Ages in whole years."""

from pyspark.sql import Column
from pyspark.sql import functions as F


def age_years(birth_date: Column, day: Column) -> Column:
    """Completed years on the day. A birthday on 29 February counts on 1 March of a common year."""
    before_birthday = F.month(day) * 100 + F.dayofmonth(day) < F.month(birth_date) * 100 + F.dayofmonth(birth_date)
    return F.year(day) - F.year(birth_date) - before_birthday.cast("int")
