"""Cover and lapses: the covered spells do not depend on the number of lapses or on the join strategy."""

from datetime import date

import pytest

from jobs.settlement.coverage import cut_by_lapses
from jobs.works.cover import with_cover

PUBLICITY_ON = date(2020, 12, 7)
SPELLS = [
    ("critical_illness", 1, date(2019, 1, 1), None, "covered"),
    ("critical_illness", 2, date(2019, 1, 1), None, "lapsed"),
    ("senior_cancer", 2, date(2019, 1, 1), None, "covered"),  # the lapse is in the other plan
    ("critical_illness", 3, date(2020, 9, 1), None, "covered"),  # joined again on the day of the lapse
    ("critical_illness", 3, date(2019, 1, 1), date(2020, 8, 31), "exited"),
    ("critical_illness", 4, date(2020, 9, 15), None, "lapsed"),  # of two lapses the last one counts
    ("critical_illness", 5, date(2019, 1, 1), None, "covered"),  # lapses only after the publicity day
    ("critical_illness", 6, date(2020, 12, 7), None, "not_yet_joined"),
    ("critical_illness", 8, date(2019, 1, 1), date(2020, 10, 1), "exited"),
    ("critical_illness", 8, date(2020, 10, 1), None, "lapsed"),  # another tier of the membership that lapsed before
    ("critical_illness", 9, date(2019, 1, 1), date(2020, 9, 1), "exited"),
    ("critical_illness", 9, date(2020, 9, 10), date(2020, 10, 1), "exited"),
    ("critical_illness", 9, date(2020, 10, 1), None, "covered"),  # another tier of a membership joined after the lapse
    ("critical_illness", None, date(2019, 1, 1), None, "covered"),
    ("critical_illness", 2 + (1 << 27), date(2019, 1, 1), None, "covered"),  # collides with 2 in the filter
]
LAPSES = [
    ("critical_illness", 2, date(2020, 9, 1)),
    ("critical_illness", 3, date(2020, 9, 1)),
    ("critical_illness", 4, date(2020, 9, 1)),
    ("critical_illness", 4, date(2020, 11, 1)),
    ("critical_illness", 5, date(2020, 12, 8)),
    ("critical_illness", 8, date(2020, 9, 1)),
    ("critical_illness", 9, date(2020, 8, 1)),
    ("critical_illness", 77, date(2020, 9, 1)),
]


@pytest.mark.parametrize("most_rows_to_broadcast", [1_000_000, 0], ids=["broadcast", "bitmaps"])
def test_a_lapse_ends_the_spell_that_was_in_force(spark, most_rows_to_broadcast):
    columns = "plan_id string, member_id bigint, joined_on date, exited_on date"
    members = spark.createDataFrame([row[:4] for row in SPELLS], columns)
    lapses = spark.createDataFrame(LAPSES, "plan_id string, member_id bigint, lapsed_on date")
    cover = with_cover(members, lapses, PUBLICITY_ON, most_rows_to_broadcast)
    assert cover.columns == [*members.columns, "cover"]
    assert sorted(map(tuple, cover.collect()), key=str) == sorted(SPELLS, key=str)


def test_spells_end_where_their_membership_lapsed(spark):
    """The first lapse ends the membership; spells that continue it afterwards end before they begin."""
    columns = "plan_id string, member_id bigint, joined_on date, exited_on date"
    members = spark.createDataFrame([row[:4] for row in SPELLS if row[1] in (2, 8, 9)], columns)
    lapses = spark.createDataFrame(LAPSES, "plan_id string, member_id bigint, lapsed_on date")
    ends = {(r.plan_id, r.member_id, r.joined_on): r.exited_on for r in cut_by_lapses(members, lapses).collect()}
    assert ends == {
        ("critical_illness", 2, date(2019, 1, 1)): date(2020, 8, 31),
        ("senior_cancer", 2, date(2019, 1, 1)): None,
        ("critical_illness", 8, date(2019, 1, 1)): date(2020, 8, 31),
        ("critical_illness", 8, date(2020, 10, 1)): date(2020, 8, 31),
        ("critical_illness", 9, date(2019, 1, 1)): date(2020, 7, 31),
        ("critical_illness", 9, date(2020, 9, 10)): date(2020, 10, 1),
        ("critical_illness", 9, date(2020, 10, 1)): None,
    }


def test_without_lapses_every_spell_is_kept(spark):
    columns = "plan_id string, member_id bigint, joined_on date, exited_on date"
    members = spark.createDataFrame([row[:4] for row in SPELLS if row[1] in (2, 8)], columns)
    lapses = spark.createDataFrame(
        [("critical_illness", 2, date(2020, 12, 8))], "plan_id string, member_id bigint, lapsed_on date"
    )
    covers = {
        (r.plan_id, r.member_id, r.joined_on): r.cover for r in with_cover(members, lapses, PUBLICITY_ON).collect()
    }
    assert covers == {
        ("critical_illness", 2, date(2019, 1, 1)): "covered",
        ("senior_cancer", 2, date(2019, 1, 1)): "covered",
        ("critical_illness", 8, date(2019, 1, 1)): "exited",
        ("critical_illness", 8, date(2020, 10, 1)): "covered",
    }
