"""The kinds of rules: of each its unit, whether it may be abolished, and how its value is read."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from jobs.money import SHARE_ROUNDING
from jobs.rulebook.rules import BenefitLimit
from jobs.rulebook.strict import Fault, day, exact_keys, one_of, text, whole_number, yes_no
from schemas.codes import SEVERITIES, TIERS


@dataclass(frozen=True)
class Kind:
    """One kind of rule. `read(value, file, key, illnesses)` gives the frozen value."""

    unit: str
    may_be_null: bool
    read: Callable[[Any, str, str, tuple[str, ...]], Any]


def _number(value, file, key, _illnesses):
    return whole_number(value, file, key)


def _yes_no(value, file, key, _illnesses):
    return yes_no(value, file, key)


def _day(value, file, key, _illnesses):
    return day(value, file, key)


def _rounding(value, file, key, _illnesses):
    return one_of(value, tuple(SHARE_ROUNDING), file, key)


def _age_counted_on(value, file, key, _illnesses):
    return one_of(value, ("diagnosed_on", "approved_on"), file, key)


def _weights(value, file, key, _illnesses):
    if not isinstance(value, dict) or not value:
        raise Fault(file, key, "must give a weight for each tier")
    weights = {one_of(t, TIERS, file, key): whole_number(w, file, f"{key}.{t}") for t, w in value.items()}
    if not all(weights.values()):
        raise Fault(file, key, "a weight must be above 0")
    return MappingProxyType(weights)


def _ages(value, file, key):
    first, dash, last = text(value, file, key).partition("-")
    if not (dash and first.isdigit() and last.isdigit() and int(first) <= int(last)):
        raise Fault(file, key, "must be ages like 0-39")
    return int(first), int(last)


def _limits(value, file, key, illnesses, fields=("tier", "severity", "ages", "limit")):
    if not isinstance(value, list):
        raise Fault(file, key, "must be a list of limits")
    limits = []
    for number, row in enumerate(value):
        at = f"{key}.{number}"
        exact_keys(row, fields, file, at)
        age_from, age_to = _ages(row["ages"], file, f"{at}.ages")
        limits.append(
            BenefitLimit(
                tier=one_of(row["tier"], TIERS, file, f"{at}.tier"),
                severity=one_of(row["severity"], SEVERITIES, file, f"{at}.severity"),
                age_from=age_from,
                age_to=age_to,
                limit_fen=whole_number(row["limit"], file, f"{at}.limit"),
                illness_code=one_of(row["illness_code"], illnesses, file, f"{at}.illness_code")
                if "illness_code" in fields
                else None,
            )
        )
    return tuple(limits)


def _illness_limits(value, file, key, illnesses):
    return _limits(value, file, key, illnesses, ("illness_code", "tier", "severity", "ages", "limit"))


def _helped(value, file, key, illnesses):
    if value == "all":
        return None
    if not isinstance(value, list) or not value:
        raise Fault(file, key, "must be a list of illness codes, or the word all")
    return tuple(sorted(one_of(code, illnesses, file, f"{key}.{n}") for n, code in enumerate(value)))


def _removed(value, file, key, illnesses):
    if not isinstance(value, list):
        raise Fault(file, key, "must be a list of illness_code and severity")
    for number, row in enumerate(value):
        exact_keys(row, ("illness_code", "severity"), file, f"{key}.{number}")
    return tuple(
        sorted(
            (
                one_of(row["illness_code"], illnesses, file, f"{key}.{number}.illness_code"),
                one_of(row["severity"], SEVERITIES, file, f"{key}.{number}.severity"),
            )
            for number, row in enumerate(value)
        )
    )


KINDS = MappingProxyType(
    {
        "fee_rate": Kind("ppm", False, _number),
        "rounding": Kind("policy", False, _rounding),
        "tier_weights": Kind("ppm", False, _weights),
        "per_case_cap": Kind("fen", True, _number),
        "yearly_cap": Kind("fen", True, _number),
        "first_month_waiver": Kind("date", True, _day),
        "funded_periods": Kind("yes_no", False, _yes_no),
        "helped_member_shares": Kind("yes_no", False, _yes_no),
        "minimum_members": Kind("members", False, _number),
        "waiting_days": Kind("days", False, _number),
        "joining_age_from": Kind("days", False, _number),
        "joining_age_to": Kind("years", False, _number),
        "membership_end_age": Kind("years", True, _number),
        "benefit_limits": Kind("fen", False, _limits),
        "illness_limits": Kind("fen", False, _illness_limits),
        "helped_illnesses": Kind("illness_code", False, _helped),
        "removed_illnesses": Kind("illness_code", False, _removed),
        "age_counted_on": Kind("column", False, _age_counted_on),
        "waiting_applies_to_accidents": Kind("yes_no", False, _yes_no),
    }
)
