"""The published period 2020-12-P1 of critical illness, full size or divided by a scale: 98,244,000 members, 4.83 yuan.

    benefits  898 cases x 300,000 yuan + 1,699 cases x 100,000 yuan = 439,300,000 yuan   43,930,000,000 fen
    fee       8% of it                                              =  35,144,000 yuan    3,514,400,000 fen
    pool      first period in the lake, nothing brought forward                          47,444,400,000 fen
    share     47,444,400,000 / 98,244,000 = 482.92..., rounded up to the fen                        483 fen
    billed    98,244,000 x 483                                                           47,451,852,000 fen
    carried   billed - pool                                                                   7,452,000 fen

Members and share are published; the cases are chosen to give that share (mean aid 169,000 yuan, in the proportions of
the plan's ages). With a scale that divides 4,000, members, aid and fee stay whole numbers and the share stays 483. The
per-case cap of 10 fen per member does not bind: 300,000 yuan and its fee are 32,400,000 fen, the cap is 982,440,000
fen, and the scale divides both.
"""

from dataclasses import replace
from datetime import timedelta

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.base.errors import WrongUsage
from jobs.rulebook.rules import Platform
from jobs.sample.columns import big, day_number, div, to_date
from jobs.sample.people import numbers, people
from jobs.sample.population import BLOCK, Population, World, populations
from jobs.sample.spells import ROWS_PER_FILE
from schemas.sources import MEMBERS

PERIOD, PLAN_ID = "2020-12-P1", "critical_illness"
MEMBERS_COUNT = 98_244_000
CASES = ((898, 30_000_000, 25), (1_699, 10_000_000, 45))  # count, aid in fen, age from
CASE_COUNT = sum(count for count, _, _ in CASES)
LARGEST_SCALE = 4_000
EXITS_AFTER_DAYS, DIAGNOSED_BEFORE_DAYS, APPROVED_BEFORE_DAYS = 4, 60, 5
AGE_SPAN_DAYS = 4_000
ILLNESSES = {"F": "breast_cancer", "M": "lung_cancer"}


def published_world(platform: Platform, seed: int, scale: int) -> World:
    """The world of the published period; raises WrongUsage if the scale splits a fen or the platform lacks the plan."""
    if scale < 1 or LARGEST_SCALE % scale:
        raise WrongUsage(
            f"--scale {scale}: members and amounts would not be whole. Nothing was generated. "
            f"Choose a divisor of {LARGEST_SCALE}, such as 1, 10, 100 or 1000."
        )
    if PLAN_ID not in platform.plans:
        raise WrongUsage(
            f"--published {PERIOD}: {platform.platform_id} has no plan {PLAN_ID}. Nothing was generated. "
            "Choose --platform xianghubao."
        )
    period = platform.calendar.period(PERIOD)
    return World(MEMBERS_COUNT // scale, period, period, seed, plans=(PLAN_ID,))


def published_populations(world: World, platform: Platform) -> tuple[Population, ...]:
    """The plan's population with exactly the published members, who all joined by the day before publicity."""
    (population,) = populations(world, platform)
    before_on = day_number(platform.calendar.publicity_on(world.last)) - 1
    early = [
        (count * world.members // population.joined_count, day) for count, day in population.joins if day < before_on
    ]
    joins = tuple({count: (count, day) for count, day in [*early, (world.members, before_on)]}.values())
    return (replace(population, joined_count=world.members, joins=joins),)


def published_members(spark: SparkSession, population: Population) -> DataFrame:
    """One row per member: source/members. All are covered on the publicity day; the helped members leave after it."""
    partitions = max(1, population.joined_count // ROWS_PER_FILE)
    members = _with_case(people(numbers(spark, population, range(BLOCK), partitions), population), population)
    public_on = population.claim_periods[0][1]
    exit_on = F.lit(public_on + timedelta(days=EXITS_AFTER_DAYS))
    return members.withColumns(
        {
            "plan_id": F.lit(PLAN_ID),
            "tier": F.lit("standard"),
            "joined_on": to_date(F.col("joined_day")),
            "birth_date": to_date(F.col("birth_day")),
            "waiting_ends_on": to_date(F.col("joined_day") + population.joining.waiting_days),
            "exited_on": F.when(F.col("is_helped"), exit_on),
            "exit_reason": F.when(F.col("is_helped"), "aided"),
        }
    ).select(*MEMBERS.column_names)


def published_cases(spark: SparkSession, population: Population, scale: int) -> DataFrame:
    """One row per claim of the period: the columns of source/approved_claims, and `is_again` (never)."""
    stride = _stride(population)
    numbered = spark.range(0, CASE_COUNT, 1, 1).select((F.col("id") * stride).alias("number"))
    public_on = population.claim_periods[0][1]
    aid_fen = F.when(_is_young(population), big(CASES[0][1] // scale)).otherwise(big(CASES[1][1] // scale))
    illness = F.when(F.col("sex") == "F", ILLNESSES["F"]).otherwise(ILLNESSES["M"])
    return _with_case(people(numbered, population), population).select(
        (big(population.first_member_id // 10 + 1) + _case(population)).alias("claim_id"),
        F.lit(PLAN_ID).alias("plan_id"),
        "member_id",
        F.lit("standard").alias("tier"),
        F.lit(PERIOD).alias("publicity_period"),
        illness.alias("illness_code"),
        F.lit("severe").alias("severity"),
        F.lit(False).alias("accident"),
        F.lit(public_on - timedelta(days=DIAGNOSED_BEFORE_DAYS)).alias("diagnosed_on"),
        to_date(F.col("birth_day")).alias("birth_date"),
        "sex",
        "province_code",
        F.lit(public_on - timedelta(days=APPROVED_BEFORE_DAYS)).alias("approved_on"),
        aid_fen.alias("approved_aid_fen"),
        F.lit("none").alias("objection"),
        F.lit(False).alias("is_again"),
    )


def _stride(population: Population) -> int:
    """The distance between helped members, who are all in the first half: their waiting period ended long ago."""
    return population.joined_count // (2 * CASE_COUNT)


def _case(population: Population) -> Column:
    """The number of the member's case, in an order that mixes the two kinds (898 and 2,597 are coprime)."""
    return div(F.col("number"), _stride(population)) * CASES[0][0] % big(CASE_COUNT)


def _is_young(population: Population) -> Column:
    return _case(population) < CASES[0][0]


def _with_case(members: DataFrame, population: Population) -> DataFrame:
    """Adds `is_helped`, and changes the age of helped members to the age of their aid."""
    stride = _stride(population)
    is_helped = (F.col("number") % stride == 0) & (F.col("number") < CASE_COUNT * stride)
    diagnosed_day = day_number(population.claim_periods[0][1]) - DIAGNOSED_BEFORE_DAYS
    age_from_years = F.when(_is_young(population), big(CASES[0][2])).otherwise(big(CASES[1][2]))
    born_day = big(diagnosed_day) - age_from_years * 366 - F.col("number") % AGE_SPAN_DAYS
    marked = members.withColumn("is_helped", is_helped)
    # Every member is below sixty on the publicity day, so that all of the published members are covered.
    others_birth_day = F.greatest(F.col("birth_day"), big(diagnosed_day + DIAGNOSED_BEFORE_DAYS - 21_914))
    return marked.withColumn("birth_day", F.when(F.col("is_helped"), born_day).otherwise(others_birth_day))
