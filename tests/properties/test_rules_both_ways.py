"""Every rule that needs only one table counts the same rows in the gate and in Great Expectations alone."""

from collections import Counter
from dataclasses import replace
from datetime import date

import pytest
from pyspark.sql import functions as F

from expectations.rule import NO_TERMS, FewRowRule, GateRowRule, GateRule
from expectations.suites import SUITES, judge, suite_json
from expectations.validation import loaded, suite_of, unexpected_counts, validate, validation_result
from jobs.collection.days import CollectionDays
from jobs.gate import costs
from jobs.gate.claims import judge_claims, numbered_claims, spells_of_claimants
from jobs.gate.members import judge_memberships
from jobs.gate.receipts import judge_receipts
from jobs.gate.results import claim_counts, member_counts
from jobs.gate.terms import terms_of
from jobs.lake.small import arrow_table
from jobs.sample.defects import with_member_defects
from jobs.sample.population import World, populations
from jobs.sample.spells import members as sample_members
from jobs.settlement.coverage import COVERED
from schemas import TABLES
from tests import worlds_broken
from tests.worlds_rows import PERIOD

EARLIER = "plan_id STRING, member_id BIGINT, claim_id BIGINT, illness_code STRING"
# Rules that need more than one table; each gives the reason in `needs`.
GATE_ONLY = {
    "members_quarantined_rate", "members_volume",
    "claims_have_members", "claims_quarantined_rate", "claims_volume", "claim_illness_claimed_twice",
    "claim_member_unknown", "claim_not_covered_on_diagnosis", "claim_tier_differs", "claim_aid_above_limit",
    "claim_counted_before", "claim_differs_from_member", "claim_after_settlement",
    "receipts_quarantined_rate", "receipt_duplicated", "receipt_period_unknown", "receipt_without_bill",
    "receipt_after_grace", "receipt_overpaid", "receipt_not_enough", "receipt_after_lapse",
    "receipt_returned_too_much", "receipt_after_close",
    *(rule.id for rules in SUITES.values() for rule in rules if isinstance(rule, GateRowRule)),
}  # fmt: skip
WHOLE_TABLE_RULES = {"members_present", "members_fresh", "claims_present", "receipts_present"}


@pytest.fixture(scope="module")
def terms(xianghubao):
    period = xianghubao.calendar.period(PERIOD)
    return terms_of(xianghubao, period, xianghubao.plans)


@pytest.fixture(scope="module")
def frames(spark):
    """The broken tables as frames, by name."""
    rows = {name: rows() for name, rows in worlds_broken.SOURCES.items()}
    rows |= {name: worlds_broken.outputs(name) for name in worlds_broken.OUTPUTS}
    return {name: frame_of(spark, name, table_rows).persist() for name, table_rows in rows.items()}


def frame_of(spark, name, rows):
    table = TABLES[name]
    return spark.createDataFrame(arrow_table(table, rows), nullable(table.spark_schema)).coalesce(1)


def nullable(schema):
    for field in schema.fields:
        field.nullable = True
    return schema


def gate_of_members(frame, terms, plan_by_plan=False):
    cover = lambda spells: spells.withColumn("cover", F.lit(COVERED))  # noqa: E731
    claimants = frame.sparkSession.createDataFrame([], "member_id BIGINT")
    return judge_memberships(frame, cover, claimants, terms, None, plan_by_plan=plan_by_plan)


def counted_by_the_gate(name, frames, terms):
    """The gate's count of violating rows, by rule id."""
    frame, spark = frames[name], frames[name].sparkSession
    if name == "source/members":
        return member_counts(gate_of_members(frame, terms))
    if name == "source/approved_claims":
        numbered = numbered_claims(frame)
        spells = spells_of_claimants(frames["source/members"], numbered)
        return claim_counts(judge_claims(numbered, spells, spark.createDataFrame([], EARLIER), terms))
    if name == "source/receipts":
        days = CollectionDays(terms.publicity_on, date(2020, 12, 14), date(2020, 12, 26), date(2020, 12, 31))
        return judge_receipts(frame, frame.where("false"), days).broken
    if name in costs.JUDGED_BY:
        id_column, rules, duplicated = costs.JUDGED_BY[name]
        results = costs._judged(name, frame, F.lit(True), id_column, rules, duplicated, terms).results
        return {result.id: result.unexpected_count for result in results}
    if all(isinstance(rule, FewRowRule) for rule in SUITES[name]):
        rows = [row.asDict() for row in frame.collect()]
        return {rule.id: sum(map(rule.broken, rows)) for rule in SUITES[name]}
    return frame.agg(*(F.count_if(rule.broken(NO_TERMS)).alias(rule.id) for rule in SUITES[name])).first().asDict()


@pytest.mark.parametrize("name", SUITES)
def test_the_gate_and_great_expectations_count_the_same_rows(frames, terms, name):
    outcome = validate(loaded(suite_json(name, terms)), frames[name])
    alone, by_the_gate = unexpected_counts(outcome), counted_by_the_gate(name, frames, terms)
    in_rows = {rule.id for rule in SUITES[name]} - GATE_ONLY - WHOLE_TABLE_RULES
    assert {rule: alone[rule] for rule in in_rows} == {rule: by_the_gate[rule] for rule in in_rows}
    assert min(alone[rule] for rule in in_rows) > 0, "every rule is broken by some row"
    assert set(alone) - in_rows <= WHOLE_TABLE_RULES


def test_the_planted_defects_of_the_sample_are_counted_the_same(spark, xianghubao, terms):
    period = xianghubao.calendar.period
    sample_plans = populations(World(1_000, period("2020-11-P2"), period(PERIOD), seed=5), xianghubao)
    frame = with_member_defects(sample_members(spark, sample_plans), sample_plans, 1_000).coalesce(1).localCheckpoint()
    alone = unexpected_counts(validate(suite_of("source/members", terms), frame))
    by_the_gate = member_counts(gate_of_members(frame, terms))
    by_both = by_the_gate.keys() - GATE_ONLY
    assert {rule: alone[rule] for rule in by_both} == {rule: by_the_gate[rule] for rule in by_both}
    assert sum(count > 0 for count in by_the_gate.values()) >= 14


def test_plan_by_plan_the_gate_counts_and_keeps_the_same_rows(frames, terms):
    at_once, by_plan = (gate_of_members(frames["source/members"], terms, each) for each in (False, True))
    assert member_counts(by_plan) == member_counts(at_once)
    assert Counter(by_plan.groups) == Counter(at_once.groups)
    kept, by_plan_kept = (gate.kept.select(*at_once.kept.columns) for gate in (at_once, by_plan))
    assert kept.exceptAll(by_plan_kept).isEmpty() and by_plan_kept.exceptAll(kept).isEmpty()


@pytest.mark.parametrize("name", ["source/members", "source/approved_claims", "source/receipts"])
def test_an_empty_table_breaks_only_the_rules_on_whole_tables(spark, terms, name):
    alone = unexpected_counts(validate(suite_of(name, terms), frame_of(spark, name, [])))
    assert {rule for rule, count in alone.items() if count} == WHOLE_TABLE_RULES & set(alone)


def test_members_who_joined_long_ago_are_not_fresh(frames, terms):
    suite = suite_of("source/members", terms)
    suite.expectations = [e for e in suite.expectations if e.meta["rule_id"] == "members_fresh"]
    assert [unexpected_counts(validate(suite, frames["source/members"].where(where))) for where in (
        "joined_on < '2020-11-06'", "true")] == [{"members_fresh": 1}, {"members_fresh": 0}]  # fmt: skip


@pytest.mark.parametrize("name", ["source/members", "source/approved_claims", "source/claim_reviews"])
def test_expectations_without_sql_count_the_same_on_pandas(frames, terms, name):
    pandas = arrow_table(TABLES[name], worlds_broken.SOURCES[name]()).to_pandas(integer_object_nulls=True)
    suite = suite_of(name, terms)
    suite.expectations = [
        each
        for each in suite.expectations
        if not hasattr(each, "unexpected_rows_query") and each.meta["rule_id"] != "members_fresh"
    ]  # pandas cannot compute the maximum of a column with missing days
    on_pandas, on_spark = (unexpected_counts(validate(suite, frame)) for frame in (pandas, frames[name]))
    assert on_pandas == on_spark and len(on_pandas) > 4


def test_rules_that_only_the_gate_counts_are_listed_with_their_needs(terms):
    alone = {rule.id: rule.needs for rules in SUITES.values() for rule in rules if isinstance(rule, GateRule)}
    assert set(alone) == GATE_ONLY and all(alone.values())
    listed = {
        each["rule_id"] for name in SUITES for each in suite_json(name, terms)["meta"]["judged_by_the_gate_alone"]
    }
    assert listed == GATE_ONLY


def test_counts_of_the_gate_become_results_of_great_expectations(terms):
    results = judge("source/members", {"member_sex_unknown": 3, "members_volume": 0}, {}, 12)
    outcome = validation_result("source/members", results, terms, {"run_id": "r"})
    sex_result = {r.expectation_config.meta["rule_id"]: r for r in outcome.results}["member_sex_unknown"]
    assert (outcome.success, sex_result.success) == (False, False)
    assert sex_result.result == {"element_count": 12, "unexpected_count": 3, "unexpected_percent": 25.0}
    assert sex_result.expectation_config.kwargs == {"column": "sex", "value_set": ["F", "M"]}
    assert outcome.statistics["unsuccessful_expectations"] == 1
    assert outcome.to_json_dict()["results"][0]["expectation_config"]["type"] == results[0].expectation


def test_a_suite_states_the_terms_of_its_period(terms):
    fresh = suite_json("source/members", replace(terms, publicity_on=date(2020, 12, 21)))["expectations"][1]
    assert fresh["kwargs"] == {"column": "joined_on", "min_value": "2020-11-20"}
