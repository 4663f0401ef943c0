"""The members whose due differs: their rows, and the rows of the others left out first."""

import pytest

from jobs.works.correct_differences import differences, narrowing

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
DIFFERENCES = {2: -1, 3: -10, 4: 10, 63: -1}


@pytest.fixture
def now_and_then(spark):
    now = [("p", m, m, "standard", due) for m, (due, _) in DUES.items() if due is not None]
    then = [("p", m, m + 100, 7, None, due, 0) for m, (_, due) in DUES.items() if due is not None]
    return (
        spark.createDataFrame(now, "plan_id string, member_id long, payer_id long, tier string, due_fen long"),
        spark.createDataFrame(
            then,
            "plan_id string, member_id long, stored_payer long, stored_tier long, asked_payer long, "
            "effective_due_fen long, pooled_fen long",
        ),
    )


@pytest.fixture
def written_off(spark):
    return spark.createDataFrame([("p", 2, 4), ("p", 64, 5)], "plan_id string, member_id long, written_off_fen long")


@pytest.fixture
def covered(spark):
    spells = [("p", 2, 21), ("p", 2, 20), ("p", 3, 30), ("q", 4, 40)]
    return spark.createDataFrame(spells, "plan_id string, member_id long, payer_today long")


def test_each_differing_member_has_one_row_with_all_that_is_known_of_him(now_and_then, written_off, covered):
    rows = {row.member_id: row for row in differences(*now_and_then, written_off, covered).collect()}
    assert {member: row.difference_fen for member, row in rows.items()} == DIFFERENCES
    of_2, of_3, of_4 = rows[2], rows[3], rows[4]
    assert (of_2.payer_now, of_2.stored_payer, of_2.payer_today, of_2.written_off_fen) == (2, 102, 20, 4)
    assert (of_2.due_fen, of_2.effective_due_fen, of_2.pooled_fen) == (10, 11, 0)
    assert (of_3.payer_now, of_3.tier, of_3.stored_tier, of_3.due_fen, of_3.payer_today) == (None, None, 7, None, 30)
    assert (of_4.stored_payer, of_4.stored_tier, of_4.effective_due_fen, of_4.written_off_fen) == (None, None, 0, 0)
    assert of_4.payer_today is None, "covered in another plan"


def test_rows_of_differing_members_are_kept(now_and_then, written_off, covered):
    narrowed = narrowing(*now_and_then)
    few = differences(*map(narrowed, (*now_and_then, written_off, covered)))
    whole = differences(*now_and_then, written_off, covered)
    assert few.columns == whole.columns
    assert sorted(map(tuple, few.fillna(-1).collect())) == sorted(map(tuple, whole.fillna(-1).collect()))
    kept = {row.member_id for row in narrowed(now_and_then[0]).collect()}
    assert kept == {2, 4, 63, (1 << 27) + 2}


def test_where_nothing_differs_no_row_is_kept(now_and_then, covered):
    now, then = (rows.where("member_id in (1, 64)") for rows in now_and_then)
    narrowed = narrowing(now, then)
    assert narrowed(now).isEmpty() and narrowed(covered).isEmpty()


def test_where_many_members_differ_all_rows_are_kept(now_and_then):
    narrowed = narrowing(*now_and_then, most=3)
    assert all(narrowed(rows) is rows for rows in now_and_then)
