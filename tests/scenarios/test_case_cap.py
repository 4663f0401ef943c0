"""The per-case cap on both sides: what one case asks with its fee, against cap x covered members."""

from chispa import assert_df_equality

from jobs.settlement.benefits import with_case_sponsorship

PLANS = ("capped", "uncapped")
# 100 members x 10 fen: one case may ask 1,000 fen with its fee, which is 8% half up on the case.
CASES = [
    # plan_id,  benefit, counted, sponsored
    ("capped", 0, True, 0),
    ("capped", 925, True, 0),  # fee 74.00 -> 74, asks 999
    ("capped", 926, True, 0),  # fee 74.08 -> 74, asks 1,000: just allowed
    ("capped", 927, True, 1),  # fee 74.16 -> 74, asks 1,001
    ("capped", 931, True, 5),  # fee 74.48 -> 74, asks 1,005
    ("capped", 932, True, 7),  # fee 74.56 -> 75, asks 1,007
    ("capped", 10_000_000, True, 10_799_000),
    ("capped", 10_000_000, False, 0),  # does not count: asks nothing
    ("uncapped", 10_000_000, True, 0),
]
SCHEMA = "plan_id string, benefit_fen bigint, counted boolean, sponsored_fen bigint"


def test_a_case_asks_at_most_cap_times_covered_and_the_fee_is_part_of_what_it_asks(spark):
    expected = spark.createDataFrame(CASES, SCHEMA)
    found = with_case_sponsorship(
        expected.drop("sponsored_fen"),
        covered_count={"capped": 100, "uncapped": 100},
        cap_fen={"capped": 10, "uncapped": None},
        fee_ppm=dict.fromkeys(PLANS, 80_000),
    )
    assert_df_equality(found, expected, ignore_nullable=True, ignore_row_order=True)


def test_a_cap_of_nothing_leaves_every_case_to_the_platform(spark):
    case = spark.createDataFrame([("capped", 7, True, 8)], SCHEMA)  # fee 0.56 -> 1
    found = with_case_sponsorship(case.drop("sponsored_fen"), {"capped": 100}, {"capped": 0}, {"capped": 80_000})
    assert_df_equality(found, case, ignore_nullable=True)
