"""Three plans whose rules change by date, and a world of small amounts in which every rule matters.

The rules are written for 24 periods (LONG). SHORT has the same rules and cases with every three periods mapped to one:
8 periods around a new year, in which every rule still decides a case; unit/test_worlds_rules.py shows this for both
without Spark.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from jobs.rulebook import load_platform
from jobs.rulebook.calendar import Period
from tests.oracle_world import World
from tests.platforms import LONG_AGO, write_platform
from tests.worlds_rows import WAITING, claim, member
from tests.worlds_seeded import small_world

PLATFORM = "xianghubao"
PERSONS = 60
SWITCHED, RETURNED = 70_001, 70_002
CALENDAR = load_platform(PLATFORM).calendar


@dataclass(frozen=True)
class Life:
    """Periods from `first` to `last`; each represents `periods_per_period` periods of the rules below."""

    first: str
    last: str
    periods_per_period: int
    claim_counts: tuple[int, ...]

    @property
    def periods(self) -> tuple[Period, ...]:
        return CALENDAR.between(CALENDAR.period(self.first), CALENDAR.period(self.last))

    def period(self, long_period: str) -> str:
        """The period of this life for a period of LONG."""
        return str(self._at(LONG.periods.index(CALENDAR.period(long_period))))

    def day(self, long_day: date) -> date:
        """The first day of a rule in this life, for its first day in LONG."""
        if self is LONG or long_day == LONG_AGO:
            return long_day
        first_period = self._at(sum(CALENDAR.publicity_on(period) < long_day for period in LONG.periods))
        return date(first_period.year, first_period.month, 1 if first_period.number == 1 else 15)

    def _at(self, number: int) -> Period:
        return self.periods[number // self.periods_per_period]


LONG = Life("2019-07-P1", "2020-06-P2", 1, (1, 1, 2, 2, 3))
SHORT = Life("2019-11-P1", "2020-02-P2", 3, (0, 0, 1, 2, 3))
AIDS_FEN = (1, 37, 250, 999, 4_000, 5_000, 10_000, 10_001, 30_000, 35_000)


def limit(tier: str, severity: str, ages: str, limit_fen: int) -> dict:
    return {"tier": tier, "severity": severity, "ages": ages, "limit": limit_fen}


def limits(standard_fen: int, basic_fen: int, ages: tuple[str, ...] = ("0-39", "40-59")) -> list[dict]:
    """The whole limit for the younger band, half for the older one; half of that for a light case."""
    return [
        limit(tier, severity, years, whole_fen // (1 + older) // (1 + (severity == "light")))
        for tier, whole_fen in (("standard", standard_fen), ("basic", basic_fen))
        for severity in ("severe", "light")
        for older, years in enumerate(ages)
    ]


CRITICAL_ILLNESS = {
    "rounding": {LONG_AGO: "ceil_fen", date(2019, 11, 1): "half_up", date(2020, 3, 1): "exact"},
    "fee_rate": {LONG_AGO: 80_000, date(2019, 10, 15): 0, date(2019, 11, 15): 80_000, date(2020, 5, 1): 55_555},
    "tier_weights": {
        LONG_AGO: {"standard": 1_000_000, "basic": 500_000},
        date(2019, 10, 15): {"standard": 1_000_000, "basic": 333_333},
        date(2020, 4, 1): {"standard": 900_000, "basic": 700_000},
    },
    "per_case_cap": {LONG_AGO: None, date(2019, 9, 1): 60, date(2020, 1, 1): None, date(2020, 4, 1): 90},
    "yearly_cap": {LONG_AGO: 900, date(2020, 1, 1): 500, date(2020, 5, 15): None},
    "first_month_waiver": {LONG_AGO: None, date(2019, 12, 1): date(2018, 12, 31), date(2020, 1, 1): None},
    "funded_periods": {LONG_AGO: False, date(2019, 9, 15): True, date(2019, 10, 1): False},
    "helped_member_shares": {LONG_AGO: True, date(2020, 2, 1): False, date(2020, 3, 15): True},
    "benefit_limits": {LONG_AGO: limits(30_000, 10_000), date(2019, 12, 1): limits(20_000, 9_999)},
    "illness_limits": {
        LONG_AGO: [],
        date(2019, 8, 1): [
            {"illness_code": "thyroid_cancer", **limit(tier, severity, "0-59", 5_000)}
            for tier in ("standard", "basic")
            for severity in ("severe", "light")
        ],
    },
}
SENIOR_CANCER = {
    "rounding": {LONG_AGO: "exact", date(2020, 2, 1): "half_up", date(2020, 5, 1): "ceil_fen"},
    "per_case_cap": {LONG_AGO: 120, date(2019, 10, 1): None, date(2020, 2, 1): 0, date(2020, 2, 15): 300},
    "yearly_cap": {LONG_AGO: None, date(2020, 1, 1): 2_500},
    "first_month_waiver": {LONG_AGO: date(2018, 12, 31), date(2019, 8, 15): None},
    "funded_periods": {LONG_AGO: False, date(2020, 6, 1): True},
    "helped_member_shares": {LONG_AGO: False, date(2020, 1, 1): True},
    "benefit_limits": {LONG_AGO: limits(10_000, 5_000, ages=("0-64", "65-150"))},
}
CHRONIC = {
    "rounding": {LONG_AGO: "half_up", date(2020, 4, 1): "exact"},
    "fee_rate": {LONG_AGO: 999_999, date(2019, 10, 1): 80_000},
    "minimum_members": {LONG_AGO: 1_000, date(2019, 8, 10): 3},
    "tier_weights": {
        LONG_AGO: {"standard": 999_999},
        date(2019, 11, 1): {"standard": 999_999, "basic": 333_333},
    },
    "per_case_cap": {LONG_AGO: 100, date(2019, 12, 1): None},
    "yearly_cap": {LONG_AGO: 1_000, date(2020, 3, 1): 2_000},
    "benefit_limits": {LONG_AGO: limits(20_000, 10_000, ages=("0-34", "35-59"))},
    "age_counted_on": {LONG_AGO: "diagnosed_on", date(2019, 9, 1): "approved_on"},
    "waiting_applies_to_accidents": {LONG_AGO: False, date(2019, 12, 1): True},
}
PLANS = {"critical_illness": CRITICAL_ILLNESS, "senior_cancer": SENIOR_CANCER, "chronic": CHRONIC}
# A year of SHORT has four periods, so its yearly caps are lower.
YEARLY_CAPS_OF_SHORT = {
    "critical_illness": {LONG_AGO: 200, date(2020, 1, 1): 450},
    "senior_cancer": {date(2020, 1, 1): 900},
    "chronic": {LONG_AGO: 600, date(2020, 3, 1): 1_500},
}
CASES_FEN = {
    "critical_illness": {
        "2019-07-P1": 4_000, "2019-09-P1": 777, "2019-09-P2": 4_000, "2019-10-P2": 7_001, "2019-11-P1": 4_000,
        "2019-11-P2": 4_001, "2019-12-P2": 9_998, "2020-01-P2": 12_345, "2020-02-P2": 4_000, "2020-03-P1": 3_999,
        "2020-04-P1": 20_000, "2020-04-P2": 4_000, "2020-05-P1": 1_234, "2020-05-P2": 6_000, "2020-06-P2": 7_777,
    },
    "senior_cancer": {
        "2019-07-P1": 777, "2019-10-P2": 5_000, "2020-01-P2": 9_999, "2020-02-P1": 4_000, "2020-02-P2": 8_000,
        "2020-03-P2": 9_000, "2020-05-P1": 10_000, "2020-06-P1": 1_111,
    },
    "chronic": {
        "2019-07-P1": 4_000, "2019-09-P2": 999, "2019-10-P1": 9_000, "2019-10-P2": 333, "2019-11-P1": 6_001,
        "2020-01-P1": 15_000, "2020-03-P2": 12_000, "2020-04-P2": 5_555, "2020-06-P1": 1_234,
    },
}  # fmt: skip


def world_of_changing_rules(folder: Path, seed: int, life: Life) -> tuple[World, Path]:
    """The world of a seed under rules that are written into the folder, and the environment conf for them."""
    platforms = folder / "platforms"
    plans = {plan_id: rules_in_life(life, plan_id, rules) for plan_id, rules in PLANS.items()}
    conf = write_platform(platforms, PLATFORM, plans, life.first)
    world = small_world(
        load_platform(PLATFORM, platforms),
        seed,
        life.first,
        life.last,
        PERSONS,
        aids_fen=AIDS_FEN,
        claim_counts=life.claim_counts,
    )
    members, claims = fixed_rows(life)
    return replace(world, members=(*world.members, *members), claims=(*world.claims, *claims)), conf


def rules_in_life(life: Life, plan_id: str, rules: Mapping[str, Mapping[date, Any]]) -> dict[str, dict[date, Any]]:
    """The rules of a plan on the days of a life; no two values of a rule may fall on one day."""
    if life is SHORT:
        rules = {**rules, "yearly_cap": {**rules["yearly_cap"], **YEARLY_CAPS_OF_SHORT[plan_id]}}
    moved = {name: {life.day(day): value for day, value in values.items()} for name, values in rules.items()}
    assert all(len(moved[name]) == len(values) for name, values in rules.items()), "a value is lost"
    return moved


def fixed_rows(life: Life) -> tuple[list[dict], list[dict]]:
    """Rows in the world of every seed: a case for each rule to decide, each of another member.

    Also two members who claim twice: one switched his tier in between, the other left and rejoined. Also claims on both
    sides of the day from which light prostate cancer is not helped, and of a member whose age has no limit.
    """
    ids = count(70_003)
    joined_on = date(2018, 6, 1)
    cases = [
        (plan_id, life.period(period), aid_fen, next(ids))
        for plan_id, aids_by_period in CASES_FEN.items()
        for period, aid_fen in aids_by_period.items()
    ]
    members = [member(member_id, plan_id, joined_on=joined_on) for plan_id, _, _, member_id in cases]
    claims = [dated_claim(member_id, period, aid_fen, plan_id=plan_id) for plan_id, period, aid_fen, member_id in cases]
    members += [
        member(SWITCHED, tier="basic", joined_on=joined_on, exited_on=date(2019, 3, 1)),
        member(SWITCHED, joined_on=date(2019, 3, 1), waiting_ends_on=joined_on + WAITING),
        member(RETURNED, joined_on=joined_on, exited_on=date(2019, 7, 15)),
        member(RETURNED, joined_on=date(2019, 8, 1)),
    ]
    elder, last_day, first_day = next(ids), next(ids), next(ids)
    members += [member(member_id, joined_on=joined_on) for member_id in (elder, last_day, first_day)]
    light = {"illness_code": "prostate_cancer", "severity": "light"}
    claims += [
        dated_claim(elder, life.period("2019-11-P1"), 3_000, birth_date=date(1959, 6, 1)),
        dated_claim(last_day, life.period("2020-02-P1"), 3_000, diagnosed_on=date(2019, 12, 31), **light),
        dated_claim(first_day, life.period("2020-02-P1"), 3_000, diagnosed_on=date(2020, 1, 1), **light),
        dated_claim(SWITCHED, life.period("2019-07-P2"), 3_000, tier="basic", diagnosed_on=date(2019, 2, 1)),
        dated_claim(SWITCHED, life.period("2019-10-P1"), 3_000, again=1, illness_code="stroke"),
        dated_claim(RETURNED, life.period("2019-08-P2"), 3_000, diagnosed_on=date(2019, 7, 1)),
        dated_claim(RETURNED, life.period("2020-05-P1"), 3_000, again=1, illness_code="stroke"),
    ]
    return members, claims


def dated_claim(member_id: int, period: str, aid_fen: int, again: int = 0, **columns) -> dict:
    """A clean claim, diagnosed about two months before its period."""
    publicity_on = date(int(period[:4]), int(period[5:7]), 7)
    days = {"diagnosed_on": publicity_on - timedelta(days=60), "approved_on": publicity_on - timedelta(days=5)}
    usual = {"publicity_period": period, "approved_aid_fen": aid_fen, **days}
    return claim(10 * member_id + again, member_id, **{**usual, **columns})
