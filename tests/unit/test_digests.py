"""Inputs of stored digests: the rule values that affect the period; not Python names, texts or the calendar's end."""

from dataclasses import make_dataclass, replace
from datetime import date

import pytest

from jobs.base.canonical import canonical_digest, canonical_json
from jobs.register.code import meaning_of
from jobs.rulebook.calendar import Period
from jobs.rulebook.rules import Account
from tests.worlds import platform_with

PERIOD = Period(2020, 12, 1)
PLANS = ("critical_illness", "senior_cancer")
GOLDEN = ("65ce654aa6a3feca", "983bc209377fac00", "aae36e791cf6bb6f", "512fa4871563e6f3", "e68dd3194d510127")


def digests(platform) -> tuple:
    """Every digest of rules that a run of the period stores."""
    return (
        canonical_digest(platform.settlement_rules(PERIOD, PLANS)),
        canonical_digest(platform.collection_rules(PERIOD)),
        canonical_digest(platform.closing_rules(PERIOD)),
        *(platform.plans[p].version_on(date(2020, 12, 7)) for p in PLANS),
    )


def test_canonical_json_of_a_value_is_unique():
    assert canonical_json({"b": (date(2020, 12, 7), None, True), "a": {2: "湖"}}) == (
        '{"a":{"2":"\\u6e56"},"b":["2020-12-07",null,true]}'
    )


@pytest.mark.parametrize("value", [1.0, {1, 2}, make_dataclass("X", ["a"])(1)], ids=["float", "set", "object"])
def test_a_value_without_canonical_form_is_refused(value):
    with pytest.raises(TypeError, match="no canonical form"):
        canonical_json({"a": [value]})


def test_digests_are_those_of_the_values_written_here(xianghubao):
    """If this fails, every recorded run has another id: change the digests here only if rule values changed."""
    stated = xianghubao.plans["critical_illness"].stated(date(2020, 12, 7))
    assert stated["fee_rate"] == {"unit": "ppm", "values": {"2018-10-16": 80_000}}
    assert stated["benefit_limits"]["values"]["2018-10-16"][0] == {
        "tier": "standard", "severity": "severe", "ages": "0-39", "limit_fen": 30_000_000,
    }  # fmt: skip
    assert digests(xianghubao) == GOLDEN


def test_values_that_do_not_affect_the_period_change_no_digest(xianghubao):
    calendar = replace(xianghubao.calendar, last_period=Period(2030, 12, 2), publicity_days=9)
    described = tuple(Account(a.account, a.kind, "other words") for a in xianghubao.accounts)
    illnesses = {**xianghubao.illnesses, "new_illness": {"en": "new", "zh": "新"}}
    other = replace(xianghubao, calendar=calendar, accounts=described, illnesses=illnesses)
    assert digests(other) == digests(xianghubao)


def test_the_end_of_the_calendar_changes_no_digest(xianghubao):
    ending = replace(xianghubao, calendar=replace(xianghubao.calendar, last_period=Period(2020, 12, 2)))
    assert digests(ending) == digests(xianghubao)


def test_a_value_that_affects_the_period_changes_the_digest_of_its_plan(xianghubao):
    before, after = digests(xianghubao), digests(platform_with(xianghubao, "senior_cancer", fee_rate=90_000))
    assert [a != b for a, b in zip(before, after, strict=True)] == [True, False, False, False, True]


def test_rules_of_other_plans_do_not_affect_a_run(xianghubao):
    other = platform_with(xianghubao, "chronic", fee_rate=90_000)
    assert digests(other) == digests(xianghubao)


BEFORE = '''
"""A module."""
def f(x):
    """Doubles."""
    return x * 2  # twice
class C:
    """Nothing."""
'''


@pytest.mark.parametrize(
    ("after", "same"),
    [
        (BEFORE.replace("Doubles.", "Gives twice as much.").replace("  # twice", ""), True),
        (BEFORE.replace("def f", "\n\ndef f").replace("A module.", ""), True),
        (BEFORE.replace("x * 2", "(x * 2)"), True),
        (BEFORE.replace("* 2", "* 3"), False),
        (BEFORE.replace("return x", "return -x"), False),
    ],
)
def test_the_code_version_ignores_comments_docstrings_and_layout(after, same):
    assert (meaning_of(after) == meaning_of(BEFORE)) is same
