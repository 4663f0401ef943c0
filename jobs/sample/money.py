"""Receipts and costs: deductions from payers, and the platform's operating costs."""

import zlib
from datetime import date

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.rulebook.calendar import Calendar
from jobs.sample.columns import big, bits
from jobs.sample.population import Population, World, head_count
from schemas.sources import OPERATING_COSTS, RECEIPTS

# A little more than the published fee of 729 million yuan for 103.3 million members in 2020: the fee did not cover it.
COST_FEN_PER_MEMBER_AND_MONTH = 62
COSTS = (
    ("investigation", 230, "field investigators"),
    ("investigation", 125, "partner offices and hospital records"),
    ("technology", 210, "computing and storage"),
    ("technology", 180, "development and security"),
    ("staff_and_premises", 125, "staff"),
    ("staff_and_premises", 60, "premises"),
)
# 99.4% of the fee that was accrued in 2020 was received, if the 9.9 billion yuan shared out include the fee.
FAILED_OF_1024, FAILED_FOR_GOOD_OF_1024 = 26, 6
RETRY_DAYS = 4
IDS_OF_A_PERIOD = 1 << 40  # two per payer; the ids of one period are consecutive, as numbered receipts are


def operating_costs(
    spark: SparkSession, populations: tuple[Population, ...], world: World, calendar: Calendar
) -> DataFrame:
    """One row per month and cost: source/operating_costs.

    Key: cost_id. Amounts in fen: per member, within 5% up or down; 38% investigation, 42% technology, the rest staff
    and premises.
    """
    rows = []
    for month in sorted({(period.year, period.month) for period in calendar.between(world.first, world.last)}):
        heads = sum(head_count(population, date(*month, 1)) for population in populations)
        for number, (category, per_mille, description) in enumerate(COSTS):
            name = f"{month[0]:04d}-{month[1]:02d}"
            swing_per_mille = 950 + zlib.crc32(f"{world.seed} {name} {number}".encode()) % 101
            amount_fen = heads * COST_FEN_PER_MEMBER_AND_MONTH * per_mille * swing_per_mille // 1_000_000
            cost_id = (month[0] * 12 + month[1]) * 100 + number
            rows.append((cost_id, name, category, amount_fen, description))
    return spark.createDataFrame(rows, OPERATING_COSTS.spark_schema)


def receipts(bills: DataFrame, calendar: Calendar, seed: int) -> DataFrame:
    """One row per attempt to deduct a payer's dues of a period: source/receipts.

    Key: receipt_id. From the bills of all plans of settled periods. 97.5% of the payers pay on the deduction day, 2%
    some days later after a failed attempt, 0.6% not at all (two failed attempts, amount 0).
    """
    periods = [row["period"] for row in bills.select("period").distinct().collect()]
    dues = bills.groupBy("period", "payer_id").agg(F.sum("due_fen").alias("due_fen")).where(F.col("due_fen") > 0)
    drawn = dues.withColumn("draw", F.xxhash64("payer_id", "period", big(seed), big(8)))
    place = bits("draw", 0, 10)
    outcomes = (
        F.when(place < FAILED_FOR_GOOD_OF_1024, F.array(F.lit("failed"), F.lit("failed")))
        .when(place < FAILED_OF_1024, F.array(F.lit("failed"), F.lit("collected")))
        .otherwise(F.array(F.lit("collected")))
    )
    attempts = drawn.select("*", F.posexplode(outcomes).alias("attempt", "outcome"))
    return attempts.select(
        (_period_number() * big(IDS_OF_A_PERIOD) + F.col("payer_id") * 2 + F.col("attempt")).alias("receipt_id"),
        "period",
        "payer_id",
        F.when(F.col("outcome") == "collected", F.col("due_fen")).otherwise(big(0)).alias("amount_fen"),
        "outcome",
        F.date_add(_deduction_on(calendar, periods), F.col("attempt") * RETRY_DAYS).alias("attempted_on"),
    ).select(*RECEIPTS.column_names)


def _period_number() -> Column:
    """A unique number below 10,000 for each period: months since 2010, up to nine periods in each."""
    months = (F.substring("period", 1, 4).cast("bigint") - 2010) * 12 + F.substring("period", 6, 2).cast("bigint")
    return months * 9 + F.substring("period", 10, 1).cast("bigint")


def _deduction_on(calendar: Calendar, periods: list[str]) -> Column:
    """The deduction day of each of the periods."""
    day = F.lit(None).cast("date")
    for name in periods:
        day = F.when(F.col("period") == name, F.lit(calendar.deduction_on(calendar.period(name)))).otherwise(day)
    return day
