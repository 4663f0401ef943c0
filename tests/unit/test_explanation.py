"""Explanations: rows that follow from the rules are explained; a row that does not follow is named with both amounts.

The world: ten standard members, one case of 90 fen. 90 and a fee of 8 %, 7.2 -> 7 fen, less 2 fen brought forward:
a pool of 95. Each member pays 10 fen, 100 are billed, 5 carried forward. Under `exact` each pays 9 fen and 5 members
pay one fen more.
"""

from dataclasses import replace
from datetime import date

import pytest

from jobs.explaining.explanation import explain
from jobs.explaining.facts import MemberFacts
from jobs.rulebook import load_platform
from jobs.rulebook.rules import Plan, RuleValue

DAY = date(2020, 12, 7)
MEMBER, PAYER, COVERED_COUNT = 7, 1, 10
SPELL = {"tier": "standard", "payer_id": PAYER, "joined_on": date(2019, 6, 1), "waiting_ends_on": date(2019, 8, 30),
         "exited_on": None}  # fmt: skip
BENEFIT = {"member_id": 3, "counted": True, "benefit_fen": 90, "sponsored_fen": 0, "marker": None}
POOL = {"case_count": 1, "benefit_fen": 90, "fee_fen": 7, "brought_forward_fen": 2, "case_sponsored_fen": 0,
        "pool_fen": 95, "covered_count": COVERED_COUNT, "billed_fen": 100, "carried_forward_fen": 5,
        "rounding": "ceil_fen"}  # fmt: skip
EXACT_POOL = {**POOL, "billed_fen": 95, "carried_forward_fen": 0, "rounding": "exact"}
RATE = {"tier": "standard", "covered_count": COVERED_COUNT, "weight_ppm": 1_000_000, "share_fen": 10}


@pytest.fixture(scope="module")
def plan() -> Plan:
    return load_platform("xianghubao").plans["critical_illness"]


def with_rules(plan: Plan, **values) -> Plan:
    """The plan with these rule values, in force since 2000."""
    ruled = {
        name: replace(plan.rules[name], values=(RuleValue(date(2000, 1, 1), value, "a test", date(2000, 1, 1)),))
        for name, value in values.items()
    }
    return replace(plan, rules={**plan.rules, **ruled})


def assessed(share_fen: int, sponsored_fen: int = 0, marker: str | None = None, **values) -> dict:
    due_fen = share_fen - sponsored_fen
    return {"tier": "standard", "payer_id": PAYER, "share_fen": share_fen, "sponsored_fen": sponsored_fen,
            "due_fen": due_fen, "marker": marker, **values}  # fmt: skip


def bill(due_fen: int, member_count: int = 1) -> dict:
    return {"due_fen": due_fen, "member_count": member_count}


def collected(due_fen: int, collected_fen: int, status: str) -> dict:
    return {"due_fen": due_fen, "collected_fen": collected_fen, "status": status, "collected_on": None}


def known(plan: Plan, **values) -> MemberFacts:
    """A covered member with a share of 10 fen, billed alone; keyword arguments override the defaults."""
    row = values.get("assessment", assessed(10))
    usual = {
        "plan": plan, "period": "2020-12-P1", "publicity_on": DAY, "spells": [SPELL], "held": [], "lapsed_on": [],
        "lapsed_since": [], "pool": POOL, "rates": [RATE], "benefits": [BENEFIT], "brought_forward_fen": 2,
        "borne_fen": 0, "members_before": None, "helped": False, "assessment": row,
        "bill": bill(row["due_fen"]) if row else None,
    }  # fmt: skip
    return MemberFacts(**{**usual, **values})


def exact(plan: Plan, share_fen: int, members_before: int) -> MemberFacts:
    """The same under exact rounding: a member with fewer than five members before him pays one fen more."""
    row = assessed(share_fen)
    return known(
        with_rules(plan, rounding="exact"), pool=EXACT_POOL, rates=[{**RATE, "share_fen": 9}], assessment=row,
        members_before=members_before,
    )  # fmt: skip


def capped(plan: Plan, sponsored_fen: int, borne_fen: int) -> MemberFacts:
    return known(
        with_rules(plan, yearly_cap=100), assessment=assessed(10, sponsored_fen, "yearly_cap"), borne_fen=borne_fen
    )


def sponsored(plan: Plan, sponsored_fen: int, marker: str | None, **rules) -> MemberFacts:
    return known(with_rules(plan, **rules), assessment=assessed(10, sponsored_fen, marker))


WAIVED, NOT_WAIVED = {"first_month_waiver": date(2019, 6, 1)}, {"first_month_waiver": date(2019, 5, 31)}
SWITCHED = [{**SPELL, "joined_on": date(2019, 1, 1), "exited_on": date(2019, 6, 1)}, SPELL]
LAPSE = date(2020, 11, 26)
GONE = "source/members, version 3, which run settle-x read, is gone: the table was dropped."

GOOD = {
    "a share": lambda plan: known(plan),
    "chosen under exact rounding": lambda plan: exact(plan, 10, members_before=4),
    "not chosen under exact rounding": lambda plan: exact(plan, 9, members_before=5),
    "up to the yearly cap": lambda plan: known(with_rules(plan, yearly_cap=100), borne_fen=90),
    "above the yearly cap": lambda plan: capped(plan, 4, borne_fen=94),
    "the yearly cap used up": lambda plan: capped(plan, 10, borne_fen=100),
    "waived": lambda plan: sponsored(plan, 10, "first_month_waiver", **WAIVED),
    "waived, by his first tier": lambda plan: replace(
        sponsored(plan, 10, "first_month_waiver", **NOT_WAIVED), spells=SWITCHED
    ),
    "funded": lambda plan: sponsored(plan, 10, "funded_period", funded_periods=True),
    "lapsed": lambda plan: known(plan, assessment=None, lapsed_on=[LAPSE]),
    "lapsed, as published again since": lambda plan: known(plan, assessment=None, lapsed_since=[LAPSE]),
    "lapsed in a tier whose row is held": lambda plan: known(
        plan, assessment=None, lapsed_on=[date(2019, 5, 20)], spells=SWITCHED,
        held=[{**SWITCHED[0], "reasons": ["member_sex_unknown"]}]),
    "assessed before the lapse was known": lambda plan: known(plan, lapsed_since=[LAPSE]),
    "exited": lambda plan: known(plan, assessment=None, spells=[{**SPELL, "exited_on": date(2020, 12, 6)}]),
    "held": lambda plan: known(plan, assessment=None, held=[{**SPELL, "reasons": ["member_sex_unknown"]}]),
    "helped, not sharing": lambda plan: known(
        with_rules(plan, helped_member_shares=False), assessment=None, helped=True
    ),
    "helped, sharing": lambda plan: known(plan, helped=True),
    "billed with others": lambda plan: known(plan, bill=bill(30, member_count=3)),
    "collected": lambda plan: known(plan, collection=collected(10, 10, "collected")),
    "in arrears": lambda plan: known(plan, collection=collected(10, 0, "in_grace")),
    "the residual of dues written off": lambda plan: known(plan, brought_forward_fen=None),
    "the source gone": lambda plan: known(plan, spells=[], source_gone=GONE),
    "the source gone, waived": lambda plan: replace(
        sponsored(plan, 10, "first_month_waiver", **WAIVED), spells=[], source_gone=GONE
    ),
    "the source gone, not waived": lambda plan: replace(
        sponsored(plan, 0, None, **WAIVED), spells=[], source_gone=GONE
    ),
    "the source gone, no assessment": lambda plan: known(plan, assessment=None, spells=[], source_gone=GONE),
}  # fmt: skip


@pytest.mark.parametrize("case", GOOD)
def test_rows_that_follow_from_the_rules_are_explained_without_a_mark(plan, case):
    explanation = explain(GOOD[case](plan))
    assert explanation["follows"], [step for step in explanation["steps"] if step["name"] == "does not follow"]
    assert "does not follow" not in {step["name"] for step in explanation["steps"]}


def test_without_the_source_the_cover_is_unknown_and_the_reason_is_given(plan):
    explanation = explain(known(plan, spells=[], source_gone=GONE))
    assert (explanation["source_gone"], explanation["cover"], explanation["due_fen"]) == (GONE, "unknown", 10)
    assert explanation["steps"][0]["name"] == "source gone" and GONE in explanation["steps"][0]["says"]
    nothing = explain(known(plan, assessment=None, spells=[], source_gone=GONE))
    assert nothing["charged"] is False and nothing["because"].startswith("Not charged; why not cannot be shown")
    wrong = explain(known(plan, assessment=assessed(11), spells=[], source_gone=GONE))
    assert wrong["follows"] is False, "what can be computed again is still compared"
    assert explain(known(plan))["source_gone"] is None


def test_only_chosen_members_have_the_step_one_fen_more(plan):
    names = {before: [step["name"] for step in explain(exact(plan, 10, before))["steps"]] for before in (4, 5)}
    assert "one fen more" in names[4] and "one fen more" not in names[5]


SHARE, SPONSORED, DUE = (f"settled/assessments, {name}_fen" for name in ("share", "sponsored", "due"))
# name: (rows, mark: place, stored value, expected value; None: not an amount)
WRONG = {
    "one fen too much under ceil_fen": (lambda plan: known(plan, assessment=assessed(11)), [(SHARE, 11, 10)]),
    "one fen too little": (lambda plan: known(plan, assessment=assessed(9)), [(SHARE, 9, 10)]),
    "300 fen too much": (lambda plan: known(plan, assessment=assessed(310)), [(SHARE, 310, 10)]),
    "one fen more, not chosen": (lambda plan: exact(plan, 10, members_before=5), [(SHARE, 10, 9)]),
    "two fen more, chosen": (lambda plan: exact(plan, 11, members_before=4), [(SHARE, 11, 10)]),
    "no fen more, chosen": (lambda plan: exact(plan, 9, members_before=4), [(SHARE, 9, 10)]),
    "sponsored without a reason": (
        lambda plan: known(plan, assessment=assessed(10, 4)), [(SPONSORED, 4, 0)]),
    "sponsored without a reason but a marker": (
        lambda plan: known(plan, assessment=assessed(10, 4, "yearly_cap")),
        [(SPONSORED, 4, 0), ("settled/assessments, marker", None, None)]),
    "a funded period charged": (
        lambda plan: sponsored(plan, 0, None, funded_periods=True),
        [(SPONSORED, 0, 10), ("settled/assessments, marker", None, None)]),
    "waived in part": (lambda plan: sponsored(plan, 9, "first_month_waiver", **WAIVED), [(SPONSORED, 9, 10)]),
    "waived, joined too late": (
        lambda plan: sponsored(plan, 10, "first_month_waiver", **NOT_WAIVED),
        [(SPONSORED, 10, 0), ("settled/assessments, marker", None, None)]),
    "capped with the wrong room": (lambda plan: capped(plan, 5, borne_fen=94), [(SPONSORED, 5, 4)]),
    "above the cap and not capped": (
        lambda plan: known(with_rules(plan, yearly_cap=100), borne_fen=94),
        [(SPONSORED, 0, 4), ("settled/assessments, marker", None, None)]),
    "due wrong": (lambda plan: known(plan, assessment=assessed(10, due_fen=13)), [(DUE, 13, 10)]),
    "lapsed with an assessment": (lambda plan: known(plan, lapsed_on=[LAPSE]), [("settled/assessments", 10, 0)]),
    "no membership, but an assessment": (lambda plan: known(plan, spells=[]), [("settled/assessments", 10, 0)]),
    "held, but an assessment": (
        lambda plan: known(plan, held=[{**SPELL, "reasons": ["member_sex_unknown"]}]),
        [("settled/assessments", 10, 0)]),
    "helped, not to share, but an assessment": (
        lambda plan: known(with_rules(plan, helped_member_shares=False), helped=True),
        [("settled/assessments", 10, 0)]),
    "covered without an assessment": (
        lambda plan: known(plan, assessment=None), [("settled/assessments", 0, 10)]),
    "helped, to share, without an assessment": (
        lambda plan: known(plan, assessment=None, helped=True), [("settled/assessments", 0, 10)]),
    "another tier": (
        lambda plan: known(plan, spells=[{**SPELL, "tier": "basic"}]), [("settled/assessments, tier", None, None)]),
    "another payer": (
        lambda plan: known(plan, spells=[{**SPELL, "payer_id": 2}]),
        [("settled/assessments, payer_id", None, None)]),
    "fee wrong": (lambda plan: known(plan, pool={**POOL, "fee_fen": 8}), [("settled/pools, fee_fen", 8, 7)]),
    "pool wrong": (
        lambda plan: known(plan, pool={**POOL, "pool_fen": 96, "carried_forward_fen": 4}),
        [("settled/pools, pool_fen", 96, 95)]),
    "benefits wrong": (
        lambda plan: known(plan, benefits=[{**BENEFIT, "benefit_fen": 91}]),
        [("settled/pools, benefit_fen", 90, 91), ("settled/pools, pool_fen", 95, 96)]),
    "the platform bears of a case": (
        lambda plan: known(plan, benefits=[{**BENEFIT, "sponsored_fen": 5}]),
        [("settled/benefits, sponsored_fen", 5, 0)]),
    "the platform bears less than the rules say": (  # cap 5 fen x 10 members: 90 + 8 costs 98, 48 above 50
        lambda plan: known(with_rules(plan, per_case_cap=5), benefits=[{**BENEFIT, "sponsored_fen": 47}],
                           pool={**POOL, "case_sponsored_fen": 47, "pool_fen": 48, "billed_fen": 50,
                                 "carried_forward_fen": 2}, rates=[{**RATE, "share_fen": 5}], assessment=assessed(5)),
        [("settled/pools, case_sponsored_fen", 47, 48), ("settled/benefits, sponsored_fen", 47, 48),
         ("settled/pools, pool_fen", 48, 47)]),
    "a case too many": (
        lambda plan: known(plan, pool={**POOL, "case_count": 2}), [("settled/pools, case_count", None, None)]),
    "brought forward wrong": (
        lambda plan: known(plan, brought_forward_fen=3),
        [("settled/pools, brought_forward_fen", 2, 3), ("settled/pools, pool_fen", 95, 94)]),
    "carried forward wrong": (
        lambda plan: known(plan, pool={**POOL, "carried_forward_fen": 4}),
        [("settled/pools, carried_forward_fen", 4, 5)]),
    "billed wrong": (
        lambda plan: known(plan, pool={**POOL, "billed_fen": 101}), [("settled/pools, billed_fen", 101, 100)]),
    "another rounding than the rules'": (
        lambda plan: known(plan, pool={**POOL, "rounding": "half_up"}), [("settled/pools, rounding", None, None)]),
    "another weight than the rules'": (
        lambda plan: known(plan, rates=[{**RATE, "weight_ppm": 7}]), [("settled/rates, weight_ppm", None, None)]),
    "the rate wrong": (
        lambda plan: known(plan, rates=[{**RATE, "share_fen": 11}]), [("settled/rates, share_fen", 11, 10)]),
    "the head count wrong": (
        lambda plan: known(plan, pool={**POOL, "covered_count": 11}),
        [("settled/pools, covered_count", None, None)]),
    "not billed": (lambda plan: known(plan, bill=None), [("settled/bills, due_fen", 0, 10)]),
    "billed too much, alone": (lambda plan: known(plan, bill=bill(11)), [("settled/bills, due_fen", 11, 10)]),
    "billed less than his due": (
        lambda plan: known(plan, bill=bill(9, member_count=2)), [("settled/bills, due_fen", 9, 10)]),
    "collected more than the due": (
        lambda plan: known(plan, collection=collected(10, 11, "collected")),
        [("settled/collections, collected_fen", 11, 10)]),
    "collected, but not whole": (
        lambda plan: known(plan, collection=collected(10, 9, "netted")),
        [("settled/collections, collected_fen", 9, 10)]),
    "collected whole, but in arrears": (
        lambda plan: known(plan, collection=collected(10, 10, "in_grace")),
        [("settled/collections, collected_fen", 10, 9)]),
    "another due collected": (
        lambda plan: known(plan, collection=collected(12, 10, "collected")),
        [("settled/collections, due_fen", 12, 10)]),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_row_that_does_not_follow_is_reported_with_both_amounts_and_the_difference(plan, case):
    rows_of, expected = WRONG[case]
    explanation = explain(rows_of(plan))
    assert explanation["follows"] is False
    marked = [step for step in explanation["steps"] if step["name"] == "does not follow"]
    for step, (place, stored, follows) in zip(marked, expected, strict=True):
        for language, opening in (("says", "Does not follow: "), ("says_zh", "与规则不符：")):
            assert step[language].startswith(f"{opening}{place}"), step[language]
            if stored is not None:
                assert f"{stored} " in step[language] or f"{stored}分" in step[language]
                assert f"{follows} " in step[language] or f"{follows}分" in step[language]
                assert f"{stored - follows:+}" in step[language]
        assert step["amount_fen"] == (None if stored is None else stored - follows)
    if explanation["charged"]:
        assert "does not follow" in explanation["because"] and "与规则不符" in explanation["because_zh"]


def test_one_fen_more_does_not_follow_outside_exact_rounding(plan):
    for share_fen in (9, 11, 12, 310):
        names = [step["name"] for step in explain(known(plan, assessment=assessed(share_fen)))["steps"]]
        assert "one fen more" not in names and "does not follow" in names
