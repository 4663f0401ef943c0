"""Proves that the age bands of a plan's limits have no hole and no overlap on any day on which they are in force."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import groupby, pairwise

from jobs.base.strict import Fault
from jobs.rulebook.rules import BenefitLimit, Rule, RuleValue
from jobs.rulebook.values import OLDEST_YEARS
from schemas.codes import SEVERITIES


def check_age_bands(rules: Mapping[str, Rule]) -> None:
    """Raises Fault unless every age of a member falls in exactly one band of each tier and severity.

    The ages run from the age at joining to the age before the end of the membership; without an end, to OLDEST_YEARS.
    They and the tiers come from the other rules of the plan, as in force on the days of the limits. Limits of single
    illnesses may leave ages to the general limits, but may not overlap.
    """
    for name in ("benefit_limits", "illness_limits"):
        for limits, _ in _stretches(rules[name]):
            _refuse_overlaps(rules[name], limits)
    for limits, until in _stretches(rules["benefit_limits"]):
        ages = _ages_of_members(rules, until)
        _refuse_holes(rules["benefit_limits"], limits, _tiers(rules["tier_weights"], limits.from_on, until), ages)


def _stretches(rule: Rule) -> Iterator[tuple[RuleValue, date]]:
    """Each value with the day before which it is in force."""
    ends = [*(value.from_on for value in rule.values[1:]), date.max]
    return zip(rule.values, ends, strict=True)


def _ages_of_members(rules: Mapping[str, Rule], until: date) -> range:
    """The ages in years of members who joined before the day: none where no rule of joining was in force by then."""
    joined_from = [value.value for value, _ in _stretches(rules["joining_age_from"]) if value.from_on < until]
    ends_at = [value.value for value, _ in _stretches(rules["membership_end_age"]) if value.from_on < until]
    if not (joined_from and ends_at):
        return range(0)
    youngest = max(years for years in range(OLDEST_YEARS + 1) if years * 1461 <= min(joined_from) * 4)
    end = OLDEST_YEARS + 1 if None in ends_at else max(ends_at)
    if youngest >= end:
        file = rules["membership_end_age"].file
        raise Fault(file, "values", f"ends every membership by {end}, but members join from the age of {youngest}")
    return range(youngest, end)


def _tiers(weights: Rule, from_on: date, until: date) -> list[str]:
    """The tiers that have a weight on any of these days."""
    in_force = [value for value, end in _stretches(weights) if value.from_on < until and end > from_on]
    return sorted({tier for value in in_force for tier in value.value})


def _refuse_overlaps(rule: Rule, limits: RuleValue) -> None:
    for _, of_case in groupby(sorted(limits.value, key=_case), key=_case):
        bands = sorted(of_case, key=lambda limit: (limit.age_from, limit.age_to))
        for band, following in pairwise(bands):
            if following.age_from <= band.age_to:
                raise _fault(
                    rule,
                    limits,
                    f"gives two limits for age {following.age_from} ({_words(band)}): ages {_range(band)} and "
                    f"{_range(following)}",
                )


def _refuse_holes(rule: Rule, limits: RuleValue, tiers: Iterable[str], ages: range) -> None:
    for tier in tiers:
        for severity in SEVERITIES:
            bands = [limit for limit in limits.value if (limit.tier, limit.severity) == (tier, severity)]
            for age in ages:
                if not any(band.age_from <= age <= band.age_to for band in bands):
                    raise _fault(
                        rule,
                        limits,
                        f"gives no limit for age {age} (tier {tier}, severity {severity}); by the rules of joining "
                        f"members are {ages[0]} to {ages[-1]} years old",
                    )


def _fault(rule: Rule, limits: RuleValue, what: str) -> Fault:
    return Fault(rule.file, f"values.{limits.from_on}.value", f"{what}. Each age needs exactly one limit")


def _case(limit: BenefitLimit) -> tuple[str, str, str]:
    return limit.tier, limit.severity, limit.illness_code or ""


def _words(limit: BenefitLimit) -> str:
    illness = f", {limit.illness_code}" if limit.illness_code else ""
    return f"tier {limit.tier}, severity {limit.severity}{illness}"


def _range(limit: BenefitLimit) -> str:
    return f"{limit.age_from}-{limit.age_to}"
