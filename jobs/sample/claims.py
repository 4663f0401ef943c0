"""Approved claims: the cases of the claimants, publicised period by period. The rows of source/approved_claims."""

from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.rulebook.rules import BenefitLimit
from jobs.sample.claimants import claimants, diagnosed_within
from jobs.sample.columns import big, bits, div, pick, to_date
from jobs.sample.population import Population
from schemas.sources import APPROVED_CLAIMS

FULL_OF_16 = 14  # cases of sixteen that are approved up to the limit
AID_WITHOUT_A_LIMIT_FEN = 5_000_000
EXTRA_FIELDS = (T.StructField("limit_fen", T.LongType()), T.StructField("is_again", T.BooleanType()))


def approved_claims(spark: SparkSession, populations: tuple[Population, ...]) -> DataFrame:
    """One row per approved claim and publicity: source/approved_claims.

    Key: claim_id and publicity_period (a claim with a pending objection is publicised again, without one, one or two
    periods later). Amounts in fen, mostly the plan's limit for tier, severity and age. A member has at most one case.
    """
    return publicised(spark, populations).select(*APPROVED_CLAIMS.column_names)


def publicised(spark: SparkSession, populations: tuple[Population, ...]) -> DataFrame:
    """One row per publicity of a claim: the columns of source/approved_claims, `limit_fen` and `is_again`."""
    frames = [_publicised(spark, each) for each in populations if each.claim_periods]
    if not frames:
        schema = T.StructType([*APPROVED_CLAIMS.spark_schema.fields, *EXTRA_FIELDS])
        return spark.createDataFrame([], schema)
    return reduce(lambda one, other: one.unionByName(other), frames)


def _publicised(spark: SparkSession, population: Population) -> DataFrame:
    cases = claimants(spark, population, population.claim_places).withColumn("age_years", _age_years())
    first = F.struct(F.col("period_index").alias("index"), "objection", F.lit(False).alias("is_again"))
    again = F.struct(
        F.col("again_index").alias("index"), F.lit("none").alias("objection"), F.lit(True).alias("is_again")
    )
    comes_back = (F.col("objection") == "pending") & (F.col("again_index") < len(population.claim_periods))
    # Null explodes to no row. A filter on `claims` would be pushed down with a copy of every expression.
    shown = F.when(F.col("claims") & comes_back, F.array(first, again)).when(F.col("claims"), F.array(first))
    periods = [str(period) for period, _ in population.claim_periods]
    rows = cases.withColumn("shown", F.explode(shown)).withColumns(
        {
            "plan_id": F.lit(population.plan.plan_id),
            "publicity_period": pick(F.col("shown.index"), periods, "string"),
            "objection": F.col("shown.objection"),
            "is_again": F.col("shown.is_again"),
            "limit_fen": limit_of_case_fen(population),
            "diagnosed_on": to_date(F.col("diagnosed_day")),
            "approved_on": to_date(F.col("approved_day")),
            "birth_date": to_date(F.col("birth_day")),
        }
    )
    columns = (*APPROVED_CLAIMS.column_names, *(field.name for field in EXTRA_FIELDS))
    return rows.withColumn("approved_aid_fen", _approved_aid_fen()).select(*columns)


def _approved_aid_fen() -> Column:
    """Mostly the limit, otherwise 30% to 95% of it."""
    limit_fen = F.coalesce("limit_fen", big(AID_WITHOUT_A_LIMIT_FEN))
    percent = big(30) + bits("aid", 14, 10) % 66
    return F.when(bits("aid", 10, 4) < FULL_OF_16, limit_fen).otherwise(div(limit_fen * percent, 100))


def limit_of_case_fen(population: Population) -> Column:
    """The plan's limit for a case on its day of diagnosis; null if the plan has none."""
    limit_fen = F.lit(None).cast("bigint")
    for rules in population.plan.benefit_rules():
        by_illness_first = sorted(rules.limits, key=lambda limit: limit.illness_code is None)
        for limit in reversed(by_illness_first):
            applies = diagnosed_within(rules) & _limit_applies(limit)
            limit_fen = F.when(applies, big(limit.limit_fen)).otherwise(limit_fen)
    return limit_fen


def _limit_applies(limit: BenefitLimit) -> Column:
    applies = (F.col("tier") == limit.tier) & (F.col("severity") == limit.severity)
    applies = applies & F.col("age_years").between(limit.age_from, limit.age_to)
    return applies if limit.illness_code is None else applies & (F.col("illness_code") == limit.illness_code)


def _age_years() -> Column:
    diagnosed_on, birth_date = to_date(F.col("diagnosed_day")), to_date(F.col("birth_day"))
    before_birthday = _month_and_day(diagnosed_on) < _month_and_day(birth_date)
    return F.year(diagnosed_on) - F.year(birth_date) - before_birthday.cast("int")


def _month_and_day(day: Column) -> Column:
    return F.month(day) * 100 + F.dayofmonth(day)
