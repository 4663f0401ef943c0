"""The kinds of rules: for each one its unit, whether it may be null, and the type of its value.

A type checks a value as it is written in YAML and yields the frozen value of `jobs.rulebook.rules`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationInfo, WithJsonSchema, WrapValidator

from jobs.base.strict import Strict, Text, WholeNumber, must_be, refusal
from jobs.money import PPM, SHARE_ROUNDING
from jobs.rulebook.rules import BenefitLimit
from schemas.codes import SEVERITIES, TIERS

OLDEST_YEARS = 150
AGES = re.compile("([0-9]{1,3})-([0-9]{1,3})")


@dataclass(frozen=True)
class Kind:
    """One kind of rule. `value` is the type of a value that is not null."""

    unit: str
    may_be_null: bool
    value: Any


def _known_illness(code: str, info: ValidationInfo) -> str:
    known = info.context["illnesses"]
    if code not in known:
        raise refusal(f"is {code!r}; it must be one of {', '.join(known)}")
    return code


def _each_once(items: list) -> list:
    for number, item in enumerate(items):
        if item in items[:number]:
            raise refusal(f"entry {number} repeats an earlier one")
    return items


def _ages(value: str) -> tuple[int, int]:
    match = AGES.fullmatch(value)
    first, last = map(int, match.groups()) if match else (1, 0)
    if not first <= last <= OLDEST_YEARS:
        raise refusal(f"must be ages like 0-39, the lower one first, the higher one at most {OLDEST_YEARS}")
    return first, last


Days = Annotated[int, Field(ge=0, le=OLDEST_YEARS * 366)]
Years = Annotated[int, Field(ge=0, le=OLDEST_YEARS)]
Illness = Annotated[Text, AfterValidator(_known_illness)]
Tier = Literal[TIERS]
Severity = Literal[SEVERITIES]
Ages = Annotated[Text, Field(json_schema_extra={"pattern": f"^{AGES.pattern}$"}), AfterValidator(_ages)]


class LimitRow(Strict):
    """The most the plan pays for one case of a member of these ages."""

    tier: Tier
    severity: Severity
    ages: Ages
    limit: WholeNumber


class IllnessLimitRow(LimitRow):
    """The most the plan pays for one case of this illness; it replaces the general limit."""

    illness_code: Illness


class RemovedRow(Strict):
    """An illness that the plan no longer helps at this severity."""

    illness_code: Illness
    severity: Severity


def _frozen_limits(rows: list[LimitRow]) -> tuple[BenefitLimit, ...]:
    return tuple(
        BenefitLimit(row.tier, row.severity, *row.ages, row.limit, getattr(row, "illness_code", None)) for row in rows
    )


def _frozen_removed(rows: list[RemovedRow]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((row.illness_code, row.severity) for row in rows))


def _all_or_listed(value: Any, listed: Any) -> tuple[str, ...] | None:
    return None if value == "all" else tuple(sorted(listed(value)))


def _list_of(what: str) -> BeforeValidator:
    def check(value: Any) -> Any:
        if not isinstance(value, list):
            raise refusal(f"must be a list of {what}")
        return value

    return BeforeValidator(check)


Weights = Annotated[
    dict[Tier, Annotated[int, Field(gt=0, le=PPM)]],  # a member of more than weight 1 would pay more than a cap
    Field(min_length=1),
    AfterValidator(lambda weights: MappingProxyType(weights)),
    must_be(dict, "must give a weight for each tier"),
]
Limits = Annotated[list[LimitRow], AfterValidator(_frozen_limits), _list_of("limits")]
IllnessLimits = Annotated[list[IllnessLimitRow], AfterValidator(_frozen_limits), _list_of("limits")]
Helped = Annotated[
    list[Illness],
    AfterValidator(_each_once),
    must_be(list, "must be a list of illness codes, or the word all"),
    WrapValidator(_all_or_listed),
    WithJsonSchema({"anyOf": [{"const": "all"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
Removed = Annotated[
    list[RemovedRow],
    AfterValidator(_each_once),
    AfterValidator(_frozen_removed),
    _list_of("illness_code and severity"),
]

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "fee_rate": Kind("ppm", False, WholeNumber),
        "rounding": Kind("policy", False, Literal[tuple(SHARE_ROUNDING)]),
        "tier_weights": Kind("ppm", False, Weights),
        "per_case_cap": Kind("fen", True, WholeNumber),
        "yearly_cap": Kind("fen", True, WholeNumber),
        "first_month_waiver": Kind("date", True, date),
        "funded_periods": Kind("yes_no", False, bool),
        "helped_member_shares": Kind("yes_no", False, bool),
        "minimum_members": Kind("members", False, WholeNumber),
        "waiting_days": Kind("days", False, Days),
        "joining_age_from": Kind("days", False, Days),
        "joining_age_to": Kind("years", False, Years),
        "membership_end_age": Kind("years", True, Years),
        "benefit_limits": Kind("fen", False, Limits),
        "illness_limits": Kind("fen", False, IllnessLimits),
        "helped_illnesses": Kind("illness_code", False, Helped),
        "removed_illnesses": Kind("illness_code", False, Removed),
        "age_counted_on": Kind("column", False, Literal["diagnosed_on", "approved_on"]),
        "waiting_applies_to_accidents": Kind("yes_no", False, bool),
    }
)


@cache
def adapter(name: str) -> TypeAdapter[Any]:
    """The validator of a rule's value."""
    return TypeAdapter(KINDS[name].value)
