"""Rules of costs, visits and reviews on both sides: a sound row breaks none, one change breaks exactly one."""

import re
from datetime import date, timedelta
from functools import reduce

import pytest
from pyspark.sql import Column
from pyspark.sql import functions as F

from expectations import claims, members, receipts
from expectations.costs import COST_CALENDAR_RULES, COST_MONTH, COST_RULES, VISIT_CALENDAR_RULES, VISIT_RULES
from expectations.reviews import ROW_RULES as REVIEW_RULES
from expectations.rule import NO_TERMS, Severity
from jobs.gate.costs import JUDGED_BY
from jobs.gate.terms import terms_of
from jobs.lake.small import arrow_table
from schemas import TABLES
from tests.lakes import PERIOD, claim, member, receipt

DAY = timedelta(days=1)
SOUND = {
    "source/operating_costs": (
        COST_RULES,
        {"cost_id": 1, "month": "2020-12", "category": "technology", "amount_fen": 0, "description": None},
    ),
    "source/field_visits": (
        VISIT_RULES,
        {"visit_id": 1, "claim_id": 7, "site_kind": "hospital", "visited_on": date(2020, 12, 1), "fee_fen": 0},
    ),
    "source/claim_reviews": (
        REVIEW_RULES,
        {"review_id": 1, "claim_id": 7, "plan_id": "chronic", "received_on": date(2020, 12, 1),
         "decided_on": date(2020, 12, 1), "decision": "fraud", "requested_aid_fen": 0, "technique": "graph"},
    ),
}  # fmt: skip
BROKEN = [
    ("source/operating_costs", {"cost_id": None}, "cost_key_missing"),
    ("source/operating_costs", {"month": None}, "cost_key_missing"),
    ("source/operating_costs", {"month": "2020-13"}, "cost_month_malformed"),
    ("source/operating_costs", {"month": "12/2020"}, "cost_month_malformed"),
    ("source/operating_costs", {"month": "2020-12\r"}, "cost_month_malformed"),
    ("source/operating_costs", {"month": "2020-12\n"}, "cost_month_malformed"),
    ("source/operating_costs", {"category": "bonus"}, "cost_category_unknown"),
    ("source/operating_costs", {"amount_fen": -1}, "cost_amount_out_of_range"),
    ("source/operating_costs", {"amount_fen": 2**62}, "cost_amount_out_of_range"),
    ("source/operating_costs", {"amount_fen": None}, "cost_amount_out_of_range"),
    ("source/field_visits", {"visit_id": None}, "visit_key_missing"),
    ("source/field_visits", {"visited_on": None}, "visit_key_missing"),
    ("source/field_visits", {"site_kind": "home"}, "visit_site_unknown"),
    ("source/field_visits", {"fee_fen": -1}, "visit_fee_out_of_range"),
    ("source/claim_reviews", {"claim_id": None}, "review_key_missing"),
    ("source/claim_reviews", {"plan_id": None}, "review_plan_missing"),
    ("source/claim_reviews", {"decision": None}, "review_decision_unknown"),
    ("source/claim_reviews", {"decided_on": date(2020, 11, 30)}, "review_days_out_of_order"),
    ("source/claim_reviews", {"received_on": None}, "review_days_out_of_order"),
    ("source/claim_reviews", {"requested_aid_fen": 3_000_000_001}, "review_aid_out_of_range"),
    ("source/claim_reviews", {"requested_aid_fen": None}, "review_aid_out_of_range"),
    ("source/claim_reviews", {"technique": None}, "review_technique_missing"),
]


AROUND = ("\r", "\n", "\r\n", "\u0085", "\u2028", " ", "\t", "\0", "x")
MONTHS_IN_NO_BOOKS = ["2202-12", "2018-12", "2020-1２", "２020-12", "2020-12-01", "", " 2020-12"]
# By source: its rules, a sound row, and the codes and text keys that must match whole and exactly.
CODED = {
    "source/members": (members.ROW_RULES, member(1), ("plan_id", "tier", "sex", "province_code")),
    "source/approved_claims": (
        claims.ROW_RULES, claim(1, 1),
        ("publicity_period", "plan_id", "tier", "illness_code", "severity", "objection", "sex", "province_code"),
    ),
    "source/receipts": (receipts.ROW_RULES, receipt(1, 1, 10), ("outcome",)),
    "source/operating_costs": (
        JUDGED_BY["source/operating_costs"][1], SOUND["source/operating_costs"][1], ("month", "category"),
    ),
    "source/field_visits": (JUDGED_BY["source/field_visits"][1], SOUND["source/field_visits"][1], ("site_kind",)),
    "source/claim_reviews": (REVIEW_RULES, SOUND["source/claim_reviews"][1], ("decision",)),
}  # fmt: skip


@pytest.mark.parametrize("after", AROUND)
def test_the_pattern_of_a_month_matches_the_whole_text(after):
    """Great Expectations judges with Python's patterns where there is no Spark."""
    assert re.search(COST_MONTH, "2020-12") and not re.search(COST_MONTH, "2020-12" + after)


@pytest.mark.parametrize("name", CODED)
def test_codes_and_text_keys_match_whole_and_exactly(spark, xianghubao, name):
    """Any variant of a code or text key breaks a rule for which the row is held."""
    rules, sound, columns = CODED[name]
    changes = {
        (column, text): sound | {column: text}
        for column in columns
        for text in variants(sound[column], *(MONTHS_IN_NO_BOOKS if column == "month" else ()))
    }
    terms = terms_of(xianghubao, xianghubao.calendar.period(PERIOD), xianghubao.plans)
    frame = spark.createDataFrame(arrow_table(TABLES[name], [sound, *changes.values()]), TABLES[name].spark_schema)
    errors = [rule.broken(terms).cast("int") for rule in rules if rule.severity is Severity.ERROR]
    first, *others = frame.coalesce(1).select(reduce(Column.__add__, errors).alias("broken")).collect()
    assert first.broken == 0
    assert [change for change, row in zip(changes, others, strict=True) if not row.broken] == []


def variants(text: str, *others: str) -> list[str]:
    """Texts that a loose comparison would accept as equal to `text`."""
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
    other_case = text.swapcase() if text.swapcase() != text else wide
    return [*(text + after for after in AROUND), *(before + text for before in AROUND),
            other_case, wide, "", text[:-1], *others]  # fmt: skip


def test_a_month_or_a_day_outside_the_calendar_is_held_with_its_reason(spark, xianghubao):
    terms = terms_of(xianghubao, xianghubao.calendar.period(PERIOD), xianghubao.plans)
    first_on, end_on = xianghubao.calendar.days
    days = [first_on - DAY, first_on, end_on - DAY, end_on]
    months = ["2018-12", "2019-01", "2021-12", "2022-01"]
    for name, (rule,), column, values in (
        ("source/operating_costs", COST_CALENDAR_RULES, "month", months),
        ("source/field_visits", VISIT_CALENDAR_RULES, "visited_on", days),
    ):
        rows = [SOUND[name][1] | {column: value} for value in values]
        frame = spark.createDataFrame(arrow_table(TABLES[name], rows), TABLES[name].spark_schema).coalesce(1)
        assert [row.broken for row in frame.select(rule.broken(terms).alias("broken")).collect()] == [
            True, False, False, True
        ]  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_row_breaks_no_rule(spark, name):
    assert broken(spark, name, {}) == []


@pytest.mark.parametrize("name, change, rule_id", BROKEN)
def test_one_change_breaks_one_rule(spark, name, change, rule_id):
    assert broken(spark, name, change) == [rule_id]


def broken(spark, name: str, change: dict) -> list[str]:
    """The ids of the rules that the sound row of the table breaks after the change."""
    rules, row = SOUND[name]
    frame = spark.createDataFrame(arrow_table(TABLES[name], [row | change]), TABLES[name].spark_schema)
    rule_ids = frame.select(*(F.when(rule.broken(NO_TERMS), rule.id).alias(rule.id) for rule in rules)).first()
    return [rule_id for rule_id in rule_ids if rule_id is not None]
