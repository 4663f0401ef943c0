"""Age bands and bands of months of reports, on every date of birth and of joining, beside plain Python."""

from datetime import date, timedelta

import pytest
from pyspark.sql import functions as F

from jobs.reporting.people import MONTHS, age_band, band_name, months_band, traits_on
from jobs.settlement.ages import months_before
from tests.plain_head_counts import age_band_of, months_band_of

FIRST = date(1880, 1, 1)  # more than 130 years before the days below: a row released by mistake may be that old
DAYS = [date(2020, 2, 28), date(2020, 2, 29), date(2020, 3, 1), date(2021, 2, 28), date(2021, 3, 1), date(2021, 5, 31)]


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_bands_counted_by_limits_are_the_bands_of_whole_years_and_months(spark, day):
    dates = [FIRST + timedelta(days=n) for n in range((day - FIRST).days)]
    number = F.col("id").cast("int")
    rows = spark.range(len(dates)).select(F.date_add(F.lit(FIRST), number).alias("birth_date"))
    rows = rows.select("birth_date", F.col("birth_date").alias("joined_on"), F.lit("f").alias("sex"))
    rows = rows.withColumn("province_code", F.lit("330000"))
    traits = traits_on(day)
    by_spark = {
        row.birth_date: (age_band(row.decade), band_name(*MONTHS[row.band]))
        for row in rows.select("birth_date", traits["decade"].alias("decade"), traits["band"].alias("band")).collect()
    }
    assert by_spark == {born: (age_band_of(born, day), months_band_of(born, day)) for born in dates}
    assert all(months_band(joined, day) == months_band_of(joined, day) for joined in dates)


def test_a_limit_is_the_same_day_of_its_month_or_the_last_day_of_a_shorter_month():
    assert months_before(date(2021, 5, 31), 3) == date(2021, 2, 28)
    assert months_before(date(2020, 5, 31), 3) == date(2020, 2, 29)
    assert months_before(date(2020, 2, 29), 12) == date(2019, 2, 28)
    assert months_before(date(2021, 1, 15), 1) == date(2020, 12, 15)
    assert months_before(date(2021, 1, 15), 0) == date(2021, 1, 15)
