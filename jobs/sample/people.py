"""Members: every attribute as an integer expression of the member's number, id and the seed."""

from datetime import date
from itertools import accumulate

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.rulebook.rules import JoiningRules
from jobs.sample import profiles
from jobs.sample.columns import big, bits, day_number, div, interpolate, pick, scaled, spread
from jobs.sample.population import BLOCK, STEADY, Population, is_for_the_old

# One 64-bit hash per member, cut into fields (from bit, width).
PROVINCE, CITY_TIER, SEX, BASIC, REASON = (0, 10), (10, 7), (17, 1), (18, 6), (24, 4)
BIRTH, EXIT = (28, 18), (46, 18)
BASIC_OF_64 = 6  # a tenth of those who join after the basic tier began

PROVINCES = spread(profiles.PROVINCE_WEIGHTS, 1024)
CITY_TIERS = spread(profiles.CITY_TIER_WEIGHTS, 128)
PLACES = len(profiles.PLACES_AFTER_PAYER)


def numbers(spark: SparkSession, population: Population, places: range, partitions: int) -> DataFrame:
    """One row per member whose number has one of these places in its block. Column: `number`."""
    blocks = -(-population.joined_count // BLOCK)
    if len(places) == BLOCK:
        return spark.range(0, population.joined_count, 1, partitions).withColumnRenamed("id", "number")
    number = div(F.col("id"), len(places)) * BLOCK + F.col("id") % big(len(places)) + big(places.start)
    ranged = spark.range(0, blocks * len(places), 1, partitions).select(number.alias("number"))
    return ranged.where(F.col("number") < big(population.joined_count))


def people(numbered: DataFrame, population: Population) -> DataFrame:
    """One row per number: the member's attributes. Days are day numbers; the callers convert them to dates.

    Key: member_id. `draw`: the member's hash; `end_day`: the day on which the membership ends by age, or null.
    """
    identified = numbered.select(
        "number",
        (F.col("number") + big(population.first_member_id)).alias("member_id"),
        interpolate(F.col("number"), population.joins).alias("joined_day"),
    )
    drawn = identified.withColumn("draw", F.xxhash64("member_id", big(population.seed)))
    born = drawn.withColumn("birth_day", _birth_day(population))
    return born.select(
        "number",
        "member_id",
        "joined_day",
        "draw",
        "birth_day",
        F.when(bits("draw", *SEX) == 0, "F").otherwise("M").alias("sex"),
        pick(bits("draw", *PROVINCE), PROVINCES, "string").alias("province_code"),
        pick(bits("draw", *CITY_TIER), CITY_TIERS, "tinyint").alias("city_tier"),
        _tier().alias("tier"),
        _payer_id(population).alias("payer_id"),
        _end_day(population).alias("end_day"),
    )


def oldest_joining_days(rules: JoiningRules) -> int:
    """The greatest age at joining, in days: before the next birthday for any number of leap years."""
    return (rules.joining_age_to_years + 1) * 1461 // 4 - 2


def _is_steady() -> Column:
    return F.col("number") % BLOCK == STEADY.start


def _birth_day(population: Population) -> Column:
    """By age bands of payers and dependants, within the joining ages of the plan."""
    rules = population.joining
    youngest_days = rules.joining_age_from_days + rules.joining_age_from_days // 1460 + 1
    oldest_days = oldest_joining_days(rules)
    draw = bits("draw", *BIRTH)
    if is_for_the_old(population):
        return F.col("joined_day") - big(youngest_days) - scaled(draw, BIRTH[1], oldest_days - youngest_days)
    drawn = (
        F.when(_is_steady(), big(day_number(date(1985, 1, 1))) + scaled(draw, BIRTH[1], 3000))
        .when(_place_after_payer() > 0, interpolate(draw, _births(profiles.DEPENDANTS_BIRTHS)))
        .otherwise(interpolate(draw, _births(profiles.PAYERS_BIRTHS)))
    )
    return F.least(F.greatest(drawn, F.col("joined_day") - big(oldest_days)), F.col("joined_day") - big(youngest_days))


def _births(bands: tuple[tuple[date, int], ...]) -> tuple[tuple[int, int], ...]:
    """Knots from a field's value to a day of birth; the width of each band is proportional to its part."""
    ends = accumulate((part for _, part in bands), initial=0)
    return tuple(((end << BIRTH[1]) // 1_000_000, day_number(day)) for end, (day, _) in zip(ends, bands, strict=False))


def _tier() -> Column:
    takes_basic = (F.col("joined_day") >= day_number(profiles.BASIC_TIER_FROM)) & (bits("draw", *BASIC) < BASIC_OF_64)
    return F.when(takes_basic & ~_is_steady(), "basic").otherwise("standard")


def _place_after_payer() -> Column:
    return pick(F.col("number") % PLACES, profiles.PLACES_AFTER_PAYER, "bigint")


def _payer_id(population: Population) -> Column:
    """The first of the household. Every second parent is paid for by a member of the plan for all ages."""
    if population.parents_payers is None:
        return F.col("member_id") - _place_after_payer()
    first_id, count = population.parents_payers
    step = max(1, count // population.joined_count)
    payer = F.col("number") * step % big(count)
    head_of_household = payer - payer % PLACES
    return F.when(F.col("number") % 2 == 0, head_of_household + big(first_id)).otherwise(F.col("member_id"))


def _end_day(population: Population) -> Column:
    years = population.joining.membership_ends_at_age_years
    if years is None:
        return F.lit(None).cast("bigint")
    # Computed only for members who reach the age in time: a date calculation for every member costs more than the rest.
    reaches_age = F.col("birth_day") <= big(population.last_day - years * 365)
    birthday = F.unix_date(F.add_months(F.date_from_unix_date(F.col("birth_day").cast("int")), years * 12))
    return F.when(reaches_age, birthday.cast("bigint"))
