"""The members whose due differs, found by bitmaps first or by a join of all members."""

import pytest

from jobs.works.correct_differences import differences, few_differences

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


def test_both_ways_give_the_same_rows(both):
    few, whole = few_differences(*both), differences(*both)
    assert few.columns == whole.columns
    assert sorted(map(tuple, few.fillna(-1).collect())) == sorted(map(tuple, whole.fillna(-1).collect()))
    assert {row.member_id: row.difference_fen for row in few.collect()} == {2: -1, 3: -10, 4: 10, 63: -1}


def test_where_nothing_differs_there_is_no_row(both):
    now, then = (rows.where("member_id in (1, 64)") for rows in both)
    assert few_differences(now, then).columns == differences(now, then).columns
    assert few_differences(now, then).isEmpty()


def test_where_many_members_differ_they_are_not_looked_for_first(both):
    assert few_differences(*both, most=3) is None
