"""Checks of the oracle itself: published figures, each rule on both sides, the pool's identity; with arithmetic."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.rulebook import load_platform
from jobs.rulebook.rules import RuleNotInForce
from tests.oracle import History, World, settle, settle_all
from tests.oracle_benefits import age_on
from tests.oracle_shares import total
from tests.worlds import PERIOD, bad_claims, bad_members, claim, member, platform_with, small_world, tiny_worlds, worlds

XHB = load_platform("xianghubao")
UNCAPPED = platform_with(XHB, "critical_illness", per_case_cap=None, yearly_cap=None)
TEN = [member(n) for n in range(1, 11)]
MEMBER_REASONS = {
    "member_key_missing", "member_plan_unknown", "member_tier_unknown", "member_payer_missing",
    "member_birth_date_missing", "member_birth_after_joining", "member_sex_unknown", "member_province_unknown",
    "member_city_tier_unknown", "member_exit_before_joining", "member_waiting_end_missing", "member_duplicated",
    "member_spells_overlap",
}  # fmt: skip
CLAIM_REASONS = {
    "claim_key_missing", "claim_period_unknown", "claim_plan_unknown", "claim_tier_unknown", "claim_illness_unknown",
    "claim_severity_unknown", "claim_objection_unknown", "claim_accident_missing", "claim_aid_out_of_range",
    "claim_dates_missing",
    "claim_dates_out_of_order", "claim_sex_unknown", "claim_province_unknown", "claim_duplicated",
    "claim_illness_claimed_twice", "claim_member_unknown", "claim_not_covered_on_diagnosis", "claim_tier_differs",
}  # fmt: skip
MARKERS = {
    None, "objection_pending", "objection_upheld", "counted_before", "already_helped", "in_waiting_period",
    "illness_not_in_plan", "illness_removed", "age_outside_limits", "limited",
}  # fmt: skip


def settled(members, claims, platform=UNCAPPED, period=PERIOD, history=None, **more):
    return settle(World(platform, tuple(members), tuple(claims), **more), period, history or History())


def plan_of(members, claims, platform=UNCAPPED, period=PERIOD, history=None, **more):
    """The settled plan critical_illness, with no row held."""
    period_settled = settled(members, claims, platform, period, history, **more)
    assert not period_settled.held_members and not period_settled.held_claims, (
        period_settled.held_members,
        period_settled.held_claims,
    )
    return period_settled.plans["critical_illness"]


def marker_of(one_claim, members=None, platform=UNCAPPED, plan_id="critical_illness"):
    (benefit,) = settled(members or TEN, [one_claim], platform).plans[plan_id].benefits
    return benefit["marker"]


def assert_conserved(plan):
    """P1, and the sums of the tables agree."""
    pool, assessments = plan.pool, plan.assessments
    came_in = pool["due_fen"] + pool["member_sponsored_fen"] + pool["case_sponsored_fen"] + pool["brought_forward_fen"]
    assert came_in == pool["benefit_fen"] + pool["fee_fen"] + pool["carried_forward_fen"]
    assert total(plan.bills, "due_fen") == total(assessments, "due_fen") == pool["due_fen"]
    assert total(plan.rates, "billed_fen") == total(assessments, "share_fen") == pool["billed_fen"]
    assert sum(row["member_count"] for row in plan.bills) == len(assessments) == pool["covered_count"]
    balance_fen = pool["brought_forward_fen"]
    for row in plan.journal:
        assert row["amount_fen"] > 0
        balance_fen += row["amount_fen"] * ((row["credit_account"] == "pool") - (row["debit_account"] == "pool"))
    assert balance_fen == pool["carried_forward_fen"]


# --- published figures, with weights in place of millions of members


@pytest.mark.parametrize(
    ("covered", "pool_fen", "share_fen"),
    [
        # 98.244 million members x 4.83 yuan = 47,451,852,000 fen is the largest pool that gives 4.83
        (98_244_000, 47_451_852_000, 483),
        (98_244_000, 47_451_852_001, 484),
        # one fen less a head: 98,244,000 x 482 = 47,353,608,000 still gives 4.82, one fen more gives 4.83
        (98_244_000, 47_353_608_000, 482),
        (98_244_000, 47_353_608_001, 483),
        # senior: 4.035 million x 20.50 = 8,271,750,000
        (4_035_000, 8_271_750_000, 2_050),
    ],
)
def test_the_published_share_follows_from_the_published_head_count(covered, pool_fen, share_fen):
    """A member of weight w pays as much as w members of weight 1: one basic member represents all other heads."""
    weights, high = {"standard": 1, "basic": covered - 1}, high_limits(10**13)
    platform = platform_with(UNCAPPED, "critical_illness", tier_weights=weights, fee_rate=0, benefit_limits=high)
    claims = parts_of(pool_fen)
    gone = [member(row["member_id"], exited_on=date(2020, 12, 1)) for row in claims]
    members = [member(1), member(2, tier="basic"), *gone]
    plan = plan_of(members, claims, platform)
    assert plan.pool["pool_fen"] == pool_fen
    assert {row["tier"]: row["share_fen"] for row in plan.rates}["standard"] == share_fen


def high_limits(limit_fen):
    limit = XHB.plans["critical_illness"].rules["benefit_limits"].values[0].value[0]
    return (replace(limit, tier="standard", age_from=0, age_to=99, limit_fen=limit_fen),)


def parts_of(pool_fen):
    """Claims that add up to the pool, none above 100 million yuan, the highest aid the gate lets through."""
    whole, rest = divmod(pool_fen, 10**10)
    aids = [10**10] * whole + [rest] * (rest > 0)
    return [claim(n, 100 + n, approved_aid_fen=aid_fen) for n, aid_fen in enumerate(aids)]


# --- shares


def test_shares_are_rounded_up_and_the_residual_is_carried():
    # 1,000 + 80 fee = 1,080 over 7 = 154.3 -> 155; 7 x 155 = 1,085; 5 carried
    claims = [claim(1, 1, approved_aid_fen=1_000), claim(2, 2, publicity_period="2020-12-P2", approved_aid_fen=500)]
    world = World(UNCAPPED, tuple(TEN[:7]), tuple(claims))
    first, second = (s.plans["critical_illness"].pool for s in settle_all(world, PERIOD, "2020-12-P2"))
    assert (first["pool_fen"], first["billed_fen"], first["carried_forward_fen"]) == (1_080, 1_085, 5)
    # 500 + 40 - 5 = 535 over 7 = 76.4 -> 77; 539 - 535 = 4 carried
    assert (second["brought_forward_fen"], second["pool_fen"], second["carried_forward_fen"]) == (5, 535, 4)


@pytest.mark.parametrize(
    ("rounding", "shares", "carried_fen", "one_fen_more"),
    [
        # 1,080 over 7 heads = 154 and 2/7
        ("ceil_fen", [155] * 7, 5, 0),
        ("half_up", [154] * 7, -2, 0),
        ("exact", [154] * 5 + [155] * 2, 0, 2),
    ],
)
def test_the_rounding_policies(rounding, shares, carried_fen, one_fen_more):
    platform = platform_with(UNCAPPED, "critical_illness", rounding=rounding)
    plan = plan_of(TEN[:7], [claim(1, 1, approved_aid_fen=1_000)], platform)
    assert sorted(row["share_fen"] for row in plan.assessments) == shares
    assert (plan.pool["carried_forward_fen"], plan.one_fen_more) == (carried_fen, one_fen_more)
    assert plan.rates[0]["share_fen"] == shares[0]


def test_members_paying_one_fen_more_are_passed_in_and_counted():
    world = World(platform_with(UNCAPPED, "critical_illness", rounding="exact"), tuple(TEN[:7]),
                  (claim(1, 1, approved_aid_fen=1_000),))  # fmt: skip
    plan = settle(world, PERIOD, History(), {"critical_illness": {3, 6}}).plans["critical_illness"]
    assert [row["member_id"] for row in plan.assessments if row["share_fen"] == 155] == [3, 6]
    with pytest.raises(AssertionError, match="3 members pay one fen more instead of 2"):
        settle(world, PERIOD, History(), {"critical_illness": {3, 5, 6}})


def test_a_tier_pays_by_its_weight_and_the_share_shows_its_fee():
    # 1,080 over 2 x 1 + 2 x 0.5 = 3: standard 360, basic 180; fee part 360 x 80 / 1,080 = 26.7 -> 27; 13.3 -> 13
    members = [member(1), member(2), member(3, tier="basic"), member(4, tier="basic")]
    plan = plan_of(members, [claim(1, 1, approved_aid_fen=1_000)])
    columns = ("tier", "covered_count", "share_fen", "share_aid_fen", "share_fee_fen", "billed_fen")
    assert [tuple(row[c] for c in columns) for row in plan.rates] == [
        ("basic", 2, 180, 167, 13, 360),
        ("standard", 2, 360, 333, 27, 720),
    ]


def test_a_residual_above_the_pool_is_carried_forward_and_no_share_is_due():
    # 100 + 8 - 500 = -392: share 0, 392 carried
    history = History(last_pool={"critical_illness": {"period": "2020-11-P2", "carried_forward_fen": 500}})
    plan = plan_of(TEN, [claim(1, 1, approved_aid_fen=100)], history=history)
    assert (plan.pool["pool_fen"], plan.pool["billed_fen"], plan.pool["carried_forward_fen"]) == (-392, 0, 392)
    assert len(plan.bills) == 10
    assert_conserved(plan)


def test_the_fee_is_half_up_on_the_sum_and_rounded_up_per_case_for_the_cap():
    # 8% of 19 (= 6 + 13) is 1.52 -> 2; for the cap rounded up: of 6 it is 0.48 -> 1, of 13 it is 1.04 -> 2
    # cap 1 fen x 10: case 6 + 1 costs 7; case 13 + 2 = 15 is cut to 10 and 5 are sponsored
    platform = platform_with(UNCAPPED, "critical_illness", per_case_cap=1)
    plan = plan_of(TEN, [claim(1, 1, approved_aid_fen=6), claim(2, 2, approved_aid_fen=13)], platform)
    assert plan.pool["fee_fen"] == 2
    assert [row["sponsored_fen"] for row in plan.benefits] == [0, 5]
    assert plan.pool["pool_fen"] == 19 + 2 - 5
    # sponsored part of the fee: 2 x 5 / (20 + 5 + 0) = 0.4 -> 0, as 16 fen over 10 are 2 each
    assert (plan.fee["accrued_fen"], plan.fee["sponsored_fen"], plan.fee["outstanding_fen"]) == (2, 0, 2)


def test_the_cap_counts_members_by_weight_as_the_shares_do():
    # cap 100 fen x (5 + 4 / 2) = 700 of 1,080: 380 sponsored; 100 and 50 each. By heads: 900 / 7 = 129
    platform = platform_with(UNCAPPED, "critical_illness", per_case_cap=100)
    members = [member(n, tier="standard" if n <= 5 else "basic") for n in range(1, 10)]
    plan = plan_of(members, [claim(1, 1, tier="standard", approved_aid_fen=1_000)], platform)
    assert (plan.pool["case_sponsored_fen"], plan.pool["pool_fen"], plan.pool["carried_forward_fen"]) == (380, 700, 0)
    assert {(row["tier"], row["share_fen"]) for row in plan.rates} == {("standard", 100), ("basic", 50)}


def test_the_residual_brought_forward_bears_its_part_of_the_fee():
    # 1,080 claimed, 50 x 10 = 500 allowed: 580 sponsored; 500 - 20 = 480 due;
    # fee 80 x 580 / (480 + 580 + 20) = 42.96 -> 42
    history = History(last_pool={"critical_illness": {"period": "2020-11-P2", "carried_forward_fen": 20}})
    platform = platform_with(UNCAPPED, "critical_illness", per_case_cap=50)
    plan = plan_of(TEN, [claim(1, 1, approved_aid_fen=1_000)], platform, history=history)
    assert (plan.pool["due_fen"], plan.fee["sponsored_fen"], plan.fee["outstanding_fen"]) == (480, 42, 38)


def test_the_platform_sponsors_the_amount_above_the_cap_with_its_part_of_the_fee():
    # aid 10,000,000 + fee 800,000; 10 fen x 10 = 100 allowed; 10,799,900 sponsored;
    # fee 800,000 x 10,799,900 / 10,800,000
    plan = plan_of(TEN, [claim(1, 1)], XHB)
    assert (plan.pool["case_sponsored_fen"], plan.pool["due_fen"]) == (10_799_900, 100)
    assert (plan.fee["sponsored_fen"], plan.fee["outstanding_fen"]) == (799_992, 8)
    assert [(row["debit_account"], row["credit_account"], row["amount_fen"]) for row in plan.journal] == [
        ("pool", "benefits_payable", 10_000_000),
        ("pool", "fee_accrued", 800_000),
        ("members_receivable", "pool", 100),
        ("sponsor_receivable", "pool", 10_799_900),
    ]


# --- the sponsored part of a share


def test_the_yearly_cap_counts_every_spell_of_the_year_and_starts_again_in_january():
    # 1,080 over 10 = 108 each; cap 150: first 108, then 150 - 108 = 42 (66 sponsored); in January 108 and 42 again
    platform = platform_with(UNCAPPED, "critical_illness", yearly_cap=150)
    periods = ("2020-12-P1", "2020-12-P2", "2021-01-P1", "2021-01-P2")
    claims = [claim(n, n, publicity_period=p, approved_aid_fen=1_000) for n, p in enumerate(periods, 1)]
    switch = date(2020, 12, 14)
    spells = [member(10, exited_on=switch), member(10, tier="standard", joined_on=switch)]
    results = settle_all(World(platform, (*TEN[:9], *spells), tuple(claims)), periods[0], periods[-1])
    dues = [[r for r in s.rows("assessments") if r["member_id"] == 10][0] for s in results]
    assert [(r["due_fen"], r["sponsored_fen"], r["marker"]) for r in dues] == [
        (108, 0, None),
        (42, 66, "yearly_cap"),
        (108, 0, None),
        (42, 66, "yearly_cap"),
    ]


def test_the_waiver_sponsors_the_whole_share_of_members_who_joined_by_the_day():
    platform = platform_with(UNCAPPED, "critical_illness", first_month_waiver=date(2019, 6, 1))
    switched = [member(3, exited_on=date(2020, 9, 1)), member(3, joined_on=date(2020, 9, 1))]
    members = [member(1), member(2, joined_on=date(2019, 6, 2)), *switched, member(4, joined_on=date(2020, 9, 1))]
    plan = plan_of(members, [claim(1, 1, approved_aid_fen=1_000)], platform)
    # 1,080 over 4 = 270 each; a switch of tier is not a joining
    assert [(r["due_fen"], r["sponsored_fen"], r["marker"]) for r in plan.assessments] == [
        (0, 270, "first_month_waiver"),
        (270, 0, None),
        (0, 270, "first_month_waiver"),
        (270, 0, None),
    ]


def test_funded_periods_are_sponsored_in_full():
    platform = platform_with(
        UNCAPPED, "critical_illness", funded_periods=True, first_month_waiver=date(2020, 1, 1), yearly_cap=1
    )
    plan = plan_of(TEN, [claim(1, 1, approved_aid_fen=1_000)], platform)
    assert {(r["share_fen"], r["due_fen"], r["marker"]) for r in plan.assessments} == {(108, 0, "funded_period")}
    # the whole fee of 80 is sponsored: 80 x 1,080 / (0 + 1,080 + 0)
    assert (plan.fee["sponsored_fen"], plan.fee["outstanding_fen"]) == (80, 0)
    assert len(plan.bills) == 10


def test_beneficiaries_do_not_share_if_the_rules_say_so():
    platform = platform_with(UNCAPPED, "critical_illness", helped_member_shares=False, per_case_cap=100)
    plan = plan_of(TEN, [claim(1, 4, approved_aid_fen=1_000)], platform)
    # 1,080 claimed, 100 x 9 = 900 allowed: 180 sponsored; 900 over 9 = 100
    assert (plan.pool["covered_count"], plan.pool["case_sponsored_fen"]) == (9, 180)
    assert {r["share_fen"] for r in plan.assessments} == {100}
    assert 4 not in {r["member_id"] for r in plan.assessments}


# --- cover


@pytest.mark.parametrize(
    ("columns", "is_covered"),
    [
        ({"joined_on": date(2020, 12, 6)}, True),
        ({"joined_on": date(2020, 12, 7)}, False),
        ({"exited_on": date(2020, 12, 7)}, True),
        ({"exited_on": date(2020, 12, 6)}, False),
    ],
)
def test_cover_is_counted_at_midnight_of_the_publicity_day(columns, is_covered):
    plan = plan_of([member(1), member(2, **columns)], [])
    assert [r["member_id"] for r in plan.assessments] == ([1, 2] if is_covered else [1])


@pytest.mark.parametrize(
    ("ended_at", "is_covered"),
    [
        # 16:00 UTC is midnight in Shanghai
        (datetime(2020, 12, 6, 16, 0, tzinfo=UTC), False),
        (datetime(2020, 12, 6, 16, 0, 1, tzinfo=UTC), True),
    ],
)
def test_a_lapse_by_midnight_ends_cover_and_a_new_membership_is_covered(ended_at, is_covered):
    lapses = ({"plan_id": "critical_illness", "member_id": 2, "ended_at": ended_at},)
    plan = plan_of([member(1), member(2)], [], lapses=lapses)
    assert [r["member_id"] for r in plan.assessments] == ([1, 2] if is_covered else [1])
    again = [member(2, exited_on=date(2020, 12, 7)), member(2, joined_on=date(2020, 12, 10))]
    plan = plan_of([member(1), *again], [], period="2020-12-P2", lapses=lapses)
    assert [r["member_id"] for r in plan.assessments] == [1, 2]


# --- benefits


@pytest.mark.parametrize(
    ("columns", "marker"),
    [
        ({}, None),
        ({"diagnosed_on": date(2020, 12, 7), "approved_on": date(2020, 12, 7)}, None),
        ({"objection": "dismissed"}, None),
        ({"objection": "pending"}, "objection_pending"),
        ({"objection": "upheld"}, "objection_upheld"),
        # joined 2019-06-01: day 90 is 2019-08-30
        ({"diagnosed_on": date(2019, 8, 30)}, "in_waiting_period"),
        ({"diagnosed_on": date(2019, 8, 31)}, None),
        ({"diagnosed_on": date(2019, 8, 30), "accident": True}, None),
        # 300,000 yuan up to 39, 100,000 from 40: both sides of the 40th birthday
        ({"birth_date": date(1980, 10, 2), "approved_aid_fen": 30_000_000}, None),
        ({"birth_date": date(1980, 10, 1), "approved_aid_fen": 30_000_000}, "limited"),
        ({"birth_date": date(1980, 10, 1), "approved_aid_fen": 10_000_000}, None),
        ({"birth_date": date(1960, 10, 2)}, None),
        ({"birth_date": date(1960, 10, 1)}, "age_outside_limits"),
        # light thyroid cancer is not helped from 2020-01-01 on, by the day of diagnosis
        ({"illness_code": "thyroid_cancer", "severity": "light", "diagnosed_on": date(2020, 1, 1)}, "illness_removed"),
        ({"illness_code": "thyroid_cancer", "severity": "light", "diagnosed_on": date(2019, 12, 31)}, "limited"),
        ({"illness_code": "thyroid_cancer", "diagnosed_on": date(2020, 1, 1)}, None),
    ],
)
def test_the_marker_of_a_claim(columns, marker):
    assert marker_of(claim(1, 1, **columns)) == marker


def test_the_limit_of_an_illness_starts_on_its_day():
    """Light thyroid cancer: 50,000 yuan if diagnosed from 2019-05-01 on, 300,000 before."""
    early = [member(1, joined_on=date(2018, 11, 1)), *TEN[1:]]
    thyroid = {"illness_code": "thyroid_cancer", "severity": "light", "approved_aid_fen": 30_000_000}
    aid = lambda on: plan_of(early, [claim(1, 1, diagnosed_on=on, **thyroid)]).pool["benefit_fen"]  # noqa: E731
    assert (aid(date(2019, 4, 30)), aid(date(2019, 5, 1))) == (30_000_000, 5_000_000)


def test_a_plan_helps_its_own_illnesses_only():
    old = [member(n, "senior_cancer") for n in range(1, 4)]
    stroke_claim = claim(1, 1, "senior_cancer", illness_code="stroke")
    assert marker_of(stroke_claim, old, plan_id="senior_cancer") == "illness_not_in_plan"


def test_a_member_born_on_29_february_has_his_birthday_on_1_march():
    leapling = date(1980, 2, 29)
    days = (date(2019, 2, 28), date(2019, 3, 1), date(2020, 2, 28), date(2020, 2, 29))
    assert [age_on(leapling, day) for day in days] == [38, 39, 39, 40]


def test_a_member_is_helped_once_in_a_membership():
    first = claim(1, 1, approved_on=date(2020, 11, 2))
    second = claim(2, 1, illness_code="stroke", approved_on=date(2020, 11, 1))
    benefits = plan_of(TEN, [first, second]).benefits
    assert [(b["claim_id"], b["marker"]) for b in benefits] == [(2, None), (1, "already_helped")]
    struck_out = {**second, "objection": "pending"}
    benefits = plan_of(TEN, [first, struck_out]).benefits
    assert [(b["claim_id"], b["marker"]) for b in benefits] == [(2, "objection_pending"), (1, None)]


@pytest.mark.parametrize(
    ("joined_again_on", "marker"),
    [(date(2020, 4, 1), "already_helped"), (date(2020, 4, 2), None)],
)
def test_a_member_may_be_helped_again_after_rejoining_but_not_after_a_switch_of_tier(joined_again_on, marker):
    spells = [member(1, exited_on=date(2020, 4, 1)), member(1, tier="basic", joined_on=joined_again_on)]
    claims = [
        claim(1, 1, diagnosed_on=date(2020, 3, 1), approved_on=date(2020, 3, 2)),
        claim(2, 1, tier="basic", illness_code="stroke", publicity_period="2020-12-P2"),
    ]
    world = World(UNCAPPED, (*spells, *TEN[1:]), tuple(claims))
    second = settle_all(world, PERIOD, "2020-12-P2")[1].plans["critical_illness"]
    assert [b["marker"] for b in second.benefits] == [marker]


def test_a_claim_counts_once_and_a_pending_one_may_be_publicised_again():
    third = {"publicity_period": "2021-01-P1"}
    later = {"publicity_period": "2020-12-P2"}
    claims = [claim(1, 1), claim(1, 1, **third), claim(2, 2, objection="pending"), claim(2, 2, **later)]
    results = settle_all(World(UNCAPPED, tuple(TEN), tuple(claims)), PERIOD, "2021-01-P1")
    markers = [[(b["claim_id"], b["marker"]) for b in s.rows("benefits")] for s in results]
    assert markers == [[(1, None), (2, "objection_pending")], [(2, None)], [(1, "counted_before")]]


# --- the gate


def test_a_payer_need_not_be_a_member_of_any_plan():
    # 1,080 over 12 = 90 each; 77,777 pays for two children and is in no plan
    children = [member(11, payer_id=77_777), member(12, payer_id=77_777)]
    plan = plan_of([*TEN, *children], [claim(1, 1, approved_aid_fen=1_000)])
    assert [row["due_fen"] for row in plan.assessments if row["payer_id"] == 77_777] == [90, 90]
    assert [(row["member_count"], row["due_fen"]) for row in plan.bills if row["payer_id"] == 77_777] == [(2, 180)]


def test_every_kind_of_bad_member_is_held_for_it():
    kinds = bad_members(member, "critical_illness", date(2019, 6, 1))
    result = settled([*TEN, *(row for _, rows in kinds for row in rows)], [])
    assert {reason for reason, _ in kinds} == MEMBER_REASONS
    for reason, rows in kinds:
        for row in rows:
            assert [reason in held.reasons for held in result.held_members if held.row is row] == [True], (reason, row)
    assert len(result.plans["critical_illness"].assessments) == 10
    several = result.held_members[-1].reasons
    assert several == (
        "member_birth_date_missing", "member_payer_missing", "member_sex_unknown", "member_tier_unknown",
        "member_waiting_end_missing",
    )  # fmt: skip


def test_every_kind_of_bad_claim_is_held_for_it():
    members = [member(n) for n in range(1, 51)]
    ids = iter(range(1_000, 2_000))
    kinds = bad_claims(claim, lambda: next(ids), list(range(11, 51)), date(2019, 6, 1), date(2020, 12, 7))
    result = settled(members, [claim(1, 1), *(row for _, rows in kinds for row in rows)])
    assert {reason for reason, _ in kinds} == CLAIM_REASONS
    for reason, rows in kinds:
        for row in rows:
            assert [reason in held.reasons for held in result.held_claims if held.row is row] == [True], (reason, row)
    assert [b["claim_id"] for b in result.rows("benefits")] == [1]


def test_spells_that_touch_do_not_overlap_and_all_of_three_that_do_are_held():
    touching = [member(1, exited_on=date(2020, 1, 1)), member(1, joined_on=date(2020, 1, 1))]
    born_that_day = member(3, birth_date=date(2019, 6, 1))
    assert plan_of([*touching, born_that_day], []).pool["covered_count"] == 2
    nested = [
        member(2),
        member(2, joined_on=date(2019, 7, 1), exited_on=date(2019, 8, 1)),
        member(2, joined_on=date(2020, 1, 1)),
    ]
    held = settled([*touching, *nested], []).held_members
    assert [h.reasons for h in held] == [("member_spells_overlap",)] * 3


def test_an_illness_counted_before_is_held_under_another_claim_id():
    claims = [claim(1, 1), claim(2, 1, publicity_period="2020-12-P2")]
    second = settle_all(World(UNCAPPED, tuple(TEN), tuple(claims)), PERIOD, "2020-12-P2")[1]
    assert [(h.row["claim_id"], h.reasons) for h in second.held_claims] == [(2, ("claim_illness_claimed_twice",))]


def test_plans_that_cannot_be_settled_are_refused_and_the_others_are_settled():
    result = settled(TEN, [claim(1, 1, "senior_cancer"), claim(2, 2)])
    assert (list(result.plans), list(result.refused)) == (["critical_illness"], ["senior_cancer"])
    assert set(result.skipped) == {"chronic", "transport_accident"}
    for fewest, is_settled in ((10, True), (11, False)):
        platform = platform_with(UNCAPPED, "critical_illness", minimum_members=fewest)
        assert ("critical_illness" in settled(TEN, [], platform).plans) is is_settled
    skipping = History(last_pool={"critical_illness": {"period": "2020-11-P1", "carried_forward_fen": 0}})
    assert "2020-11-P2 is not settled" in settled(TEN, [], history=skipping).refused["critical_illness"]


def test_a_day_without_a_rule_is_an_error_never_a_zero():
    members = [member(1, joined_on=date(2018, 1, 1)), *TEN[1:]]
    with pytest.raises(RuleNotInForce):
        settled(members, [claim(1, 1, diagnosed_on=date(2018, 10, 15))])


# --- worlds


def test_the_seeded_worlds_have_every_reason_and_marker_in_24_periods():
    reasons, markers, refused = set(), set(), set()
    for seed in range(5):
        results = settle_all(small_world(XHB, seed), "2019-07-P1", "2020-06-P2")
        assert len(results) == 24
        reasons |= {r for s in results for held in (*s.held_members, *s.held_claims) for r in held.reasons}
        markers |= {row["marker"] for s in results for row in s.rows("benefits")}
        refused |= {why for s in results for why in s.refused.values()}
    assert reasons == MEMBER_REASONS | CLAIM_REASONS
    assert markers == MARKERS
    assert not refused


def test_a_seed_gives_the_same_world_again():
    assert small_world(XHB, 7) == small_world(XHB, 7) != small_world(XHB, 8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(XHB))
def test_conservation_holds_in_every_period_of_every_world(world):
    carried_fen = {}
    for result in settle_all(world, "2019-07-P1", "2020-06-P2"):
        for plan_id, plan in result.plans.items():
            assert_conserved(plan)
            assert plan.pool["brought_forward_fen"] == carried_fen.get(plan_id, 0)
            carried_fen[plan_id] = plan.pool["carried_forward_fen"]


@settings(max_examples=100, deadline=None)
@given(tiny_worlds(XHB, ("2020-12-P1", "2020-12-P2", "2021-01-P1")), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(world, random):
    members, claims = random.sample(world.members, len(world.members)), random.sample(world.claims, len(world.claims))
    shuffled = replace(world, members=tuple(members), claims=tuple(claims))
    assert settle_all(shuffled, PERIOD, "2021-01-P1") == settle_all(world, PERIOD, "2021-01-P1")


# --- released rows


def test_a_released_member_is_covered_and_one_of_several_equal_rows_is():
    odd = member(11, sex="X")
    before = settled([*TEN, odd], [claim(1, 1, approved_aid_fen=900)])
    assert len(before.held_members) == 1 and before.plans["critical_illness"].pool["covered_count"] == 10
    after = settled([*TEN, odd, odd], [claim(1, 1, approved_aid_fen=900)], released=(odd,))
    assert after.plans["critical_illness"].pool["covered_count"] == 11
    assert [held.reasons for held in after.held_members] == [("member_duplicated", "member_sex_unknown")]


def test_a_released_claim_counts_in_the_next_settlement_once():
    odd = claim(1, 1, sex="X", approved_aid_fen=900)
    first = settled(TEN, [odd])
    assert len(first.held_claims) == 1 and first.plans["critical_illness"].pool["benefit_fen"] == 0
    history, benefits_fen = History().after(first), []
    for period in ("2020-12-P2", "2021-01-P1"):
        now = settled(TEN, [odd], period=period, history=history, released=(odd,))
        assert not now.held_claims
        benefits_fen.append(now.plans["critical_illness"].pool["benefit_fen"])
        assert_conserved(now.plans["critical_illness"])
        history = history.after(now)
    assert benefits_fen == [900, 0]


def test_the_released_one_of_two_claims_with_one_id_counts():
    true, other = claim(1, 1, approved_aid_fen=900), claim(1, 2, approved_aid_fen=500)
    second = settled(TEN, [true, other], period="2020-12-P2", history=History().after(settled(TEN, [true, other])),
                     released=(true,))  # fmt: skip
    (benefit,) = second.plans["critical_illness"].benefits
    assert (benefit["member_id"], benefit["benefit_fen"]) == (1, 900)
