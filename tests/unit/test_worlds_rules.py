"""The world of changing rules shows what it is for: every rule decides something, in its 24 periods and in its 8.

Without Spark. What is proven here is what the agreement with the oracle (runs/test_oracle_agreement.py) is worth.
"""

from collections import Counter
from datetime import date

import pytest

from tests.oracle import settle_all
from tests.unit.test_oracle import CLAIM_REASONS, MARKERS, MEMBER_REASONS, assert_conserved
from tests.worlds_rules import LONG, PLANS, RETURNED, SHORT, SWITCHED, world_of_changing_rules

OF_BENEFITS = ("benefit_limits", "illness_limits", "age_counted_on", "waiting_applies_to_accidents")


@pytest.fixture(scope="module", params=[SHORT, LONG], ids=["8 periods", "24 periods"])
def life(request):
    return request.param


@pytest.fixture(scope="module")
def told(life, tmp_path_factory):
    """The world, and its periods as the oracle settles them."""
    world, _ = world_of_changing_rules(tmp_path_factory.mktemp("rules"), 1, life)
    return world, settle_all(world, life.first, life.last)


@pytest.fixture(scope="module")
def cases(told):
    """Every settled plan and period with the rules in force on its publicity day."""
    world, periods = told
    return [
        (world.platform.plans[plan_id].sharing_on(period.publicity_on), period, plan)
        for period in periods
        for plan_id, plan in period.plans.items()
    ]


def test_every_reason_and_every_marker_of_a_benefit_occurs(told):
    _, periods = told
    held = [row for period in periods for row in (*period.held_members, *period.held_claims)]
    assert {reason for row in held for reason in row.reasons} == MEMBER_REASONS | CLAIM_REASONS
    assert {row["marker"] for period in periods for row in period.rows("benefits")} == MARKERS


def test_every_period_conserves(cases):
    for _, _, plan in cases:
        assert_conserved(plan)


def test_every_rounding_leaves_or_spreads_something_in_every_plan_that_has_it(cases):
    left = Counter()
    for rules, _, plan in cases:
        plan_id = plan.pool["plan_id"]
        both_pay_more = all(row["billed_fen"] > row["share_fen"] * row["covered_count"] for row in plan.rates)
        counts = both_pay_more if rules.rounding == "exact" else plan.pool["carried_forward_fen"] != 0
        left[plan_id, rules.rounding] += plan.pool["pool_fen"] > 0 and counts
    assert {rounding for _, rounding in left} == {"ceil_fen", "half_up", "exact"}
    assert not [key for key, periods in left.items() if not periods]


def test_every_value_of_the_rules_of_sharing_is_in_force_when_money_is_shared(told, cases):
    world, _ = told
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


def test_every_value_of_the_rules_of_benefits_is_in_force_on_the_day_of_a_diagnosis(told):
    """Those that change by date: limits, and what age and waiting are asked of. A case that is judged is asked them."""
    world, periods = told
    diagnosed_on = {claim["claim_id"]: claim["diagnosed_on"] for claim in world.claims}
    judged = {(row["plan_id"], diagnosed_on[row["claim_id"]]) for period in periods for row in period.rows("benefits")}
    dated = {(plan_id, name) for plan_id, rules in PLANS.items() for name in rules if name in OF_BENEFITS}
    assert {name for _, name in dated} == set(OF_BENEFITS)
    for plan_id, name in dated:
        rule = world.platform.plans[plan_id].rules[name]
        used = {rule.in_force(day).from_on for plan, day in judged if plan == plan_id}
        assert used == {value.from_on for value in rule.values}, (plan_id, name)


def test_the_cap_of_a_case_binds_for_some_and_not_for_others_under_one_value(cases):
    seen = {"critical_illness": set(), "senior_cancer": set(), "chronic": set()}
    for rules, _, plan in cases:
        if rules.per_case_cap_fen:
            seen[plan.pool["plan_id"]] |= {row["sponsored_fen"] > 0 for row in plan.benefits if row["counted"]}
    assert set(map(frozenset, seen.values())) == {frozenset({True, False})}


def test_the_yearly_cap_takes_all_of_a_share_part_of_it_or_nothing_in_both_years(cases):
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


def test_who_bore_the_cap_in_december_owes_again_in_january(told):
    _, periods = told
    capped = {
        row["member_id"] for p in periods if p.period[:4] == "2019" for row in p.rows("assessments")
        if row["marker"] == "yearly_cap" and row["plan_id"] == "critical_illness"
    }  # fmt: skip
    owing = {
        row["member_id"] for p in periods if p.period[:7] == "2020-01" for row in p.rows("assessments")
        if row["due_fen"] > 0 and row["plan_id"] == "critical_illness"
    }  # fmt: skip
    assert capped & owing


def test_the_waiver_asks_when_the_membership_began_not_the_spell(told, cases):
    """He was a basic member in 2018, is a standard one since March 2019, and is waived in December all the same."""
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


def test_a_switch_of_tier_does_not_let_anybody_be_helped_twice_but_coming_back_does(told):
    _, periods = told
    markers = {row["claim_id"]: row["marker"] for period in periods for row in period.rows("benefits")}
    assert [markers[10 * SWITCHED], markers[10 * SWITCHED + 1]] == [None, "already_helped"]
    assert [markers[10 * RETURNED], markers[10 * RETURNED + 1]] == [None, None]


def test_a_plan_is_refused_below_its_minimum_and_settled_once_the_minimum_falls(told, life):
    _, periods = told
    refused = [period.period for period in periods if period.refused]
    assert refused == {SHORT: ["2019-11-P1"], LONG: ["2019-07-P1", "2019-07-P2", "2019-08-P1"]}[life]
    assert all("chronic" in period.plans for period in periods[len(refused) :])


def test_residuals_of_both_signs_are_carried_and_a_pool_below_zero_charges_nobody(cases):
    pools = [plan.pool for _, _, plan in cases]
    assert {pool["brought_forward_fen"] > 0 for pool in pools if pool["brought_forward_fen"]} == {True, False}
    below_zero = [pool for pool in pools if pool["pool_fen"] < 0]
    assert below_zero and {pool["billed_fen"] for pool in below_zero} == {0}
