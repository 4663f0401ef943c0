"""Exact rounding: exactly as many members as needed pay one fen more, whoever they are, and others in another period."""

import pytest
from pyspark.sql import functions as F

from jobs.settlement.one_fen_more import OneFenMore, choose_one_fen_more

COUNT = 1_000
KEY = "critical_illness/2020-12-P1"


@pytest.fixture(scope="module")
def covered(spark):
    """Ids next to each other, far apart and below zero."""
    ids = [*range(1, COUNT - 3), -1, -(2**63), 2**63 - 1, 0]
    return spark.createDataFrame([(member_id,) for member_id in ids], "member_id bigint").localCheckpoint()


def chosen(covered, choice: OneFenMore) -> set[int]:
    return {row.member_id for row in covered.where(choice.chosen()).collect()}


@pytest.mark.parametrize("needed", [0, 1, 2, COUNT // 2, COUNT - 1, COUNT])
def test_exactly_as_many_as_needed_pay(covered, needed):
    assert len(chosen(covered, choose_one_fen_more(covered, KEY, needed))) == needed


def test_the_choice_does_not_hang_on_rows_or_files_and_grows_with_what_is_needed(covered):
    small = chosen(covered, choose_one_fen_more(covered, KEY, 300))
    backwards = covered.orderBy(F.desc("member_id")).repartition(7)
    assert chosen(covered, choose_one_fen_more(backwards, KEY, 300)) == small
    assert small < chosen(covered, choose_one_fen_more(covered, KEY, 301))


def test_the_choice_rotates_from_period_to_period(covered):
    """Of 300 in 1,000, chance lets about 90 pay in both periods; were it the same ones, it would be 300."""
    first = chosen(covered, choose_one_fen_more(covered, KEY, 300))
    second = chosen(covered, choose_one_fen_more(covered, "critical_illness/2020-12-P2", 300))
    assert 50 < len(first & second) < 130


def test_more_than_are_covered_cannot_be_chosen(covered):
    with pytest.raises(AssertionError, match="only 1000 are covered"):
        choose_one_fen_more(covered, KEY, COUNT + 1)
