"""P9 without Spark: every row the oracle settles over 24 periods is explained, and a difference of one fen is noticed.

The oracle does not import the product's code; the xxhash library chooses who pays one fen more. Every fifth member
lapses on one day, so cover also ends between periods.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from jobs.explaining.explanation import explain
from jobs.explaining.facts import MemberFacts
from tests.oracle import History, Settled, settle
from tests.oracle_world import World
from tests.worlds_explained import known_of, number
from tests.worlds_rules import LONG, world_of_changing_rules

LAPSED_ON = date(2020, 2, 12)


def settled_periods(world: World) -> Iterator[Settled]:
    """Every period; the members with the smallest numbers pay one fen more."""
    calendar, history = world.platform.calendar, History()
    for period in map(str, calendar.between(calendar.period(LONG.first), calendar.period(LONG.last))):
        draft = settle(world, period, history)
        chosen = {}
        for plan_id, plan in draft.plans.items():
            numbers = {row["member_id"]: number(f"{plan_id}/{period}", row["member_id"]) for row in plan.assessments}
            chosen[plan_id] = sorted(numbers, key=numbers.get)[: plan.one_fen_more]
        yield (settled := settle(world, period, history, chosen))
        history = history.after(settled)


def with_lapses(world: World) -> World:
    midnight = datetime(LAPSED_ON.year, LAPSED_ON.month, LAPSED_ON.day, tzinfo=ZoneInfo(world.platform.time_zone))
    keys = {(row["plan_id"], row["member_id"]) for row in world.members if row["plan_id"] and row["member_id"]}
    lapses = [{"plan_id": p, "member_id": m, "ended_at": midnight} for p, m in sorted(keys) if m % 5 == 0]
    return replace(world, lapses=tuple(lapses))


@pytest.fixture(scope="module")
def every_known(tmp_path_factory) -> list[MemberFacts]:
    """Facts of every member in every plan and period, as the tables would hold them."""
    world = with_lapses(world_of_changing_rules(tmp_path_factory.mktemp("oracle"), 1, LONG)[0])
    pools, rows, facts = [], [], []
    for settled in settled_periods(world):
        pools += settled.rows("pool")
        rows += settled.rows("assessments")
        tables = {name: settled.rows(name) for name in ("benefits", "bills", "rates")}
        tables |= {"assessments": rows, "pools": pools, "collections": [], "spells": spells_of(world)}
        tables["held"] = [
            {**held.row, "reasons": held.reasons} for held in settled.held_members if held.row["joined_on"]
        ]
        tables["lapses"] = [
            {**lapse, "ended_at": lapse["ended_at"].astimezone(UTC).replace(tzinfo=None), "period": "2020-01-P2"}
            for lapse in world.lapses
        ]
        facts += known_in(world, settled, tables)
    return facts


def spells_of(world: World) -> list[dict]:
    return [row for row in world.members if row["joined_on"]]


def known_in(world: World, settled: Settled, tables: dict) -> Iterator[MemberFacts]:
    ids = sorted({row["member_id"] for row in world.members if row["member_id"] is not None})
    for plan_id in settled.plans:
        plan_rows = {name: [row for row in rows if row["plan_id"] == plan_id] for name, rows in tables.items()}
        for member_id in ids:
            yield known_of(world.platform, settled.period, plan_id, member_id, plan_rows)


def test_every_row_the_oracle_settles_is_explained(every_known):
    seen, markers = Counter(), Counter()
    for known in every_known:
        explanation = explain(known)
        assert explanation["follows"], (
            known.assessment,
            [s for s in explanation["steps"] if s["name"] == "does not follow"],
        )
        seen[explanation["cover"], known.assessment is not None] += 1
        if known.assessment:
            more = any(step["name"] == "one fen more" for step in explanation["steps"])
            markers[known.rules.rounding, known.assessment["marker"], more] += 1
    assert {cover for cover, has_row in seen if not has_row} == {
        "exited", "not_yet_joined", "no_membership", "held", "lapsed", "helped",
    }  # fmt: skip
    assert {cover for cover, has_row in seen if has_row} == {"covered"}
    assert {marker for _, marker, _ in markers} == {None, "yearly_cap", "first_month_waiver", "funded_period"}
    assert {(rounding, more) for rounding, _, more in markers} == {
        ("ceil_fen", False), ("half_up", False), ("exact", False), ("exact", True),
    }  # fmt: skip


@pytest.mark.parametrize("column", ["share_fen", "sponsored_fen", "due_fen"])
@pytest.mark.parametrize("fen", [-1, 1])
def test_a_difference_of_one_fen_in_an_assessment_is_noticed(every_known, column, fen):
    for known in every_known[::7]:
        if known.assessment is None:
            continue
        wrong = {**known.assessment, column: known.assessment[column] + fen}
        if column != "due_fen":
            wrong["due_fen"] = wrong["share_fen"] - wrong["sponsored_fen"]
        assert not explain(replace(known, assessment=wrong))["follows"], wrong


def test_a_missing_or_an_additional_row_is_noticed(every_known):
    row = next(known.assessment for known in every_known if known.assessment)
    for known in every_known[::7]:
        other = None if known.assessment else {**row, "share_fen": 0, "sponsored_fen": 0, "due_fen": 0}
        assert not explain(replace(known, assessment=other, members_before=0))["follows"], (known.period, other)
