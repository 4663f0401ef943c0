"""Dated, cited rule values: both sides of each change, and every fault of a file reported with file and key."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from jobs.base.errors import WrongUsage
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


def test_a_later_value_does_not_change_the_rule_version_of_earlier_days(xianghubao):
    plan = xianghubao.plans["critical_illness"]
    assert plan.version_on(date(2019, 6, 21)) == plan.version_on(date(2019, 7, 7))
    assert plan.version_on(date(2019, 12, 31)) != plan.version_on(date(2020, 1, 1))


FEE = "plans/critical_illness/fee_rate.yaml"
CAP = "plans/critical_illness/yearly_cap.yaml"
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
    (FEE, "value: 80000", "value: 8" + "0" * 20, "which is too large"),
    (FEE, "  2018-10-16:", "  2018-02-30:", "values: 2018-02-30 is not a day of the calendar"),
    (FEE, "published_on: 2018-10-16", "published_on: 2018-02-30", "published_on: 2018-02-30 is not a day"),
    (FEE, "  2018-10-16:", '  "2018-10-16":', "values.2018-10-16: must be a date like 2020-12-07"),
    (FEE, "  2018-10-16:", "  tomorrow:", "values.tomorrow: must be a date like 2020-12-07"),
    (FEE, "values:\n", "values: {}\nx:\n", "x: is not known"),
    (CAP, "2021-01-01", "2018-01-01", "values: must be in the order of their dates"),
    ("plans/senior_cancer/helped_illnesses.yaml", "- lung_cancer", "- breast_cancer", "value: entry 1 repeats"),
    ("plans/senior_cancer/helped_illnesses.yaml", "- lung_cancer", "- gout", "value.1: is 'gout'; it must be one of"),
    ("plans/senior_cancer/joining_age_to.yaml", "value: 70", "value: 2100", "value: is 2100, which is too large"),
    ("plans/senior_cancer/waiting_days.yaml", "value: 90", "value: 90000", "value: is 90000, which is too large"),
    ("plans/chronic/tier_weights.yaml", "basic: 500000", "basic: 0", "value.basic: must be above 0"),
    ("plans/chronic/tier_weights.yaml", "basic: 500000", "basic: -1", "value.basic: must be above 0"),
    (
        "plans/chronic/tier_weights.yaml",
        "standard: 1000000",
        "standard: 1000001",
        "value.standard: is 1000001, which is too large; it must be at most 1000000",
    ),
    (
        "plans/chronic/plan.yaml",
        "first_period: ",
        "first_period: '2019-01-P3' #",
        "first_period: 2019-01-P3 does not exist",
    ),
    ("plans/transport_accident/plan.yaml", "last_period: null", "last_period: 2019-01-P1", "is outside the calendar"),
    ("platform.yaml", "time_zone: Asia/Shanghai", "time_zone: Asia", "time_zone: 'Asia' is not a time zone"),
    ("platform.yaml", "time_zone: Asia/Shanghai", "time_zone: /etc/passwd", "is not a time zone"),
    ("platform.yaml", "  stroke:", "  lung_cancer:", "illnesses.lung_cancer: given twice"),
    ("platform.yaml", "  stroke:", "  9:", "illnesses: has a key that is neither a text nor a date"),
    (
        "platform.yaml",
        "shortfall_borne_by: platform",
        "shortfall_borne_by: bank",
        "it must be one of platform, next_period",
    ),
    ("platform.yaml", "value: billed", "value: collected", "shortfall_borne_by: must be next_period"),
    ("accounts.yaml", "pool: ", "pond: ", "pond: is not known; known are pool, benefits_payable"),
    ("accounts.yaml", "kind: clearing", "kind: clear", "pool.kind: is 'clear'; it must be one of asset, liability"),
    ("calendar.yaml", "publicity_day: 7", "publicity_day: 17", "periods.0: publicity comes before deduction"),
    ("calendar.yaml", "publicity_day: 21, deduction_day: 28", "publicity_day: 6, deduction_day: 8", "in the order of"),
    (
        "calendar.yaml",
        "first_period: 2019-01-P2",
        "first_period: ２０１９-01-P2",
        "first_period: '２０１９-01-P2' is not a",
    ),
    ("calendar.yaml", "first_period: 2019-01-P2", "first_period: 2019-01-P٢", "is not a period"),
    ("calendar.yaml", "last_period: 2021-12-P2", "last_period: 9999-12-P2", "last_period: 9999-12-P2 is outside"),
    (
        "calendar.yaml",
        "last_period: 2021-12-P2",
        "last_period: 2018-12-P2",
        "last_period: is 2018-12-P2, before the first",
    ),
    ("calendar.yaml", "next_deduction: 2", "next_deduction: 14", "must be fewer than the days between two deductions"),
    ("calendar.yaml", "next_deduction: 2", "next_deduction: 9999999999", "which is too large"),
]


@pytest.mark.parametrize(("file", "old", "new", "message"), FAULTS)
def test_a_fault_is_reported_with_its_file(tmp_path, file, old, new, message):
    shutil.copytree(SHIPPED, tmp_path / "platforms")
    path = tmp_path / "platforms" / "xianghubao" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(WrongUsage) as stop:
        load_platform("xianghubao", tmp_path / "platforms")
    assert message in str(stop.value)
    assert f"xianghubao/{file}: " in str(stop.value)


def test_an_unknown_key_is_reported_before_a_missing_one(tmp_path):
    shutil.copytree(SHIPPED, tmp_path / "platforms")
    path = tmp_path / "platforms" / "xianghubao" / FEE
    path.write_text(path.read_text().replace("    reference:", "    referense:"))
    with pytest.raises(WrongUsage, match="values.2018-10-16.referense: is not known; known are value, reference"):
        load_platform("xianghubao", tmp_path / "platforms")


def remove(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def make_a_file(path):
    remove(path)
    path.write_text("")


def make_a_folder(path):
    remove(path)
    path.mkdir()


@pytest.mark.parametrize(
    ("change", "entry", "message"),
    [
        (make_a_file, "plans", "xianghubao/plans: file: must be a folder"),
        (make_a_folder, "plans", "xianghubao/plans: file: must be a folder"),
        (remove, "plans", "xianghubao/plans: file: must be a folder"),
        (make_a_folder, FEE, f"xianghubao/{FEE}: file: is a folder"),
        (make_a_file, FEE, f"xianghubao/{FEE}: file: must hold keys and values"),
        (make_a_folder, "calendar.yaml", "xianghubao/calendar.yaml: file: is a folder"),
        (remove, "accounts.yaml", "xianghubao/accounts.yaml: file: there is no such file"),
        (make_a_folder, "plans/chronic", "xianghubao/plans/chronic/plan.yaml: file: there is no such file"),
        (make_a_folder, "platform.yaml", "Platform xianghubao is not known; known are meituan_huzhu"),
        (make_a_file, "../../platforms", "there is no such folder of platforms"),
    ],
)
def test_a_file_or_folder_that_is_missing_or_of_the_other_kind_is_reported(tmp_path, change, entry, message):
    shutil.copytree(SHIPPED, tmp_path / "platforms")
    change((tmp_path / "platforms" / "xianghubao" / entry).resolve())
    with pytest.raises(WrongUsage) as stop:
        load_platform("xianghubao", tmp_path / "platforms")
    assert message in str(stop.value)


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
