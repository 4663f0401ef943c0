"""Differences from a recorded run are named: table and version, file and key of a rule, code."""

from dataclasses import replace

import pytest

from jobs.commands.run import _messages
from jobs.commands.run_walk import WalkLog
from jobs.lake.small import SmallTables
from jobs.pipeline.outcome import UntilClosed
from jobs.register.changes import changed_since
from jobs.register.publications import publish
from jobs.register.runs import Run, recorded

PLAN = "critical_illness"


@pytest.fixture
def run(xianghubao):
    period = xianghubao.calendar.period("2020-12-P1")
    inputs = {
        "source/members": 3,
        "source/approved_claims": 5,
        "table_ids": {"source/members": "a"},
        "predecessors": {},
    }
    rules = xianghubao.settlement_rules(period, [PLAN])
    return Run("settle", "xianghubao", str(period), (PLAN,), inputs, rules, {"as_of": "2020-12-07"})


@pytest.fixture
def row(run, tmp_path):
    """The run's row of control/runs."""
    small = SmallTables(str(tmp_path))
    with recorded(small, run) as record:
        record.begin(run)
    (row,) = small.rows("control/runs")
    return row


def with_rules(run, change):
    rules = {**run.rules, "plans": {PLAN: {**run.rules["plans"][PLAN]}}}
    change(rules)
    return replace(run, rules=rules)


def test_the_same_run_has_no_differences(run, row):
    assert changed_since(row, run) == {}


def test_a_source_is_named_with_both_versions(run, row):
    newer = replace(run, input_versions={**run.input_versions, "source/members": 4})
    assert changed_since(row, newer) == {"source/members": "source/members: version 3 then, version 4 now"}
    other = replace(run, input_versions={**run.input_versions, "table_ids": {"source/members": "b"}})
    (text,) = changed_since(row, other).values()
    assert text.startswith("source/members: another table now")


def test_a_change_that_fentan_published_is_named_in_words(run, row):
    after = replace(run, input_versions={**run.input_versions, "predecessors": {PLAN: "x"}, "lapses": {"digest": "y"}})
    assert list(changed_since(row, after).values()) == [
        "the lapses of earlier collections", "the settlement of the previous period",
    ]  # fmt: skip


def test_a_rule_is_named_with_its_file_and_its_keys(run, row):
    def fee_and_day(rules):
        rules["plans"][PLAN]["fee_rate"] = {"unit": "ppm", "values": {"2018-10-16": 70_000, "2020-01-01": 1}}
        rules["carry_on"] = "collected"

    assert changed_since(row, with_rules(run, fee_and_day)) == {
        "platform.yaml": "rules: xianghubao/platform.yaml (carry_on)",
        f"plans/{PLAN}/fee_rate.yaml": (
            f"rules: xianghubao/plans/{PLAN}/fee_rate.yaml (values.2018-10-16, values.2020-01-01)"
        ),
    }
    new_rule = with_rules(run, lambda rules: rules["plans"][PLAN].update(new={"unit": "fen", "values": {}}))
    assert list(changed_since(row, new_rule).values()) == [f"rules: xianghubao/plans/{PLAN}/new.yaml"]


def test_a_change_of_code_is_named_where_it_matters(run, row):
    older = {**row, "code_version": "0.1.0+0123456789ab"}
    (text,) = changed_since(older, run).values()
    assert text.startswith("the code: version 0.1.0+0123456789ab then, ")
    assert changed_since(older, run, with_code=False) == {}


def test_a_caller_says_which_inputs_count(run, row):
    newer = replace(run, input_versions={**run.input_versions, "source/members": 4})
    assert changed_since(row, newer, lambda inputs: {"claims": inputs["source/approved_claims"]}) == {}


def test_run_omits_advice_that_a_close_made_impossible(tmp_path):
    small, log = SmallTables(str(tmp_path)), WalkLog()
    log.messages[UntilClosed("settle the next one", "2020-12-P1", [PLAN, "chronic"])] = "collect: settle the next one"
    log.messages["rows are late"] = "settle: rows are late"
    assert _messages(small, log) == ("collect: settle the next one", "settle: rows are late")
    publish(small, "close", "2020-12-P1", "close-1", {PLAN: "digest"}, "closed")
    assert len(_messages(small, log)) == 2, "one plan is open"
    publish(small, "close", "2020-12-P1", "close-2", {"chronic": "digest"}, "closed")
    assert _messages(small, log) == ("settle: rows are late",)
