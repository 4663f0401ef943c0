"""Each rule of costs, visits and reviews has two sides: a sound row breaks none, one change breaks that one alone."""

from datetime import date

import pytest
from pyspark.sql import functions as F

from expectations.costs import COST_RULES, VISIT_RULES
from expectations.reviews import ROW_RULES as REVIEW_RULES
from expectations.rule import NO_TERMS
from jobs.lake.small import arrow_table
from schemas import TABLES

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


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_row_breaks_no_rule(spark, name):
    assert broken(spark, name, {}) == []


@pytest.mark.parametrize("name, change, rule_id", BROKEN)
def test_one_change_breaks_one_rule(spark, name, change, rule_id):
    assert broken(spark, name, change) == [rule_id]


def broken(spark, name: str, change: dict) -> list[str]:
    """The ids of the rules that the sound row of the table breaks once it is changed so."""
    rules, row = SOUND[name]
    frame = spark.createDataFrame(arrow_table(TABLES[name], [row | change]), TABLES[name].spark_schema)
    found = frame.select(*(F.when(rule.broken(NO_TERMS), rule.id).alias(rule.id) for rule in rules)).first()
    return [rule_id for rule_id in found if rule_id is not None]
