"""The plain expressions for one member's cover and membership say what the Spark ones say of many.

Every history of up to three spells and two lapses within six days, one beginning or ending on every day that matters:
one frame of all of them, not one Spark job for each.
"""

from collections import defaultdict
from datetime import date, timedelta
from itertools import combinations

import pytest

from jobs.settlement.coverage import cover_of, memberships_of, with_member_since
from jobs.works.cover import with_cover

DAYS = [date(2020, 12, 4) + timedelta(days=n) for n in range(6)]
PUBLICITY_ON = DAYS[3]
SPELL = "plan_id string, member_id bigint, joined_on date, exited_on date"
LAPSE = "plan_id string, member_id bigint, lapsed_on date"


def histories_from(first: int, most: int):
    """Every way of at most so many spells, one after the other, that begin on the first day or later."""
    yield []
    if most == 0:
        return
    for joined in range(first, len(DAYS)):
        yield [(DAYS[joined], None)]
        for exited in range(joined, len(DAYS)):
            # A spell of no length is followed by none on its own day: two rows would share their key.
            for rest in histories_from(max(exited, joined + 1), most - 1):
                yield [(DAYS[joined], DAYS[exited]), *rest]


@pytest.fixture(scope="module")
def members():
    """By member: his spells and the days of his lapses."""
    lapses = [of for count in range(3) for of in combinations(DAYS[:5], count)]
    told = [(spells, lapsed) for spells in histories_from(0, 3) if spells for lapsed in lapses]
    return {n: ([{"joined_on": a, "exited_on": b} for a, b in spells], lapsed) for n, (spells, lapsed) in
            enumerate(told)}  # fmt: skip


@pytest.fixture(scope="module")
def spells(spark, members):
    rows = [("p", n, s["joined_on"], s["exited_on"]) for n, (spells, _) in members.items() for s in spells]
    return spark.createDataFrame(rows, SPELL).localCheckpoint()


def test_the_cover_of_one_is_that_of_many(spark, members, spells):
    lapses = spark.createDataFrame([("p", n, day) for n, (_, lapsed) in members.items() for day in lapsed], LAPSE)
    found: dict[int, dict] = defaultdict(dict)
    for row in with_cover(spells, lapses, PUBLICITY_ON).collect():
        found[row.member_id][row.joined_on] = row.cover
    plain = {
        n: {s["joined_on"]: cover_of(s, since, lapsed, PUBLICITY_ON) for s, since in memberships_of(of_member)}
        for n, (of_member, lapsed) in members.items()
    }
    assert found == plain
    assert {cover for of in plain.values() for cover in of.values()} == {
        "covered", "not_yet_joined", "exited", "lapsed",
    }  # fmt: skip


def test_the_membership_of_one_is_that_of_many(members, spells):
    found: dict[int, dict] = defaultdict(dict)
    for row in with_member_since(spells).collect():
        found[row.member_id][row.joined_on] = row.member_since
    plain = {n: {s["joined_on"]: since for s, since in memberships_of(of)} for n, (of, _) in members.items()}
    assert found == plain
    assert any(since < joined for of in plain.values() for joined, since in of.items()), "no switch of tier"
