"""Headroom below the yearly cap computed from spells, compared with a plain walk through the year; and its checks."""

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest
from pyspark.sql import functions as F

from jobs.settlement.yearly_cap import PeriodOfYear, fingerprint_measures
from jobs.works.headroom import follows_from_spells, with_headroom_from_spells

CAP_FEN = 1_000
SHARES_FEN = {"standard": (300, 0, 450, 120, 280), "basic": (150, 0, 225, 60, 140)}
DAYS = [date(2020, month, 7) for month in range(1, 6)]
NOW = date(2020, 6, 7)
SCHEMA = "plan_id string, member_id bigint, tier string, joined_on date, exited_on date"


def covered(spell, day) -> bool:
    _, _, _, joined_on, exited_on = spell
    return joined_on < day and (exited_on is None or exited_on >= day)


def random_spells(seed: int) -> list[tuple]:
    """200 members with one to three spells each, before, across and after the year's days; switches of tier among
    them."""
    draw = random.Random(seed)
    rows = []
    for member_id in range(1, 201):
        joined_on = date(2019, 11, 1) + timedelta(days=draw.randrange(150))
        for _ in range(draw.choice((1, 1, 1, 2, 3))):
            exited_on = joined_on + timedelta(days=draw.randrange(1, 90)) if draw.random() < 0.6 else None
            rows.append(("p", member_id, draw.choice(("standard", "basic")), joined_on, exited_on))
            if exited_on is None:
                break
            joined_on = exited_on + timedelta(days=draw.choice((0, 0, 20)))
    return rows


def headroom_by_walking(spells, member_id) -> int:
    """Period by period: a due is at most the headroom that earlier dues leave."""
    borne_fen = 0
    for place, day in enumerate(DAYS):
        for spell in spells:
            if spell[1] == member_id and covered(spell, day):
                borne_fen += min(SHARES_FEN[spell[2]][place], CAP_FEN - borne_fen)
    return CAP_FEN - borne_fen


@pytest.fixture(scope="module")
def spells():
    return random_spells(7)


@pytest.fixture(scope="module")
def year(spark, spells):
    """What each period recorded: its dues, and the fingerprint of its assessed members."""
    periods = []
    for place, day in enumerate(DAYS):
        assessed = [(s[1], s[2]) for s in spells if covered(s, day)]
        frame = spark.createDataFrame(assessed, "member_id bigint, tier string")
        members = frame.agg(*fingerprint_measures()).first().asDict()
        borne_fen = {tier: fen[place] for tier, fen in SHARES_FEN.items()}
        periods.append(PeriodOfYear(day, CAP_FEN, True, borne_fen, members))
    return periods


def test_headroom_from_spells_equals_the_walk_through_the_year(spark, spells, year):
    frame = spark.createDataFrame(spells, SCHEMA)
    assert follows_from_spells(frame, year, CAP_FEN)
    now = (F.col("joined_on") < F.lit(NOW)) & (F.col("exited_on").isNull() | (F.col("exited_on") >= F.lit(NOW)))
    frame_with_headroom = with_headroom_from_spells(frame.where(now), frame.where(~now), {"p": year}, {"p": CAP_FEN})
    headroom_by_member = {row.member_id: max(0, row.headroom_fen) for row in frame_with_headroom.collect()}
    assert headroom_by_member == {s[1]: headroom_by_walking(spells, s[1]) for s in spells if covered(s, NOW)}
    assert 0 in headroom_by_member.values() and max(headroom_by_member.values()) > 0, (
        "both sides of the cap are in the sample"
    )


def first_spell_of_a_rejoined_member(spells) -> int:
    return next(i for i, s in enumerate(spells) if s[3] < DAYS[0] and s[4] is not None and s[4] > DAYS[1])


CHANGES = {
    "joined a period later": lambda s: (*s[:3], DAYS[0], s[4]),
    "ended a period earlier": lambda s: (*s[:4], DAYS[0]),
    "another tier": lambda s: (*s[:2], "basic" if s[2] == "standard" else "standard", *s[3:]),
    "another member": lambda s: (s[0], 9_999, *s[2:]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_spell_changed_since_the_assessment_is_noticed(spark, spells, year, change):
    place = first_spell_of_a_rejoined_member(spells)
    changed = [*spells[:place], CHANGES[change](spells[place]), *spells[place + 1 :]]
    assert not follows_from_spells(spark.createDataFrame(changed, SCHEMA), year, CAP_FEN)


def test_a_year_without_uniform_charges_or_under_another_cap_is_not_used(spark, spells, year):
    frame = spark.createDataFrame(spells, SCHEMA)
    assert not follows_from_spells(frame, [*year[:-1], replace(year[-1], alike=False)], CAP_FEN)
    assert not follows_from_spells(frame, [*year[:-1], replace(year[-1], cap_fen=CAP_FEN + 1)], CAP_FEN)
