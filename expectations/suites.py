"""Great Expectations suites, one per table: every rule's count of violations is expected to be zero.

A suite judges one row of counts, whatever the size of the table it speaks of: the counting is one pass in Spark, the
judging takes the same time at a hundred members and at a hundred million.
"""

import hashlib
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from expectations import claims, costs, members, outputs, receipts, reviews
from expectations.rule import Rule, Severity

SUITES: dict[str, tuple[Rule, ...]] = {
    "source/members": (*members.TABLE_RULES, *members.ROW_RULES, *members.SET_RULES),
    "source/approved_claims": (*claims.TABLE_RULES, *claims.ROW_RULES, *claims.SET_RULES, claims.AFTER_SETTLEMENT),
    "source/receipts": (*receipts.TABLE_RULES, *receipts.ROW_RULES, receipts.PERIOD_UNKNOWN, *receipts.SET_RULES),
    "source/operating_costs": (*costs.COST_RULES, *costs.COST_SET_RULES),
    "source/claim_reviews": reviews.ROW_RULES,
    "source/field_visits": (*costs.VISIT_RULES, *costs.VISIT_SET_RULES),
    **outputs.ROW_RULES,
    **outputs.FEW_ROW_RULES,
}


@dataclass(frozen=True)
class RuleResult:
    """One rule judged: how many rows are against it, and what they would move."""

    table_name: str
    expectation: str
    id: str
    sentence: str
    severity: Severity
    unexpected_count: int
    amount_at_stake_fen: int
    success: bool
    suite_digest: str

    @property
    def observed(self) -> str:
        return f"{self.unexpected_count} against the rule"

    @property
    def fault(self) -> str:
        """What is wrong where the rule is broken, as part of a message."""
        return f"{self.table_name}: {self.sentence} ({self.observed})"


def judge(
    table_name: str, unexpected_count: Mapping[str, int], amount_at_stake_fen: Mapping[str, int] | None = None
) -> list[RuleResult]:
    """Judges a table by its suite. `unexpected_count` holds a count for each rule; a rule without one is not judged."""
    rules = [rule for rule in SUITES[table_name] if rule.id in unexpected_count]
    results = _validate(table_name, tuple(rule.id for rule in rules), dict(unexpected_count))
    stakes = amount_at_stake_fen or {}
    return [
        RuleResult(
            table_name=table_name,
            expectation=results[rule.id].expectation_config.type,
            id=rule.id,
            sentence=rule.sentence,
            severity=rule.severity,
            unexpected_count=unexpected_count[rule.id],
            amount_at_stake_fen=stakes.get(rule.id, 0),
            success=bool(results[rule.id].success),
            suite_digest=suite_digest(table_name),
        )
        for rule in rules
    ]


def suite_digest(table_name: str) -> str:
    """Digest of the rules of a table: tells which wording a result belongs to."""
    text = "\n".join(f"{rule.id}|{rule.severity}|{rule.sentence}" for rule in SUITES[table_name])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _validate(table_name: str, rule_ids: tuple[str, ...], counts: dict[str, int]) -> dict:
    import pandas as pd

    batch = _batch_definition(table_name).get_batch({"dataframe": pd.DataFrame([counts], dtype="int64")})
    outcome = batch.validate(_suite(table_name, rule_ids), result_format="BOOLEAN_ONLY")
    results = {}
    for result in outcome.results:
        if result.exception_info and _any_exception(result.exception_info):
            raise RuntimeError(f"The expectation on {table_name} could not be judged: {result.exception_info}")
        results[result.expectation_config.kwargs["column"]] = result
    return results


def _any_exception(exception_info: dict) -> bool:
    """Whether an expectation broke instead of failing; Great Expectations nests this by metric."""
    if "raised_exception" in exception_info:
        return bool(exception_info["raised_exception"])
    return any(inner.get("raised_exception") for inner in exception_info.values() if isinstance(inner, dict))


@cache
def _context():
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    return context


@cache
def _batch_definition(table_name: str):
    source = _context().data_sources.add_pandas(name=table_name)
    return source.add_dataframe_asset(name=table_name).add_batch_definition_whole_dataframe("counts")


def _suite(table_name: str, rule_ids: tuple[str, ...]):
    import great_expectations as gx

    rules = [rule for rule in SUITES[table_name] if rule.id in rule_ids]
    return gx.ExpectationSuite(
        name=table_name,
        expectations=[
            gx.expectations.ExpectColumnMaxToBeBetween(
                column=rule.id, max_value=0, meta={"severity": str(rule.severity), "sentence": rule.sentence}
            )
            for rule in rules
        ],
    )
