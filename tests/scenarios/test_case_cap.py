"""The per-case cap on both sides: the cost of one case with its fee, compared with cap x members by weight."""

from chispa import assert_df_equality
from pyspark.sql import functions as F

from jobs.money import above_allowance, case_allowance
from jobs.settlement.per_case_cap import with_case_sponsorship

WEIGHT_PPM = {"standard": 1_000_000, "basic": 500_000}
FEE_PPM = 80_000  # rounded up on each case
CASES = [
    # plan_id,  benefit, counted, sponsored
    ("capped", 0, True, 0),
    ("capped", 925, True, 0),  # fee 74.00 -> 74, costs 999
    ("capped", 926, True, 1),  # fee 74.08 -> 75, costs 1,001
    ("just", 926, True, 0),  # costs 1,001: exactly the allowance
    ("capped", 931, True, 6),  # fee 74.48 -> 75, costs 1,006
    ("capped", 938, True, 14),  # fee 75.04 -> 76, costs 1,014
    ("capped", 10_000_000, True, 10_799_000),
    ("capped", 10_000_000, False, 0),  # does not count: costs nothing
    ("uncapped", 10_000_000, True, 0),
    ("nothing", 7, True, 8),  # fee 0.56 -> 1: with a cap of 0 every case is sponsored in full
]
SCHEMA = "plan_id string, benefit_fen bigint, counted boolean, sponsored_fen bigint"
# 90 standard and 20 basic members are 100 by weight: one case with its fee may cost 10 fen x 100.
ALLOWANCE_FEN = {
    "capped": case_allowance(10, {"standard": 90, "basic": 20}, WEIGHT_PPM),
    "just": 1_001,
    "nothing": case_allowance(0, {"standard": 90}, WEIGHT_PPM),
    "uncapped": None,
}


def test_the_allowance_counts_members_by_weight_and_is_rounded_down():
    assert ALLOWANCE_FEN["capped"] == 1_000
    # 3 fen x (1 + 1/2) = 4.5 -> 4
    assert case_allowance(3, {"standard": 1, "basic": 1}, WEIGHT_PPM) == 4


def test_the_cost_of_a_case_with_its_fee_is_cut_to_the_allowance(spark):
    expected = spark.createDataFrame(CASES, SCHEMA)
    result = with_case_sponsorship(expected.drop("sponsored_fen"), ALLOWANCE_FEN, dict.fromkeys(ALLOWANCE_FEN, FEE_PPM))
    assert_df_equality(result, expected, ignore_nullable=True, ignore_row_order=True)


def test_each_row_equals_plain_arithmetic(spark):
    """Benefits around every rounding of the fee, under a rate that leaves parts of a fen."""
    rows = spark.range(0, 3_000).select(
        F.lit("capped").alias("plan_id"), F.col("id").alias("benefit_fen"), F.lit(True).alias("counted")
    )
    result = with_case_sponsorship(rows, ALLOWANCE_FEN, dict.fromkeys(ALLOWANCE_FEN, 79_993)).collect()
    assert len(result) == 3_000
    for row in result:
        assert row.sponsored_fen == above_allowance(row.benefit_fen, 79_993, 1_000), row.benefit_fen
