"""From approved claims to benefits: which claims count, with how much, and why others do not."""

from collections.abc import Callable, Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.rulebook.rules import BenefitLimit, BenefitRules, Plan
from jobs.settlement.ages import age_years

LIMITED = "limited"
WITHOUT_RULE = "rule_not_in_force"  # never published: such a claim stops the settlement


def benefits(
    claims: DataFrame, counted_before: DataFrame, helped: DataFrame, plans: Mapping[str, Plan], rule_version: Column
) -> DataFrame:
    """One row per claim publicised in the period: counted with its benefit, or not counted, with the reason as marker.

    Key: plan_id, claim_id. `claims`: valid rows of source/approved_claims with `member_since` and `waiting_ends_on` of
    the membership in force on the day of diagnosis; the source has that day, rule `waiting_days` warns if it differs.
    `counted_before`: benefits counted in earlier periods (plan_id, claim_id). `helped`: memberships that received a
    benefit in an earlier period (plan_id, member_id, member_since). The benefit is the approved aid up to the limit;
    one cut by the limit is marked LIMITED.
    """
    judged = _with_history(claims, counted_before, helped)
    judged = judged.withColumn("age", age_years(F.col("birth_date"), _age_counted_on(plans)))
    judged = judged.withColumn("limit_fen", _limit_fen(plans)).withColumn("refusal", _refusal(plans))
    judged = judged.withColumn("refusal", F.coalesce("refusal", _second_of_membership()))
    counted = F.col("refusal").isNull()
    limited = F.col("approved_aid_fen") > F.col("limit_fen")
    return judged.select(
        "plan_id",
        "claim_id",
        "member_id",
        "illness_code",
        "severity",
        _age_band(age_years(F.col("birth_date"), F.col("diagnosed_on"))).alias("age_band"),
        "approved_aid_fen",
        F.when(counted, F.least("approved_aid_fen", "limit_fen"))
        .otherwise(F.lit(0))
        .cast("bigint")
        .alias("benefit_fen"),
        counted.alias("counted"),
        F.when(counted & limited, LIMITED).otherwise(F.col("refusal")).alias("marker"),
        rule_version.alias("rule_version"),
    )


def _with_history(claims: DataFrame, counted_before: DataFrame, helped: DataFrame) -> DataFrame:
    """The claims with `counted_before` and `already_helped`: true, or null where there is no such history."""
    same_claim = counted_before.select("plan_id", "claim_id", F.lit(True).alias("counted_before")).distinct()
    same_membership = helped.withColumn("already_helped", F.lit(True))
    return claims.join(same_claim, on=["plan_id", "claim_id"], how="left").join(
        same_membership, on=["plan_id", "member_id", "member_since"], how="left"
    )


def _refusal(plans: Mapping[str, Plan]) -> Column:
    """The first reason why a claim does not count, as published in settled/benefits; null if there is none.

    Source: the benefit rules of the plan (`waiting_applies_to_accidents`, `helped_illnesses`, `removed_illnesses`,
    `benefit_limits`, `illness_limits`).
    """
    in_waiting_period = F.col("diagnosed_on") <= F.col("waiting_ends_on")
    waiting_applies = ~F.col("accident") | _by_rules(plans, lambda rules: F.lit(rules.waiting_applies_to_accidents))
    return (
        F.when(F.col("objection") == "pending", "objection_pending")
        .when(F.col("objection") == "upheld", "objection_upheld")
        .when(F.coalesce("counted_before", F.lit(False)), "counted_before")
        .when(F.coalesce("already_helped", F.lit(False)), "already_helped")
        .when(in_waiting_period & waiting_applies, "in_waiting_period")
        .when(_by_rules(plans, lambda rules: F.lit(True)).isNull(), WITHOUT_RULE)
        .when(~_by_rules(plans, _is_helped), "illness_not_in_plan")
        .when(_by_rules(plans, _is_removed), "illness_removed")
        .when(F.col("limit_fen").isNull(), "age_outside_limits")
    )


def _second_of_membership() -> Column:
    """A membership receives one benefit: of several acceptable claims in a period, the first approved one counts."""
    is_acceptable = F.col("refusal").isNull()
    by_approval = Window.partitionBy("plan_id", "member_id", "member_since", is_acceptable).orderBy(
        "approved_on", "claim_id"
    )
    return F.when(is_acceptable & (F.row_number().over(by_approval) > 1), "already_helped")


def _limit_fen(plans: Mapping[str, Plan]) -> Column:
    """The claim's limit (rules `illness_limits`, then `benefit_limits`); null if its age is outside all limits."""

    def first_applicable(rules: BenefitRules) -> Column:
        return _first_true([(_applies(limit), F.lit(limit.limit_fen).cast("bigint")) for limit in rules.limits])

    return _by_rules(plans, first_applicable)


def _applies(limit: BenefitLimit) -> Column:
    applies = (
        (F.col("tier") == limit.tier)
        & (F.col("severity") == limit.severity)
        & F.col("age").between(limit.age_from, limit.age_to)
    )
    return applies if limit.illness_code is None else applies & (F.col("illness_code") == limit.illness_code)


def _is_helped(rules: BenefitRules) -> Column:
    return (
        F.lit(True) if rules.helped_illnesses is None else F.col("illness_code").isin(*sorted(rules.helped_illnesses))
    )


def _is_removed(rules: BenefitRules) -> Column:
    removed = [
        (F.col("illness_code") == illness) & (F.col("severity") == severity)
        for illness, severity in sorted(rules.removed_illnesses)
    ]
    return reduce(Column.__or__, removed, F.lit(False))


def _age_counted_on(plans: Mapping[str, Plan]) -> Column:
    """The day on which the claimant's age is taken. Source: rule `age_counted_on`."""
    return _by_rules(plans, lambda rules: F.col(rules.age_counted_on))


def _by_rules(plans: Mapping[str, Plan], column_of: Callable[[BenefitRules], Column]) -> Column:
    """A column from the benefit rules of the claim's plan in force on its day of diagnosis; null if none are."""
    cases = []
    for plan_id, plan in plans.items():
        for rules in plan.benefit_rules():
            in_force = (F.col("plan_id") == plan_id) & (F.col("diagnosed_on") >= F.lit(rules.from_on))
            if rules.until_on is not None:
                in_force = in_force & (F.col("diagnosed_on") < F.lit(rules.until_on))
            cases.append((in_force, column_of(rules)))
    return _first_true(cases)


def _first_true(cases: list[tuple[Column, Column]]) -> Column:
    (condition, value), *rest = cases
    return reduce(lambda chain, case: chain.when(*case), rest, F.when(condition, value))


def _age_band(age: Column) -> Column:
    """The band of ten years, as text: "30-39"."""
    decade = age - age % 10
    return F.concat(decade.cast("string"), F.lit("-"), (decade + 9).cast("string"))
