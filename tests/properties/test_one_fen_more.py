"""Exact rounding: exactly as many members as needed pay one fen more, and different ones in each period."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from jobs.settlement.one_fen_more import (
    OneFenMore,
    count_before,
    is_chosen,
    number_of_member,
    plain_number_of_member,
)
from jobs.works.settle_plans import choose_one_fen_more

COUNT = 200_000  # several members in each 65,536th of the range of numbers
KEY = "critical_illness/2020-12-P1"


@pytest.fixture(scope="module")
def covered(spark):
    """Ids next to each other, far apart and below zero."""
    ends = spark.createDataFrame([(-1,), (-(2**63),), (2**63 - 1,)], "member_id bigint")
    return spark.range(COUNT - 3).toDF("member_id").union(ends).localCheckpoint()


def chosen(covered, choice: OneFenMore) -> set[int]:
    return {row.member_id for row in covered.where(choice.chosen()).collect()}


@pytest.mark.parametrize("needed", [0, 1, 2, COUNT // 2, COUNT - 1, COUNT])
def test_exactly_as_many_as_needed_pay(covered, needed):
    assert covered.where(choose_one_fen_more(covered, KEY, needed).chosen()).count() == needed


def test_the_choice_is_independent_of_rows_and_files_and_grows_with_the_number_needed(covered):
    small = chosen(covered, choose_one_fen_more(covered, KEY, 300))
    backwards = covered.orderBy(F.desc("member_id")).repartition(7)
    assert chosen(covered, choose_one_fen_more(backwards, KEY, 300)) == small
    assert small < chosen(covered, choose_one_fen_more(covered, KEY, 301))


def test_the_choice_rotates_from_period_to_period(covered):
    """Of 200,000 members 20,000 pay in each period; about 2,000 pay in both, instead of 20,000 without rotation."""
    first = chosen(covered, choose_one_fen_more(covered, KEY, 20_000))
    second = chosen(covered, choose_one_fen_more(covered, "critical_illness/2020-12-P2", 20_000))
    assert 1_800 < len(first & second) < 2_200


def test_choosing_more_than_the_covered_members_is_an_error(covered):
    with pytest.raises(AssertionError, match="only 200000 are covered"):
        choose_one_fen_more(covered, KEY, COUNT + 1)


BIGINT = st.integers(-(2**63), 2**63 - 1)
PERHAPS_LONG = st.text(max_size=12) | st.text("abc/é中", min_size=28, max_size=80)


@settings(max_examples=5, deadline=None)
@given(keys=st.lists(PERHAPS_LONG, min_size=1, max_size=12), ids=st.lists(BIGINT, min_size=1, max_size=30))
def test_the_plain_number_of_a_member_equals_that_of_spark(spark, keys, ids):
    """Several keys and ids in one Spark job; one job each would take minutes."""
    rows = spark.createDataFrame([(i,) for i in ids], "member_id bigint")
    numbers = rows.select("member_id", *(number_of_member(key).alias(f"n{n}") for n, key in enumerate(keys)))
    for row in numbers.collect():
        assert list(row)[1:] == [plain_number_of_member(key, row.member_id) for key in keys]


@settings(max_examples=4, deadline=None)
@given(ids=st.sets(BIGINT, min_size=1, max_size=40), key=PERHAPS_LONG, data=st.data())
def test_a_member_is_chosen_if_and_only_if_few_enough_come_before_him(spark, ids, key, data):
    rows = spark.createDataFrame([(i,) for i in ids], "member_id bigint")
    needed = data.draw(st.integers(0, len(ids)))
    every = np.array(sorted(ids), dtype=np.int64)
    before = {member_id: count_before(key, member_id, every) for member_id in ids}
    assert sorted(before.values()) == list(range(len(ids))), "every member has a place of his own"
    by_place = {member_id for member_id in ids if is_chosen(before[member_id], needed)}
    assert by_place == chosen(rows, choose_one_fen_more(rows, key, needed))
