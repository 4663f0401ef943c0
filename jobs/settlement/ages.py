"""Ages in whole years."""

from pyspark.sql import Column
from pyspark.sql import functions as F


def age_years(birth_date: Column, day: Column) -> Column:
    """Whole years completed on the day; somebody born on 29 February completes one on 1 March of a common year."""
    birthday_to_come = F.month(day) * 100 + F.dayofmonth(day) < F.month(birth_date) * 100 + F.dayofmonth(birth_date)
    return F.year(day) - F.year(birth_date) - birthday_to_come.cast("int")
