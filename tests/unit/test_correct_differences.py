"""The members whose due differs: found by a join of all members, or by bitmaps first."""

import pytest
from pyspark.sql import functions as F

from jobs.works.correct_differences import compared, differences, few_differences, many_differences

# member: due now, effective due; None: not assessed
DUES = {
    1: (10, 10),
    2: (10, 11),
    3: (None, 10),
    4: (10, None),
    5: (0, None),
    6: (None, 0),
    63: (7, 8),
    64: (7, 7),
    (1 << 27) + 2: (5, 5),  # shares a bit of the filter with 2
    900: (-3, -3),
}


@pytest.fixture
def both(spark):
    now = [("p", m, m, "standard", due) for m, (due, _) in DUES.items() if due is not None]
    then = [("p", m, m, "standard", None, due, 0) for m, (_, due) in DUES.items() if due is not None]
    return (
        spark.createDataFrame(now, "plan_id string, member_id long, payer_id long, tier string, due_fen long"),
        spark.createDataFrame(
            then,
            "plan_id string, member_id long, stored_payer long, stored_tier string, asked_payer long, "
            "effective_due_fen long, pooled_fen long",
        ),
    )


def rows_of(frame, columns):
    return sorted(map(tuple, frame.select(*columns).fillna(-1).collect()))


def test_all_ways_give_the_same_rows(both):
    comparison, whole = compared(*both), differences(*both)
    few, (of_assessed, of_others) = few_differences(*both, comparison), many_differences(*both, comparison)
    assert set(few.columns) == set(whole.columns) == set(of_assessed.columns)
    assert rows_of(few, whole.columns) == rows_of(whole, whole.columns)
    assert rows_of(of_assessed.unionByName(of_others), whole.columns) == rows_of(whole, whole.columns)
    assert {row.member_id: row.difference_fen for row in whole.collect()} == {2: -1, 3: -10, 4: 10, 63: -1}
    assert [row.member_id for row in of_others.collect()] == [3]


def test_a_member_who_owes_nothing_now_is_found_once(spark, both):
    now, then = both
    freed = now.withColumn("due_fen", F.when(F.col("member_id") == 2, 0).otherwise(F.col("due_fen")))
    of_assessed, of_others = many_differences(freed, then, compared(freed, then))
    assert {2: -11}.items() <= {row.member_id: row.difference_fen for row in of_assessed.collect()}.items()
    assert [row.member_id for row in of_others.collect()] == [3]


def test_where_nothing_differs_there_is_no_row(both):
    now, then = (rows.where("member_id in (1, 64)") for rows in both)
    comparison = compared(now, then)
    assert comparison.count == 0 and comparison.finds_few(2)
    assert few_differences(now, then, comparison).columns == differences(now, then).columns
    assert few_differences(now, then, comparison).isEmpty()


def test_the_members_who_differ_are_counted(both):
    comparison = compared(*both)
    assert comparison.count == 4 and comparison.finds_few(40) and not comparison.finds_few(39)


def test_each_plan_is_compared_with_its_own_dues(spark, both):
    """A member of two plans differs in one of them; another changed from one plan to the other."""
    now, then = both
    of_q = lambda rows, members: rows.where(F.col("member_id").isin(members)).withColumn("plan_id", F.lit("q"))  # noqa: E731
    now, then = now.unionByName(of_q(now, [1, 2])), then.unionByName(of_q(then, [1, 3]))
    comparison, whole = compared(now, then), differences(now, then)
    found = {(row.plan_id, row.member_id): row.difference_fen for row in whole.collect()}
    assert found == {("p", 2): -1, ("p", 3): -10, ("p", 4): 10, ("p", 63): -1, ("q", 2): 10, ("q", 3): -10}
    assert comparison.count == 4, "members, not their plans"
    of_assessed, of_others = many_differences(now, then, comparison)
    for rows in (few_differences(now, then, comparison), of_assessed.unionByName(of_others)):
        assert rows_of(rows, whole.columns) == rows_of(whole, whole.columns)
