"""Planted bad rows: every kind the gate checks occurs at its rate, and the good rows settle as without them."""

import pytest
from pyspark.sql import functions as F

from expectations import claims as claim_rules
from expectations import members as member_rules
from expectations.rule import GateRowRule, Severity
from jobs.sample.claims import publicised
from jobs.sample.defects import (
    CLAIM_DEFECTS,
    FIRST_ID,
    IDS_PER_KIND,
    MEMBER_DEFECTS,
    with_claim_defects,
    with_member_defects,
)
from jobs.sample.population import World, populations
from jobs.sample.spells import members
from tests.confs import NO_CEILINGS, write_conf

PERIOD = "2020-12-P1"
# No bad partition names are planted in tables partitioned by them: no period would read those rows.
# Days of the years 20202 and 0000 are planted one by one in tests/runs/test_held_exactly.py.
NOT_PLANTED = {"claim_period_unknown"} | {
    rule.id for rule in (*member_rules.ROW_RULES, *claim_rules.ROW_RULES) if isinstance(rule, GateRowRule)
}


@pytest.fixture(scope="module")
def sample_plans(xianghubao):
    period = xianghubao.calendar.period
    return populations(World(50_000, period("2020-10-P1"), period(PERIOD), seed=5), xianghubao)


@pytest.fixture(scope="module")
def good_claims(spark, sample_plans):
    frame = publicised(spark, sample_plans).localCheckpoint()
    yield frame
    frame.unpersist()


def kind_of(column: str):
    return F.expr(f"({column} - {FIRST_ID}) div {IDS_PER_KIND}")


def test_each_kind_of_bad_member_is_planted_at_its_rate(spark, sample_plans):
    good = members(spark, sample_plans)
    bad = with_member_defects(good, sample_plans, 1_000).join(good.select("member_id"), on="member_id", how="left_anti")
    per_kind = {row.kind: row["count"] for row in bad.groupBy(kind_of("payer_id").alias("kind")).count().collect()}
    copies = sum(each.joined_count for each in sample_plans) // 1_000
    for number, (kind, rows) in enumerate(MEMBER_DEFECTS.items()):
        if kind != "null_payer":
            assert per_kind[number] == copies * len(rows), kind
    assert bad.count() == copies * sum(len(rows) for rows in MEMBER_DEFECTS.values())


def test_each_kind_of_bad_claim_is_planted_and_uses_no_good_claimant(sample_plans, good_claims):
    good = good_claims
    planted = with_claim_defects(good, sample_plans, 1).where(F.coalesce("claim_id", F.lit(FIRST_ID)) >= FIRST_ID)
    assert planted.count() == sum(len(rows) for rows in CLAIM_DEFECTS.values())
    assert planted.select("publicity_period").distinct().count() == 5
    assert planted.join(good.select("member_id"), on="member_id", how="left_semi").count() == 0


def test_at_least_one_claim_at_its_limit_is_raised_above_it(sample_plans, good_claims):
    good = good_claims.select("claim_id", "publicity_period", "limit_fen", F.col("approved_aid_fen").alias("good_fen"))
    planted = with_claim_defects(good_claims, sample_plans, 1)
    both = planted.join(good, on=["claim_id", "publicity_period"], how="inner")
    raised = both.where("approved_aid_fen <> good_fen")
    assert raised.count() >= 1
    assert raised.where("good_fen <> limit_fen or approved_aid_fen <= limit_fen").count() == 0


def test_without_a_rate_nothing_is_planted(spark, sample_plans, good_claims):
    assert (
        with_member_defects(members(spark, sample_plans), sample_plans, 0).where(F.col("member_id") >= FIRST_ID).count()
        == 0
    )
    assert with_claim_defects(good_claims, sample_plans, 0).where(F.col("claim_id") >= FIRST_ID).count() == 0


def test_the_gate_finds_every_kind_and_the_good_rows_settle_as_without_them(lake, tmp_path):
    conf = write_conf(tmp_path / "lenient.toml", {**NO_CEILINGS, "quarantine_ceiling_floor_rows": 20})
    words = ["--members", "50k", "--periods", f"{PERIOD}..{PERIOD}", "--seed", "5", "--plan", "critical_illness"]
    assert lake.run("generate", *words).exit_code == 0
    clean = _pools(lake.run("preview", "--period", PERIOD, "--conf", str(conf)))
    assert clean["critical_illness"]["case_count"] > 0

    assert lake.run("generate", *words, "--defects", "0.1%", "--overwrite").exit_code == 0
    assert _pools(lake.run("preview", "--period", PERIOD, "--conf", str(conf))) == clean
    rules = lake.run("check", "--period", PERIOD, "--conf", str(conf)).document["rules"]
    errors = {
        rule.id
        for module in (member_rules, claim_rules)
        for rule in (*module.ROW_RULES, *module.SET_RULES)
        if rule.severity is Severity.ERROR
    }
    assert errors - NOT_PLANTED - {rule["id"] for rule in rules if not rule["success"]} == set()


def _pools(ended) -> dict:
    """Pool and rates by plan, without rule versions and digests (bad rows do not change these)."""
    assert ended.exit_code == 0, ended.err
    return {plan_id: plan["pool"] | {"rates": plan["rates"]} for plan_id, plan in ended.document["plans"].items()}
