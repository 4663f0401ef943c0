"""The world of changing rules: every rule decides a case, in its 24 periods and in its 8.

Without Spark. These tests show that runs/test_oracle_agreement.py, which settles this world, covers every rule.
"""

from collections import Counter
from datetime import date

import pytest

from tests.oracle import settle_all
from tests.unit.test_oracle import CLAIM_REASONS, MARKERS, MEMBER_REASONS, assert_conserved
from tests.worlds_rules import LONG, PLANS, RETURNED, SHORT, SWITCHED, world_of_changing_rules

BENEFIT_RULES = ("benefit_limits", "illness_limits", "age_counted_on", "waiting_applies_to_accidents")


@pytest.fixture(scope="module", params=[SHORT, LONG], ids=["8 periods", "24 periods"])
def life(request):
    return request.param


@pytest.fixture(scope="module")
def oracle_settled(life, tmp_path_factory):
    """The world, and its periods settled by the oracle."""
    world, _ = world_of_changing_rules(tmp_path_factory.mktemp("rules"), 1, life)
    return world, settle_all(world, life.first, life.last)


@pytest.fixture(scope="module")
def cases(oracle_settled):
    """Every settled plan and period with the rules in force on its publicity day."""
    world, periods = oracle_settled
    return [
        (world.platform.plans[plan_id].sharing_on(period.publicity_on), period, plan)
        for period in periods
        for plan_id, plan in period.plans.items()
    ]


def test_every_reason_and_every_marker_occurs(oracle_settled):
    _, periods = oracle_settled
    held = [row for period in periods for row in (*period.held_members, *period.held_claims)]
    assert {reason for row in held for reason in row.reasons} == MEMBER_REASONS | CLAIM_REASONS
    assert {row["marker"] for period in periods for row in period.rows("benefits")} == MARKERS


def test_every_period_conserves(cases):
    for _, _, plan in cases:
        assert_conserved(plan)


def test_every_rounding_has_an_effect_in_every_plan_that_uses_it(cases):
    left = Counter()
    for rules, _, plan in cases:
        plan_id = plan.pool["plan_id"]
        both_pay_more = all(row["billed_fen"] > row["share_fen"] * row["covered_count"] for row in plan.rates)
        counts = both_pay_more if rules.rounding == "exact" else plan.pool["carried_forward_fen"] != 0
        left[plan_id, rules.rounding] += plan.pool["pool_fen"] > 0 and counts
    assert {rounding for _, rounding in left} == {"ceil_fen", "half_up", "exact"}
    assert not [key for key, periods in left.items() if not periods]


def test_every_sharing_rule_value_is_in_force_in_a_period_with_benefits(oracle_settled, cases):
    world, _ = oracle_settled
    names = ("fee_rate", "rounding", "tier_weights", "per_case_cap", "yearly_cap", "first_month_waiver",
             "funded_periods", "helped_member_shares")  # fmt: skip
    used = {
        (plan.pool["plan_id"], name, rule.in_force(period.publicity_on).from_on)
        for _, period, plan in cases
        if plan.pool["benefit_fen"] > 0
        for name, rule in world.platform.plans[plan.pool["plan_id"]].rules.items()
    }
    first_on, last_on = cases[0][1].publicity_on, cases[-1][1].publicity_on
    dated = {
        (plan_id, name, value.from_on)
        for plan_id, plan in world.platform.plans.items()
        for name in names
        for value in plan.rules[name].values
        if plan.rules[name].in_force(first_on).from_on <= value.from_on <= last_on
    }
    assert not dated - used, sorted(dated - used)


def test_every_benefit_rule_value_is_in_force_on_a_day_of_diagnosis(oracle_settled):
    """Rules of benefits that change by date: limits, the day that counts for the age, and waiting."""
    world, periods = oracle_settled
    diagnosed_on = {claim["claim_id"]: claim["diagnosed_on"] for claim in world.claims}
    judged = {(row["plan_id"], diagnosed_on[row["claim_id"]]) for period in periods for row in period.rows("benefits")}
    dated = {(plan_id, name) for plan_id, rules in PLANS.items() for name in rules if name in BENEFIT_RULES}
    assert {name for _, name in dated} == set(BENEFIT_RULES)
    for plan_id, name in dated:
        rule = world.platform.plans[plan_id].rules[name]
        used = {rule.in_force(day).from_on for plan, day in judged if plan == plan_id}
        assert used == {value.from_on for value in rule.values}, (plan_id, name)


def test_the_per_case_cap_cuts_some_cases_and_not_others(cases):
    seen = {"critical_illness": set(), "senior_cancer": set(), "chronic": set()}
    for rules, _, plan in cases:
        if rules.per_case_cap_fen:
            seen[plan.pool["plan_id"]] |= {row["sponsored_fen"] > 0 for row in plan.benefits if row["counted"]}
    assert set(map(frozenset, seen.values())) == {frozenset({True, False})}


def test_the_yearly_cap_sponsors_all_part_or_nothing_of_shares_in_both_years(cases):
    taken = {"2019": set(), "2020": set()}
    for rules, period, plan in cases:
        if rules.yearly_cap_fen is not None and not rules.funded:
            taken[period.period[:4]] |= {
                (row["tier"], "all" if row["due_fen"] == 0 else "part" if row["sponsored_fen"] else "nothing")
                for row in plan.assessments
                if row["share_fen"] > 0 and row["marker"] in (None, "yearly_cap")
            }
    assert all({("standard", part) for part in ("all", "part", "nothing")} <= parts for parts in taken.values())
    assert ("basic", "nothing") in taken["2019"] and ("basic", "nothing") in taken["2020"]


def test_members_at_the_yearly_cap_in_december_pay_again_in_january(oracle_settled):
    _, periods = oracle_settled
    capped = {
        row["member_id"] for p in periods if p.period[:4] == "2019" for row in p.rows("assessments")
        if row["marker"] == "yearly_cap" and row["plan_id"] == "critical_illness"
    }  # fmt: skip
    owing = {
        row["member_id"] for p in periods if p.period[:7] == "2020-01" for row in p.rows("assessments")
        if row["due_fen"] > 0 and row["plan_id"] == "critical_illness"
    }  # fmt: skip
    assert capped & owing


def test_the_waiver_depends_on_the_start_of_the_membership_not_of_the_spell(oracle_settled, cases):
    """A basic member of 2018 who switched to standard in March 2019 is still waived in December."""
    markers, first_as_standard = {}, date(2019, 3, 1)
    for rules, _, plan in cases:
        if rules.waiver_joined_by and plan.pool["plan_id"] == "critical_illness":
            assert rules.waiver_joined_by < first_as_standard
            markers |= {row["member_id"]: row["marker"] for row in plan.assessments}
    assert markers[SWITCHED] == "first_month_waiver"
    assert set(markers.values()) == {None, "first_month_waiver", "yearly_cap"}


def test_helped_members_do_not_share_while_the_rules_say_so_and_share_otherwise(cases):
    shares = {True: set(), False: set()}
    for rules, _, plan in cases:
        helped = {row["member_id"] for row in plan.benefits if row["counted"]}
        shares[rules.helped_member_shares] |= helped & {row["member_id"] for row in plan.assessments}
    assert shares[True] and not shares[False]
    assert any(not rules.helped_member_shares and plan.pool["case_count"] for rules, _, plan in cases)


def test_a_member_may_be_helped_again_after_rejoining_but_not_after_a_switch_of_tier(oracle_settled):
    _, periods = oracle_settled
    markers = {row["claim_id"]: row["marker"] for period in periods for row in period.rows("benefits")}
    assert [markers[10 * SWITCHED], markers[10 * SWITCHED + 1]] == [None, "already_helped"]
    assert [markers[10 * RETURNED], markers[10 * RETURNED + 1]] == [None, None]


def test_a_plan_is_refused_below_its_minimum_and_settled_once_the_minimum_falls(oracle_settled, life):
    _, periods = oracle_settled
    refused = [period.period for period in periods if period.refused]
    assert refused == {SHORT: ["2019-11-P1"], LONG: ["2019-07-P1", "2019-07-P2", "2019-08-P1"]}[life]
    assert all("chronic" in period.plans for period in periods[len(refused) :])


def test_residuals_of_both_signs_are_carried_and_a_pool_below_zero_bills_nothing(cases):
    pools = [plan.pool for _, _, plan in cases]
    assert {pool["brought_forward_fen"] > 0 for pool in pools if pool["brought_forward_fen"]} == {True, False}
    below_zero = [pool for pool in pools if pool["pool_fen"] < 0]
    assert below_zero and {pool["billed_fen"] for pool in below_zero} == {0}
