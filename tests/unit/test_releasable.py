"""Which held rows can be released: each reason is either refused with a sentence or lifted by a release."""

from datetime import date

import pytest

from expectations.rule import Severity
from expectations.suites import SUITES
from jobs.gate.releasable import LIFTED, REFUSALS, refusal_of
from schemas.control import SOURCE_OF_HELD
from tests.worlds_rows import claim

REASONS = {
    rule.id for source in SOURCE_OF_HELD.values() for rule in SUITES[source.name] if rule.severity is Severity.ERROR
}


def test_every_reason_is_either_refused_or_lifted():
    assert set(REFUSALS) | LIFTED == REASONS
    assert not set(REFUSALS) & LIFTED


@pytest.mark.parametrize("reasons, refused", [
    (["claim_sex_unknown"], False),
    (["claim_sex_unknown", "claim_tier_unknown"], True),
    (["claim_duplicated", "claim_after_settlement"], False),
    (["a_rule_that_is_gone"], True),
])  # fmt: skip
def test_one_reason_that_cannot_be_lifted_refuses_the_release(reasons, refused):
    refusal = refusal_of({**claim(1, 1), "reasons": reasons})
    assert (refusal is not None) == refused
    assert not refused or all(reason in refusal for reason in reasons if reason not in LIFTED)


def test_days_out_of_order_are_lifted_unless_the_age_would_be_below_zero():
    row = {**claim(1, 1), "reasons": ["claim_dates_out_of_order"]}
    assert refusal_of({**row, "approved_on": date(2021, 1, 1)}) is None
    assert "before the birth" in refusal_of({**row, "birth_date": date(2020, 11, 1)})
