"""The plain functions for one member's cover and membership give the results of the Spark expressions.

Every history of up to three spells and two lapses within six days, so that spells begin and end on every relevant day;
all histories are in one frame.
"""

from collections import defaultdict
from datetime import date, timedelta
from itertools import combinations

import pytest

from jobs.settlement.coverage import cover_of, memberships_of, with_member_since
from jobs.spark.broadcasting import MAX_BROADCAST_ROWS
from jobs.works.cover import with_cover

DAYS = [date(2020, 12, 4) + timedelta(days=n) for n in range(6)]
PUBLICITY_ON = DAYS[3]
SPELL = "plan_id string, member_id bigint, joined_on date, exited_on date"
LAPSE = "plan_id string, member_id bigint, lapsed_on date"


def histories_from(first: int, most: int):
    """Every sequence of at most `most` consecutive spells that begin on day `first` or later."""
    yield []
    if most == 0:
        return
    for joined in range(first, len(DAYS)):
        yield [(DAYS[joined], None)]
        for exited in range(joined, len(DAYS)):
            # No spell begins on the day of a spell of zero length: two rows would have the same key.
            for rest in histories_from(max(exited, joined + 1), most - 1):
                yield [(DAYS[joined], DAYS[exited]), *rest]


@pytest.fixture(scope="module")
def members():
    """By member: his spells and the days of his lapses."""
    lapses = [days for count in range(3) for days in combinations(DAYS[:5], count)]
    histories = [(spells, lapsed) for spells in histories_from(0, 3) if spells for lapsed in lapses]
    return {n: ([{"joined_on": a, "exited_on": b} for a, b in spells], lapsed) for n, (spells, lapsed) in
            enumerate(histories)}  # fmt: skip


@pytest.fixture(scope="module")
def spells(spark, members):
    rows = [("p", n, s["joined_on"], s["exited_on"]) for n, (spells, _) in members.items() for s in spells]
    return spark.createDataFrame(rows, SPELL).localCheckpoint()


@pytest.mark.parametrize("most_to_broadcast", [MAX_BROADCAST_ROWS, 0], ids=["few lapses", "many lapses"])
def test_plain_cover_equals_spark_cover(spark, members, spells, most_to_broadcast):
    lapses = spark.createDataFrame([("p", n, day) for n, (_, lapsed) in members.items() for day in lapsed], LAPSE)
    by_spark: dict[int, dict] = defaultdict(dict)
    for row in with_cover(spells, lapses, PUBLICITY_ON, most_to_broadcast).collect():
        by_spark[row.member_id][row.joined_on] = row.cover
    plain = {
        n: {s["joined_on"]: cover_of(s, since, lapsed, PUBLICITY_ON) for s, since in memberships_of(rows)}
        for n, (rows, lapsed) in members.items()
    }
    assert by_spark == plain
    assert {cover for by_day in plain.values() for cover in by_day.values()} == {
        "covered", "not_yet_joined", "exited", "lapsed",
    }  # fmt: skip


def test_plain_membership_equals_spark_membership(members, spells):
    by_spark: dict[int, dict] = defaultdict(dict)
    for row in with_member_since(spells).collect():
        by_spark[row.member_id][row.joined_on] = row.member_since
    plain = {n: {s["joined_on"]: since for s, since in memberships_of(rows)} for n, (rows, _) in members.items()}
    assert by_spark == plain
    assert any(since < joined for by_day in plain.values() for joined, since in by_day.items()), "no switch of tier"
