"""Bad rows of every kind that the gate detects, planted at a chosen rate. They are additional rows with their own ids.

The good rows therefore settle to the same amounts with and without defects. One kind is not an additional row,
`aid_above_limit`: a good claim at its limit is raised above it. It counts up to the limit, so it pays the same.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.sample.columns import big, bits, day_number, pick, to_date
from jobs.sample.people import numbers, people
from jobs.sample.population import BLOCK, STEADY, Population, is_for_the_old
from schemas.sources import APPROVED_CLAIMS, MEMBERS
from schemas.table import SPARK_TYPES

FIRST_ID = 900_000_000_000
IDS_PER_KIND = 1_000_000_000
UNKNOWN_ID = FIRST_ID + 900 * IDS_PER_KIND
HUGE_AID_FEN = 10**15
RAISED_BY_FEN = 1_000_000

# Kind -> how each of its rows differs from a good row. Days are counted from the good row's day of joining.
MEMBER_DEFECTS: dict[str, tuple[dict, ...]] = {
    "null_plan": ({"plan_id": None},),
    "null_member_id": ({"member_id": None},),
    "unknown_plan": ({"plan_id": "no_such_plan"},),
    "unknown_tier": ({"tier": "gold"},),
    "null_payer": ({"payer_id": None},),
    "null_birth_date": ({"birth_date": None},),
    "birth_after_joining": ({"birth_date": 30},),
    "unknown_sex": ({"sex": "X"},),
    "unknown_province": ({"province_code": "99"},),
    "city_tier_9": ({"city_tier": 9},),
    "exit_before_joining": ({"exited_on": -1, "exit_reason": "left"},),
    "null_waiting_end": ({"waiting_ends_on": None},),
    "duplicated_key": ({}, {"tier": "standard"}),
    "overlapping_spell": ({"exited_on": 60, "exit_reason": "left"}, {"joined_on": 30, "waiting_ends_on": 120}),
}

# The same for claims. Days are days before publicity; `member`: steady (a good member), unknown or null.
CLAIM_DEFECTS: dict[str, tuple[dict, ...]] = {
    "null_claim_id": ({"claim_id": None},),
    "null_member_id": ({"member": "null"},),
    "unknown_member": ({"member": "unknown"},),
    "unknown_plan": ({"plan_id": "no_such_plan"},),
    "unknown_tier": ({"tier": "gold"},),
    "tier_differs": ({"tier": "basic"},),
    "unknown_illness": ({"illness_code": "no_such_illness"},),
    "unknown_severity": ({"severity": "mild"},),
    "unknown_objection": ({"objection": "perhaps"},),
    "null_accident": ({"accident": None},),
    "unknown_sex": ({"sex": "X"},),
    "unknown_province": ({"province_code": "99"},),
    "null_diagnosis": ({"diagnosed_before_days": None},),
    "dates_out_of_order": ({"diagnosed_before_days": 3, "approved_before_days": 9},),
    "approved_after_publicity": ({"approved_before_days": -2},),
    "not_covered_on_diagnosis": ({"diagnosed_before_days": 3000},),
    "negative_aid": ({"approved_aid_fen": -10_000_000},),
    "huge_aid": ({"approved_aid_fen": HUGE_AID_FEN},),
    "duplicated_claim_id": ({}, {}),
    "illness_claimed_twice": ({}, {"claim_id": FIRST_ID + 800 * IDS_PER_KIND}),
}


_CLAIM_FIELDS = (
    ("kind", "BIGINT"), ("member", "STRING"), ("claim_id", "BIGINT"), ("plan_id", "STRING"), ("tier", "STRING"),
    ("illness_code", "STRING"), ("severity", "STRING"), ("accident", "BOOLEAN"), ("sex", "STRING"),
    ("province_code", "STRING"), ("diagnosed_before_days", "INT"), ("approved_before_days", "INT"),
    ("approved_aid_fen", "BIGINT"), ("objection", "STRING"),
)  # fmt: skip
CLAIM_FIELDS = T.StructType([T.StructField(name, SPARK_TYPES[kind]) for name, kind in _CLAIM_FIELDS])


@dataclass(frozen=True)
class _Kind:
    """A kind of bad row: its number, a good row, and how each of its rows differs from it."""

    number: int
    good: dict
    wrong: tuple[dict, ...]

    @property
    def rows(self) -> list[dict]:
        return [{"kind": self.number, **self.good, **wrong} for wrong in self.wrong]


def with_member_defects(members: DataFrame, plan_populations: tuple[Population, ...], defects_ppm: int) -> DataFrame:
    """The rows of source/members with planted ones: at least one of each kind if the rate is above zero."""
    if not defects_ppm:
        return members
    spark, population = members.sparkSession, _largest(plan_populations)
    count = _count(defects_ppm, sum(each.joined_count for each in plan_populations))
    rows = [
        row for number, wrong in enumerate(MEMBER_DEFECTS.values()) for row in _bad_members(population, number, wrong)
    ]
    schema = T.StructType([T.StructField("kind", T.LongType()), *MEMBERS.spark_schema.fields])
    planted = _times(spark, rows, schema, count)
    own_ids = {name: F.col(name) + F.col("copy") for name in ("member_id", "payer_id")}
    return members.unionByName(planted.withColumns(own_ids).select(*MEMBERS.column_names).coalesce(1))


def with_claim_defects(publicised: DataFrame, plan_populations: tuple[Population, ...], defects_ppm: int) -> DataFrame:
    """The rows of source/approved_claims with planted ones, which are distributed over the periods in turn."""
    good = publicised.select(*APPROVED_CLAIMS.column_names)
    population = _largest(plan_populations)
    if not defects_ppm or not population.claim_periods:
        return good
    raised = _with_raised_aid(publicised, defects_ppm).select(*APPROVED_CLAIMS.column_names)
    return raised.unionByName(_bad_claims(publicised.sparkSession, population, defects_ppm))


def _bad_members(population: Population, number: int, wrong: tuple[dict, ...]) -> list[dict]:
    joined_on = _day(population.joins[0][1] + 1)
    member_id = FIRST_ID + number * IDS_PER_KIND
    good = {
        "member_id": member_id, "plan_id": population.plan.plan_id, "tier": "standard", "payer_id": member_id,
        "birth_date": joined_on - timedelta(days=(63 if is_for_the_old(population) else 33) * 365),
        "sex": "F", "province_code": "41", "city_tier": 3, "joined_on": 0,
        "waiting_ends_on": population.joining.waiting_days, "exited_on": None, "exit_reason": None,
    }  # fmt: skip
    rows = _Kind(number, good, wrong).rows
    return [{name: _dated(joined_on, name, value) for name, value in row.items()} for row in rows]


def _dated(joined_on: date, name: str, value):
    is_day = name in ("birth_date", "joined_on", "waiting_ends_on", "exited_on") and isinstance(value, int)
    return joined_on + timedelta(days=value) if is_day else value


def _bad_claims(spark: SparkSession, population: Population, defects_ppm: int) -> DataFrame:
    """One row per planted claim of a steady member, by period in turn. Default sex and province: the member's."""
    dated = _with_turn(
        _times(spark, _claim_rows(population), CLAIM_FIELDS, _claim_copies(population, defects_ppm)), population
    )
    member_id = F.when(F.col("member") == "steady", F.col("steady_id")).when(
        F.col("member") == "unknown", big(UNKNOWN_ID) + F.col("copy")
    )
    claims = dated.join(F.broadcast(_steady(spark, population)), on="number", how="inner").withColumns(
        {
            "claim_id": F.col("claim_id") + F.col("copy"),
            "member_id": member_id,
            "sex": F.coalesce("sex", "steady_sex"),
            "province_code": F.coalesce("province_code", "steady_province"),
            "diagnosed_on": F.date_sub("public_on", F.col("diagnosed_before_days")),
            "approved_on": F.date_sub("public_on", F.col("approved_before_days")),
        }
    )
    return claims.select(*APPROVED_CLAIMS.column_names)


def _claim_rows(population: Population) -> list[dict]:
    rows = []
    for number, wrong in enumerate(CLAIM_DEFECTS.values()):
        good = {
            "member": "steady", "claim_id": FIRST_ID + number * IDS_PER_KIND, "plan_id": population.plan.plan_id,
            "tier": "standard", "illness_code": _illness(population), "severity": "severe", "accident": False,
            "sex": None, "province_code": None, "diagnosed_before_days": 20, "approved_before_days": 5,
            "approved_aid_fen": 5_000_000, "objection": "none",
        }  # fmt: skip
        rows += _Kind(number, good, wrong).rows
    return rows


def _claim_copies(population: Population, defects_ppm: int) -> int:
    return _count(defects_ppm, population.expected_claims)


def _with_turn(copies: DataFrame, population: Population) -> DataFrame:
    """Adds the steady member's `number`, the period and its publicity day, each in turn by kind and copy."""
    turn = F.col("kind") + F.col("copy")
    periods = [str(period) for period, _ in population.claim_periods]
    days = [day_number(day) for _, day in population.claim_periods]
    index = turn % big(len(periods))
    return copies.withColumns(
        {
            "number": turn % big(_early_blocks(population)) * BLOCK + STEADY.start,
            "publicity_period": pick(index, periods, "string"),
            "public_on": to_date(pick(index, days, "bigint")),
        }
    )


def _steady(spark: SparkSession, population: Population) -> DataFrame:
    """One row per member of the first tenth to join who never leaves: covered in every period."""
    early = numbers(spark, population, STEADY, 1).where(F.col("number") < _early_blocks(population) * BLOCK)
    return people(early, population).select(
        "number",
        F.col("member_id").alias("steady_id"),
        to_date(F.col("birth_day")).alias("birth_date"),
        F.col("sex").alias("steady_sex"),
        F.col("province_code").alias("steady_province"),
    )


def _early_blocks(population: Population) -> int:
    return max(1, population.joined_count // BLOCK // 10)


def _with_raised_aid(publicised: DataFrame, defects_ppm: int) -> DataFrame:
    """Raises claims that are at their limit above it: at the rate, and at least the claim with the smallest id."""
    at_limit = F.col("approved_aid_fen") == F.col("limit_fen")
    smallest = publicised.agg(F.min(F.when(at_limit, F.col("claim_id"))).alias("smallest_id"))
    drawn = bits("draw", 0, 30) < (defects_ppm << 30) // 1_000_000
    chosen = at_limit & (drawn | (F.col("claim_id") == F.col("smallest_id")))
    raised = F.when(chosen, F.col("limit_fen") + RAISED_BY_FEN).otherwise(F.col("approved_aid_fen"))
    hashed = publicised.withColumn("draw", F.xxhash64("claim_id", big(9)))
    return hashed.join(F.broadcast(smallest), how="cross").withColumn("approved_aid_fen", raised)


def _times(spark: SparkSession, rows: list[dict], schema: T.StructType, count: int) -> DataFrame:
    """Every row `count` times; `copy`: from 0 to count - 1."""
    values = [tuple(row.get(field.name) for field in schema) for row in rows]
    kinds = spark.createDataFrame(values, schema).coalesce(1)
    return kinds.join(spark.range(0, count, 1, 1).withColumnRenamed("id", "copy"), how="cross")


def _illness(population: Population) -> str:
    helped = population.plan.benefit_rules()[-1].helped_illnesses
    return "lung_cancer" if helped is None or "lung_cancer" in helped else min(helped)


def _count(defects_ppm: int, good_rows: int) -> int:
    return max(1, good_rows * defects_ppm // 1_000_000)


def _largest(plan_populations: tuple[Population, ...]) -> Population:
    return max(plan_populations, key=lambda population: population.joined_count)


def _day(number: int) -> date:
    return date(1970, 1, 1) + timedelta(days=number)
