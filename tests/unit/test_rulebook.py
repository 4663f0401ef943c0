"""Rules are dated, cited values: both sides of each change, and every fault of a file told with file and key."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from jobs.errors import WrongUsage
from jobs.rulebook import load_platform, platform_ids
from jobs.rulebook.rules import RuleNotInForce

SHIPPED = Path(__file__).resolve().parents[2] / "conf" / "platforms"


def stretch(plan, diagnosed_on):
    return next(r for r in reversed(plan.benefit_rules()) if r.from_on <= diagnosed_on)


def test_every_shipped_platform_loads_and_cites_every_value():
    assert platform_ids() == ("meituan_huzhu", "xianghubao")
    for platform_id in platform_ids():
        for plan in load_platform(platform_id).plans.values():
            assert all(value.reference for rule in plan.rules.values() for value in rule.values)


@pytest.mark.parametrize(
    ("day", "limited", "removed"),
    [("2019-04-30", 0, 0), ("2019-05-01", 3, 0), ("2019-12-31", 3, 0), ("2020-01-01", 3, 2)],
)
def test_light_thyroid_cancer_is_limited_and_later_removed_by_day_of_diagnosis(xianghubao, day, limited, removed):
    rules = stretch(xianghubao.plans["critical_illness"], date.fromisoformat(day))
    assert len([limit for limit in rules.limits if limit.illness_code == "thyroid_cancer"]) == limited
    assert len(rules.removed_illnesses) == removed


@pytest.mark.parametrize(("day", "funded"), [("2021-11-20", False), ("2021-11-21", True), ("2021-12-21", True)])
def test_the_last_three_periods_are_funded(xianghubao, day, funded):
    assert xianghubao.plans["critical_illness"].sharing_on(date.fromisoformat(day)).funded is funded


@pytest.mark.parametrize(("day", "cap_fen"), [("2020-12-21", 18_800), ("2021-01-01", None)])
def test_the_yearly_cap_ends_with_2020(xianghubao, day, cap_fen):
    assert xianghubao.plans["critical_illness"].sharing_on(date.fromisoformat(day)).yearly_cap_fen == cap_fen


def test_a_rule_not_in_force_is_an_error(xianghubao):
    plan = xianghubao.plans["critical_illness"]
    with pytest.raises(RuleNotInForce, match="fee_rate"):
        plan.sharing_on(plan.rules["fee_rate"].values[0].from_on - timedelta(days=1))


def test_a_value_of_the_future_does_not_change_the_version_of_the_past(xianghubao):
    plan = xianghubao.plans["critical_illness"]
    assert plan.version_on(date(2019, 6, 21)) == plan.version_on(date(2019, 7, 7))
    assert plan.version_on(date(2019, 12, 31)) != plan.version_on(date(2020, 1, 1))


FEE = "plans/critical_illness/fee_rate.yaml"
FAULTS = [
    (FEE, "unit: ppm", "unit: percent", "fee_rate is given in ppm"),
    (FEE, "unit: ppm\n", "", "unit: is missing"),
    (FEE, "value: 80000", "value: 0.08", "a fraction"),
    (FEE, "value: 80000", "value: null", "cannot be abolished"),
    (FEE, "value: 80000", "value: true", "whole number"),
    (FEE, "    reference:", "    referense:", "referense"),
    (FEE, 'clause: "', 'colour: red\nclause: "', "colour: is not known"),
    (FEE, "description: Administration", "description: ''\nx: Administration", "x: is not known"),
    ("plans/critical_illness/rounding.yaml", "value: ceil_fen", "value: nearest", "must be one of"),
    ("platform.yaml", "time_zone: Asia/Shanghai", "time_zone: Moon/Crater", "not a time zone"),
    ("calendar.yaml", "publicity_day: 7", "publicity_day: 17", "publicity comes before deduction"),
]


@pytest.mark.parametrize(("file", "old", "new", "told"), FAULTS)
def test_a_fault_is_told_with_its_file(tmp_path, file, old, new, told):
    shutil.copytree(SHIPPED, tmp_path / "platforms")
    path = tmp_path / "platforms" / "xianghubao" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(WrongUsage, match=told) as stop:
        load_platform("xianghubao", tmp_path / "platforms")
    assert path.name in str(stop.value)


def test_a_missing_or_unknown_rule_file_and_a_date_given_twice_are_faults(tmp_path):
    shutil.copytree(SHIPPED, tmp_path / "platforms")
    plan = tmp_path / "platforms" / "xianghubao" / "plans" / "critical_illness"
    fee = (plan / "fee_rate.yaml").read_text()
    (plan / "fee_rate.yaml").unlink()
    with pytest.raises(WrongUsage, match="fee_rate.yaml: file: is missing"):
        load_platform("xianghubao", tmp_path / "platforms")
    (plan / "fee_rate.yaml").write_text(fee + fee[fee.index("  2018-10-16") :])
    with pytest.raises(WrongUsage, match="given twice"):
        load_platform("xianghubao", tmp_path / "platforms")
    (plan / "fee_rate.yaml").write_text(fee)
    (plan / "moon_phase.yaml").write_text(fee)
    with pytest.raises(WrongUsage, match="is not a rule"):
        load_platform("xianghubao", tmp_path / "platforms")
