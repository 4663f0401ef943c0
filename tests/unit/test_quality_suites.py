"""Suites as files, and results as pages, without Spark."""

import json
import re

import pytest

from expectations.suites import SUITES, judge
from jobs.gate.terms import terms_of
from jobs.reporting.quality_docs import JudgedTable, rendered
from jobs.reporting.quality_suites import main, suites_of

PERIOD = "2020-12-P1"
LOADED_FROM_ELSEWHERE = re.compile(r"(?:src|href)=\"(?!\.\./|#|data:,)|https?://|@import|url\(|<script|<iframe")


@pytest.fixture(scope="module")
def terms(xianghubao):
    return terms_of(xianghubao, xianghubao.calendar.period(PERIOD), xianghubao.plans)


def page_of(name, terms, element_count, counts=None):
    results = judge(name, counts or {rule.id: at for at, rule in enumerate(SUITES[name])}, {}, element_count)
    table = JudgedTable(
        "settle", "settle-1", "2020-12-07", name, results, f"{PERIOD}/settle/{name.replace('/', '.')}.html"
    )
    return rendered(table, terms, PERIOD)


def test_the_files_are_reproducible_and_state_the_terms_of_their_period(tmp_path, capsys, xianghubao):
    for folder in ("once", "again"):
        assert main(["--period", PERIOD, str(tmp_path / folder)]) == 0
    once, again = ({file.name: file.read_text() for file in (tmp_path / f).iterdir()} for f in ("once", "again"))
    assert once == again == suites_of(xianghubao, xianghubao.calendar.period(PERIOD))
    assert set(once) == {f"{name.replace('/', '.')}.json" for name in SUITES}
    before = next(e for e in json.loads(once["source.receipts.json"])["expectations"]
                  if e["meta"]["rule_id"] == "receipt_before_publicity")  # fmt: skip
    assert before == {
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "attempted_on", "min_value": "2020-12-07"},
        "meta": {"rule_id": "receipt_before_publicity", "severity": "error",
                 "sentence": "Nobody is charged before the period is public."},
        "severity": "warning",
    }  # fmt: skip
    assert str(tmp_path / "once/source.members.json") in capsys.readouterr().out


def test_a_period_that_does_not_exist_is_wrong_usage(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--period", "2020-12-P9", str(tmp_path / "none")])
    assert stop.value.code == 2 and "2 periods a month" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("name", ["source/members", "source/receipts", "ledger/journal"])
def test_the_page_of_a_table_shows_every_rule_and_loads_no_resource(terms, name):
    page = page_of(name, terms, 1_000)
    assert not [rule.id for rule in SUITES[name] if rule.id not in page or rule.sentence.split("'")[0] not in page]
    assert not LOADED_FROM_ELSEWHERE.findall(page)
    assert page == page_of(name, terms, 1_000)


def test_a_page_shows_unexpected_and_total_rows(terms):
    counts = {"member_sex_unknown": 25, "members_present": 0}
    assert "25 unexpected values found. 2.5% of 1000 total rows." in page_of("source/members", terms, 1_000, counts)
    without = page_of("source/members", terms, None, counts)
    assert '<div class="show-scrollbars">25</div>' in without and "total rows" not in without


def test_a_rule_removed_from_the_suite_is_shown_as_recorded(terms):
    (result,) = judge("source/members", {"member_sex_unknown": 4}, {}, None)
    former = type(result)(**{**vars(result), "id": "member_height_unknown", "sentence": "The height is known."})
    table = JudgedTable("settle", "settle-1", "2020-12-07", "source/members", [former], f"{PERIOD}/settle/x.html")
    page = rendered(table, terms, PERIOD)
    assert "member_height_unknown" in page and "The height is known." in page
