"""Age bands of benefit limits: on every day each age lies in exactly one band of its tier and severity."""

from datetime import date

import pytest

from jobs.base.errors import WrongUsage
from jobs.rulebook import load_platform
from tests.platforms import LONG_AGO, write_platform

PLAN = "critical_illness"
LATER = date(2020, 1, 1)


def limits(*ages: str, tiers=("standard", "basic"), severities=("severe", "light")) -> list[dict]:
    return [
        {"tier": tier, "severity": severity, "ages": band, "limit": 1_000}
        for tier in tiers
        for severity in severities
        for band in ages
    ]


def illness_bands(*ages: str) -> list[dict]:
    return [{"illness_code": "stroke", **limit} for limit in limits(*ages)]


def load(tmp_path, **rules):
    """The platform whose only plan has these rule values, by day or since LONG_AGO."""
    dated = {name: value if isinstance(value, dict) else {LONG_AGO: value} for name, value in rules.items()}
    write_platform(tmp_path / "platforms", "xianghubao", {PLAN: dated}, "2019-01-P2")
    return load_platform("xianghubao", tmp_path / "platforms")


WHOLE = limits("0-39", "40-59")
JOINING = {"joining_age_from": {LONG_AGO: 30}, "membership_end_age": {LONG_AGO: 60}}
WEIGHTS = {"standard": 1_000_000, "basic": 500_000}


@pytest.mark.parametrize(
    ("benefit_limits", "message"),
    [
        (limits("0-39", "41-59"), "no limit for age 40 (tier basic, severity severe)"),
        (limits("1-39", "40-59"), "no limit for age 0"),
        (limits("0-39", "40-58"), "no limit for age 59"),
        (limits("0-39", "40-59")[:-1], "no limit for age 40 (tier basic, severity light)"),
        (limits("0-59", severities=("severe",)), "no limit for age 0 (tier basic, severity light)"),
        (limits("0-59", tiers=("standard",)), "no limit for age 0 (tier basic, severity severe)"),
        ([], "no limit for age 0"),
        (limits("0-39", "39-59"), "two limits for age 39 (tier basic, severity light): ages 0-39 and 39-59"),
        (limits("0-59", "20-30"), "two limits for age 20"),
        (limits("0-59", "0-59"), "two limits for age 0"),
        (limits("0-59", "70-80", "75-90"), "two limits for age 75"),
        ({LONG_AGO: WHOLE, LATER: limits("0-39", "41-59")}, "values.2020-01-01.value: gives no limit for age 40"),
        ({LONG_AGO: limits("0-9"), LATER: WHOLE}, "values.2000-01-01.value: gives no limit for age 10"),
    ],
)
def test_a_gap_or_an_overlap_is_reported_with_its_age_tier_and_severity(tmp_path, benefit_limits, message):
    with pytest.raises(WrongUsage) as stop:
        load(tmp_path, **JOINING, benefit_limits=benefit_limits)
    assert f"xianghubao/plans/{PLAN}/benefit_limits.yaml: values." in str(stop.value)
    assert message in str(stop.value)


def test_limits_of_one_illness_may_omit_ages_but_not_overlap(tmp_path):
    load(tmp_path / "gap", illness_limits=illness_bands("0-9", "30-39"))
    with pytest.raises(WrongUsage, match=r"illness_limits.yaml.*two limits for age 9 .*stroke"):
        load(tmp_path / "overlap", illness_limits=illness_bands("0-9", "9-39"))


@pytest.mark.parametrize(
    ("rules", "missing_age"),
    [
        # The maximum age rises: from that day on older members need a limit.
        ({"membership_end_age": {LONG_AGO: 60, LATER: 65}, "benefit_limits": {LONG_AGO: WHOLE, LATER: WHOLE}}, 60),
        ({"membership_end_age": {LONG_AGO: 60, LATER: 65}, "benefit_limits": WHOLE}, 60),
        (
            {
                "membership_end_age": {LONG_AGO: 60, LATER: 65},
                "benefit_limits": {LONG_AGO: WHOLE, LATER: limits("0-64")},
            },
            None,
        ),
        # The maximum age falls: members who joined earlier keep the old maximum.
        ({"membership_end_age": {LONG_AGO: 65, LATER: 60},
          "benefit_limits": {LONG_AGO: limits("0-64"), LATER: WHOLE}}, 60),
        ({"membership_end_age": {LONG_AGO: None}, "benefit_limits": WHOLE}, 60),
        ({"membership_end_age": {LONG_AGO: None}, "benefit_limits": limits("0-150")}, None),
        # Ages below the minimum age of joining need no limit.
        ({"joining_age_from": {LONG_AGO: 21_915}, "membership_end_age": {LONG_AGO: None}, "joining_age_to": 70,
          "benefit_limits": limits("60-150")}, None),
        ({"joining_age_from": {LONG_AGO: 21_914}, "membership_end_age": {LONG_AGO: None}, "joining_age_to": 70,
          "benefit_limits": limits("60-150")}, 59),
        # A tier that opens later needs limits from the day on which it has a weight.
        ({"tier_weights": {LONG_AGO: {"standard": 1}, LATER: WEIGHTS},
          "benefit_limits": {LONG_AGO: limits("0-59", tiers=("standard",)), LATER: WHOLE}}, None),
        ({"tier_weights": {LONG_AGO: {"standard": 1}, LATER: WEIGHTS},
          "benefit_limits": limits("0-59", tiers=("standard",))}, 0),
    ],
)  # fmt: skip
def test_bands_must_cover_the_ages_and_tiers_of_the_other_rules_on_each_day(tmp_path, rules, missing_age):
    rules = JOINING | rules
    if missing_age is None:
        assert load(tmp_path, **rules).plans[PLAN]
    else:
        with pytest.raises(WrongUsage, match=f"no limit for age {missing_age} "):
            load(tmp_path, **rules)


def test_a_maximum_age_below_the_minimum_age_of_joining_is_refused(tmp_path):
    with pytest.raises(
        WrongUsage, match=r"membership_end_age.yaml: values: .*by 50, but members join from the age of 60"
    ):
        load(tmp_path, joining_age_from=21_915, membership_end_age=50)


@pytest.mark.parametrize(
    "ages", ["²-39", "0-³", "٣-39", "０-39", "39-0", "0-151", "-39", "0-", "0", "0--39", "0-39-59"]
)
def test_an_age_band_is_two_numbers_in_ascii_digits(tmp_path, ages):
    with pytest.raises(
        WrongUsage, match=r"benefit_limits.yaml: values.2000-01-01.value.0.ages: must be ages like 0-39"
    ):
        load(tmp_path, benefit_limits=limits(ages))
