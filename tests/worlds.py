"""Small worlds for tests: platforms with other rules, and Hypothesis strategies for rules and worlds.

Nothing here starts Spark.
"""

from dataclasses import replace
from datetime import date

from hypothesis import strategies as st

from jobs.rulebook.rules import Platform, RuleValue
from tests.oracle_world import World
from tests.worlds_rows import PERIOD, bad_claims, bad_members, claim, member
from tests.worlds_seeded import ILLNESSES, small_world

__all__ = [
    "PERIOD", "bad_claims", "bad_members", "claim", "member", "platform_with", "rules", "small_world", "tiny_worlds",
    "with_rules", "worlds",
]  # fmt: skip

LONG_AGO = date(2000, 1, 1)


def platform_with(platform: Platform, plan_id: str, **overrides) -> Platform:
    """The platform with some of a plan's rules replaced by a single value each.

    Keys are the names of the rules: fee_rate, rounding, tier_weights, per_case_cap, yearly_cap, first_month_waiver,
    funded_periods, helped_member_shares, minimum_members, benefit_limits, removed_illnesses, age_counted_on, ...
    """
    plan = platform.plans[plan_id]
    unknown = set(overrides) - set(plan.rules)
    assert not unknown, f"no such rules: {sorted(unknown)}"
    changed = {
        name: replace(plan.rules[name], values=(RuleValue(LONG_AGO, value, "a test", LONG_AGO),))
        for name, value in overrides.items()
    }
    plans = {**platform.plans, plan_id: replace(plan, rules={**plan.rules, **changed})}
    return replace(platform, plans=plans)


def with_rules(platform: Platform, **overrides) -> Platform:
    """`platform_with` for every plan of the platform."""
    for plan_id in platform.plans:
        platform = platform_with(platform, plan_id, **overrides)
    return platform


ROUNDINGS = ("ceil_fen", "half_up", "exact")


@st.composite
def rules(draw, platform: Platform) -> Platform:
    """The platform with other rules in every plan: any rounding, weights, fee, caps, waiver and funding."""
    none_or = lambda strategy: st.one_of(st.none(), strategy)  # noqa: E731
    return with_rules(
        platform,
        rounding=draw(st.sampled_from(ROUNDINGS)),
        fee_rate=draw(st.sampled_from((0, 1, 80_000, 999_999))),
        tier_weights={"basic": draw(st.integers(1, 2_000_000)), "standard": 1_000_000},
        per_case_cap=draw(none_or(st.integers(0, 100_000))),
        yearly_cap=draw(none_or(st.integers(0, 5_000))),
        first_month_waiver=draw(none_or(st.dates(date(2019, 1, 1), date(2020, 6, 1)))),
        funded_periods=draw(st.sampled_from((False, False, False, True))),
        helped_member_shares=draw(st.booleans()),
    )


@st.composite
def worlds(draw, platform: Platform, persons: int = 30) -> World:
    """A seeded small world, with or without bad rows, under drawn rules or those of the platform."""
    ruled = draw(st.one_of(st.just(platform), rules(platform)))
    return small_world(ruled, draw(st.integers(0, 2**32 - 1)), persons=persons, bad_rows=draw(st.booleans()))


@st.composite
def tiny_worlds(draw, platform: Platform, periods: tuple[str, ...], plan_id: str = "critical_illness") -> World:
    """One to a dozen members and up to five clean claims of one plan; shrinks to small failing examples."""
    tiers = st.sampled_from(("standard", "basic"))
    joined_on = st.dates(date(2018, 11, 1), date(2019, 6, 1))
    rows = draw(st.lists(st.tuples(tiers, joined_on), min_size=1, max_size=12))
    members = [member(n, plan_id, tier=tier, joined_on=joined) for n, (tier, joined) in enumerate(rows, 1)]
    aids = st.integers(1, 10_000)
    cases = draw(st.lists(st.tuples(st.sampled_from(members), aids, st.sampled_from(periods)), max_size=5))
    claims = []
    for claim_id, (row, aid_fen, period) in enumerate(cases, 1):
        columns = {"tier": row["tier"], "approved_aid_fen": aid_fen, "illness_code": ILLNESSES[claim_id - 1]}
        claims.append(claim(claim_id, row["member_id"], plan_id, publicity_period=period, **columns))
    return World(draw(rules(platform)), tuple(members), tuple(claims))
