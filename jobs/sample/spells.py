"""Memberships: when and why each spell begins and ends. The rows of source/members without defects."""

from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.sample.claimants import claimants
from jobs.sample.columns import big, bits, day_number, scaled, to_date
from jobs.sample.exits import with_exit
from jobs.sample.people import numbers, oldest_joining_days, people
from jobs.sample.population import BLOCK, REJOINING, STEADY, SWITCHING, Population
from jobs.sample.profiles import BASIC_TIER_FROM
from schemas.sources import MEMBERS

ROWS_PER_FILE = 2_000_000
SMALL_WORLD_ROWS = 500_000


def members(spark: SparkSession, populations: tuple[Population, ...]) -> DataFrame:
    """One row per spell of one member in one plan and tier: source/members.

    Key: plan_id, member_id, joined_on. Spells of a member in a plan do not overlap. A switch of tier ends one spell and
    begins the next on the same day, with the same waiting period; after a break the waiting period begins again.
    """
    special = [_special(spark, each) for each in populations]
    ordinary = [_ordinary(spark, each) for each in populations]
    total = sum(each.joined_count for each in populations)
    if total <= SMALL_WORLD_ROWS:
        return _union(ordinary + special).coalesce(max(1, total * 4 // SMALL_WORLD_ROWS))
    return _union(ordinary).unionByName(_union(special).coalesce(max(1, total // (BLOCK // 10 * ROWS_PER_FILE))))


def _ordinary(spark: SparkSession, population: Population) -> DataFrame:
    """One row per member with one spell and no case."""
    partitions = max(1, population.joined_count // ROWS_PER_FILE)
    if population.joined_count > SMALL_WORLD_ROWS:
        partitions = max(partitions, spark.sparkContext.defaultParallelism)
    all_numbers = numbers(spark, population, range(BLOCK), partitions)
    ordinary = all_numbers.where(F.col("number") % BLOCK >= population.claim_places.stop)
    return _rows(with_exit(people(ordinary, population), population), population, F.col("joined_day"))


def _special(spark: SparkSession, population: Population) -> DataFrame:
    """One or two rows per member in the first places of a block: members who claim, stay, switch or return."""
    first = _with_second_day(claimants(spark, population, range(population.claim_places.stop)), population)
    is_second, switches = F.col("is_second"), _is_in(SWITCHING)
    other_tier = F.when(F.col("tier") == "basic", "standard").otherwise("basic")
    spells = _each_spell(first, population).withColumns(
        {
            "joined_day": F.when(is_second, F.col("second_day")).otherwise(F.col("joined_day")),
            "waiting_from_day": F.when(is_second & ~switches, F.col("second_day")).otherwise(F.col("joined_day")),
            "tier": F.when(is_second & switches, other_tier).otherwise(F.col("tier")),
            "exit_day": F.when(~is_second, _first_exit_day()),
            "left_for": F.when(F.col("claims"), F.col("case_left_for")).otherwise(F.col("left_for")),
        }
    )
    return _rows(spells, population, F.col("waiting_from_day"))


def _with_second_day(first: DataFrame, population: Population) -> DataFrame:
    """Adds the day of a second spell: a switch after the basic tier began, or a return 10 to 200 days after leaving."""
    drawn = first.withColumn("second_draw", F.xxhash64("member_id", big(population.seed), big(2)))
    place, break_days = bits("second_draw", 0, 20), big(10) + scaled(bits("second_draw", 20, 16), 16, 191)
    from_day = F.greatest(F.col("joined_day") + 1, big(day_number(BASIC_TIER_FROM)))
    switch_day = from_day + scaled(place, 20, F.greatest(big(population.last_day) - from_day, big(1)))
    days_in = F.greatest(big(population.last_day) - F.col("joined_day"), big(1))
    left = drawn.withColumn("left_day", F.col("joined_day") + 1 + scaled(place, 20, days_in))
    returns_on = F.col("left_day") + break_days
    return left.withColumn("second_day", F.when(_is_in(SWITCHING), switch_day).when(_is_in(REJOINING), returns_on))


def _each_spell(first: DataFrame, population: Population) -> DataFrame:
    """One row per spell: a second one if it begins in time and the member's age still permits it."""
    in_time = F.col("second_day") <= population.last_day
    before_the_end = F.col("end_day").isNull() | (F.col("second_day") < F.col("end_day"))
    may_join = F.col("second_day") - F.col("birth_day") <= oldest_joining_days(population.joining)
    marked = first.withColumn("has_second", in_time & before_the_end & (may_join | _is_in(SWITCHING)))
    # Exploded, not filtered: a filter would be pushed down with a copy of all expressions above.
    both, one = F.array(F.lit(False), F.lit(True)), F.array(F.lit(False))
    return marked.withColumn("is_second", F.explode(F.when(F.col("has_second"), both).otherwise(one)))


def _first_exit_day() -> Column:
    """The exit day of the first spell of a member in a special place; null if the spell does not end."""
    never = F.lit(None).cast("bigint")
    switched = F.when(F.col("has_second"), F.col("second_day"))
    return (
        F.when(F.col("claims"), F.col("case_exit_day"))
        .when(_is_in(STEADY), never)
        .when(_is_in(SWITCHING), switched)
        .when(_is_in(REJOINING), F.col("left_day"))
        .otherwise(F.col("exit_day"))
    )


def _is_in(places: range) -> Column:
    return (F.col("number") % BLOCK).between(places.start, places.stop - 1)


def _rows(spells: DataFrame, population: Population, waiting_from_day: Column) -> DataFrame:
    """The spells as rows of source/members; a spell that reaches the plan's end age ends there."""
    too_old = (F.col("end_day") <= population.last_day) & (
        F.col("end_day") < F.coalesce("exit_day", F.col("end_day") + 1)
    )
    waiting_days = population.joining.waiting_days
    ended = spells.withColumns(
        {
            "plan_id": F.lit(population.plan.plan_id),
            "joined_on": to_date(F.col("joined_day")),
            "birth_date": to_date(F.col("birth_day")),
            "waiting_ends_on": to_date(waiting_from_day + waiting_days),
            "exited_on": to_date(F.when(too_old, F.col("end_day")).otherwise(F.col("exit_day"))),
            "exit_reason": F.when(too_old, "age").when(F.col("exit_day").isNotNull(), F.col("left_for")),
        }
    )
    return ended.select(*MEMBERS.column_names)


def _union(frames: list[DataFrame]) -> DataFrame:
    return reduce(lambda one, other: one.unionByName(other), frames)
