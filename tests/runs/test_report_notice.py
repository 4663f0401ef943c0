"""The publicity notice of settled lakes: masking, and the contents of the table and the page."""

import re
from datetime import date

import pytest

from tests.lakes import PERIOD, LakeFolder, claim, member

CANARY_ID = 987_654_321_012
BORN = date(1987, 3, 14)
PUBLIC = {"illness_code", "severity", "age_band", "sex", "place", "member_months"}


@pytest.fixture(scope="module")
def thousand(spark, tmp_path_factory):
    """Sixty women of thirty in Henan with six breast cancers; one man of 33 from Tibet with a rare disease."""
    lake = LakeFolder(spark, tmp_path_factory.mktemp("thousand") / "lake")
    rare = {"sex": "M", "province_code": "54", "birth_date": BORN}
    members = [member(i) for i in range(1, 61)] + [member(CANARY_ID, **rare)]
    claims = [claim(i, i) for i in range(1, 7)]
    lake.load(members, [*claims, claim(CANARY_ID, CANARY_ID, illness_code="gaucher_disease", **rare)])
    assert lake.settle().exit_code == 0
    lake.ended = lake.run("report", "--period", PERIOD)
    assert lake.ended.exit_code == 0, lake.ended.err
    return lake


def page_of(lake, name: str) -> str:
    return (lake.folder / "report" / "html" / name).read_text(encoding="utf-8")


def test_the_only_man_is_hidden_and_the_six_women_are_shown(thousand):
    ended, rows = thousand.ended, thousand.rows("report/publicity")
    assert [row["case_no"] for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    shown = {tuple(row[name] for name in sorted(PUBLIC)) for row in rows}
    # sorted: age_band, illness_code, member_months, place, severity, sex
    assert shown == {
        ("30-39", "breast_cancer", "12-23", "41", "severe", "F"),
        ("hidden", "other_severe", "hidden", "hidden", "severe", "hidden"),
    }
    for public in (page_of(thousand, f"notice-{PERIOD}.html"), ended.out, ended.err, str(rows)):
        for secret in (str(CANARY_ID), str(BORN), "gaucher", "Gaucher", "戈谢", "西藏", "Tibet"):
            assert secret not in public


def test_every_combination_shown_is_shared_by_at_least_the_floor_of_members(thousand, tmp_path):
    lake = thousand.copied(tmp_path / "lake")
    lake.run("report", "--period", PERIOD, "--floor", "3")
    women = 60
    for row in lake.rows("report/publicity"):
        assert row["floor_count"] == 3
        assert row["shared_by_count"] == (women if row["sex"] == "F" else women + 1)


def test_the_aid_of_the_notice_equals_the_pool_and_a_repeated_report_is_byte_identical(thousand):
    (pool,) = thousand.rows("settled/pools")
    rows = thousand.rows("report/publicity")
    assert sum(row["aid_fen"] for row in rows) == pool["benefit_fen"]
    assert sum(row["counted"] for row in rows) == pool["case_count"]
    assert {row["run_id"] for row in rows} == {pool["run_id"]}
    first = page_of(thousand, f"notice-{PERIOD}.html")
    thousand.run("report", "--period", PERIOD)
    assert page_of(thousand, f"notice-{PERIOD}.html") == first
    assert thousand.rows("report/publicity") == rows


def test_an_objection_is_shown_with_its_outcome_and_the_period_the_case_was_settled_in(lake):
    lake.load(
        [member(i) for i in range(1, 20)],
        [claim(1, 1, objection="pending"), claim(2, 2, objection="upheld"), claim(3, 3)],
    )
    lake.settle()
    cleared = claim(1, 1, objection="dismissed", publicity_period="2020-12-P2")
    lake.write("source/approved_claims", [cleared, claim(2, 2, objection="upheld"), claim(3, 3)])
    assert lake.settle("2020-12-P2").exit_code == 0
    for period in (PERIOD, "2020-12-P2"):
        assert lake.run("report", "--period", period).exit_code == 0
    shown = [
        (r["objection"], r["counted"], r["first_period"], r["settled_period"]) for r in lake.rows("report/publicity")
    ]
    assert sorted(shown, key=str) == sorted(
        [
            ("none", True, PERIOD, PERIOD),
            ("pending", False, PERIOD, "2020-12-P2"),
            ("upheld", False, PERIOD, None),
        ],
        key=str,
    )
    (later,) = lake.rows("report/publicity", "2020-12-P2")
    assert (later["objection"], later["counted"], later["first_period"]) == ("dismissed", True, PERIOD)


def test_a_period_without_cases_has_a_notice_and_one_that_is_not_settled_has_none(without_claims, tmp_path):
    lake = without_claims.copied(tmp_path / "lake")
    refused = lake.run("report", "--period", "2020-12-P2")
    assert refused.exit_code == 4
    assert "Settle it" in refused.err
    assert lake.run("report", "--period", PERIOD).exit_code == 0
    assert lake.rows("report/publicity") == []
    assert "没有记录" in page_of(lake, f"notice-{PERIOD}.html")


def test_wrong_usage(lake):
    lake.load([member(1)], [])
    assert lake.run("report", "--period", PERIOD, "--floor", "1").exit_code == 2
    assert lake.run("report", "--period", "2020-13-P1").exit_code == 2
    assert lake.run("report", "--period", PERIOD, "--year", "2020").exit_code == 2
    assert re.search("not allowed with", lake.run("report", "--period", PERIOD, "--year", "2020").err)
