"""The rules of every table, and what the gate counted against them as results in the form of Great Expectations.

Great Expectations is not imported here, which would cost a small settlement seconds: expectations/validation.py makes
its objects from these results, and lets it validate a table by itself.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from expectations import claims, costs, members, outputs, receipts, recoveries, reviews
from expectations.expectation import COLUMN_MAX, GATE_ONLY, ROW_COUNT, UNEXPECTED_ROWS, Expectation
from expectations.rule import NO_TERMS, GateRule, Rule, Severity, Terms

SUITES: dict[str, tuple[Rule, ...]] = {
    "source/members": (*members.TABLE_RULES, *members.ROW_RULES, *members.SET_RULES),
    "source/approved_claims": (*claims.TABLE_RULES, *claims.ROW_RULES, *claims.SET_RULES, claims.AFTER_SETTLEMENT),
    "source/receipts": (*receipts.TABLE_RULES, *receipts.ROW_RULES, receipts.PERIOD_UNKNOWN, *receipts.SET_RULES),
    "source/operating_costs": (*costs.COST_RULES, *costs.COST_CALENDAR_RULES, *costs.COST_SET_RULES),
    "source/claim_reviews": reviews.ROW_RULES,
    "source/field_visits": (*costs.VISIT_RULES, *costs.VISIT_CALENDAR_RULES, *costs.VISIT_SET_RULES),
    "source/recoveries": recoveries.ROW_RULES,
    **outputs.ROW_RULES,
    **outputs.FEW_ROW_RULES,
}
# Great Expectations' own severities of a failure.
FAILURE_SEVERITY = {Severity.CRITICAL: "critical", Severity.ERROR: "warning", Severity.WARNING: "info"}


@dataclass(frozen=True)
class RuleResult:
    """One rule judged: how many rows are against it, and what they would move.

    `expectation`: the Great Expectations type. `element_count`: the rows of the table, where they were counted.
    """

    table_name: str
    expectation: str
    id: str
    sentence: str
    severity: Severity
    unexpected_count: int
    amount_at_stake_fen: int
    suite_digest: str
    element_count: int | None = None

    @property
    def success(self) -> bool:
        return self.unexpected_count == 0

    @property
    def observed(self) -> str:
        return f"{self.unexpected_count} against the rule"

    @property
    def fault(self) -> str:
        """The fault of a row that breaks the rule, as part of a message."""
        return f"{self.table_name}: {self.sentence} ({self.observed})"

    @property
    def result(self) -> dict[str, Any]:
        """The `result` of an ExpectationValidationResult, with what was counted. The percentage is of all rows."""
        if self.expectation in (ROW_COUNT, COLUMN_MAX):
            return {"observed_value": self.element_count} if self.expectation == ROW_COUNT else {}
        observed = {"observed_value": self.unexpected_count}
        if self.element_count is None or self.expectation == GATE_ONLY:
            return observed
        percent = 100 * self.unexpected_count / self.element_count if self.element_count else 0.0
        counts = {"element_count": self.element_count, "unexpected_count": self.unexpected_count}
        extra = observed if self.expectation == UNEXPECTED_ROWS else {}
        return {**extra, **counts, "unexpected_percent": percent}


def judge(
    table_name: str,
    unexpected_count: Mapping[str, int],
    amount_at_stake_fen: Mapping[str, int] | None = None,
    element_count: int | None = None,
) -> list[RuleResult]:
    """The results of a table's rules, one for each rule in `unexpected_count`, in the order of the suite.

    The maps are by rule id; `element_count`: how many rows were judged, where that is known.
    """
    stakes_fen, digest = amount_at_stake_fen or {}, suite_digest(table_name)
    return [
        RuleResult(
            table_name=table_name,
            expectation=rule.expectation(NO_TERMS).type,
            id=rule.id,
            sentence=rule.sentence,
            severity=rule.severity,
            unexpected_count=unexpected_count[rule.id],
            amount_at_stake_fen=stakes_fen.get(rule.id, 0),
            suite_digest=digest,
            element_count=element_count,
        )
        for rule in SUITES[table_name]
        if rule.id in unexpected_count
    ]


def suite_digest(table_name: str) -> str:
    """Digest of the rules of a table: identifies the wording of a result."""
    text = "\n".join(f"{rule.id}|{rule.severity}|{rule.sentence}" for rule in SUITES[table_name])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def configuration(rule: Rule, terms: Terms) -> dict[str, Any]:
    """The rule as the JSON of an expectation, with the terms filled in."""
    return _configuration(rule.expectation(terms), rule.id, rule.severity, rule.sentence)


def judged_configuration(result: RuleResult, terms: Terms) -> dict[str, Any]:
    """The expectation that a result belongs to; a rule that is no longer in the suite is one of the gate alone."""
    rule = next((rule for rule in SUITES.get(result.table_name, ()) if rule.id == result.id), None)
    former = Expectation(GATE_ONLY, {"rule_id": result.id, "needs": "the version of the program that judged it"})
    expectation = former if rule is None else rule.expectation(terms)
    return _configuration(expectation, result.id, result.severity, result.sentence)


def suite_json(table_name: str, terms: Terms) -> dict[str, Any]:
    """The suite of a table as Great Expectations stores it, with the rules that it can judge on the table alone.

    The others are listed in `meta` under `judged_by_the_gate_alone`, each with what it needs.
    """
    rules = SUITES[table_name]
    alone = [{"rule_id": r.id, "sentence": r.sentence, "needs": r.needs} for r in rules if isinstance(r, GateRule)]
    return {
        "name": table_name,
        "expectations": [configuration(rule, terms) for rule in rules if not isinstance(rule, GateRule)],
        "meta": {"suite_digest": suite_digest(table_name), "judged_by_the_gate_alone": alone},
    }


def _configuration(expectation: Expectation, rule_id: str, severity: Severity, sentence: str) -> dict[str, Any]:
    return {
        "type": expectation.type,
        "kwargs": expectation.json_kwargs,
        "meta": {"rule_id": rule_id, "severity": str(severity), "sentence": sentence},
        "severity": FAILURE_SEVERITY[severity],
    }
