"""The vocabulary of the quality gate: a rule, its severity, and what rules are told about the period."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import reduce
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F


class Severity(StrEnum):
    """What follows when a rule is broken."""

    CRITICAL = "critical"  # the run stops
    ERROR = "error"  # the row is held in quarantine
    WARNING = "warning"  # it is recorded


@dataclass(frozen=True)
class Terms:
    """What the rules are told: the publicity day, and the codes and limits in force. Maps are by plan."""

    publicity_on: date
    period_names: tuple[str, ...]
    tiers: Mapping[str, tuple[str, ...]]
    illness_codes: tuple[str, ...]
    waiting_days: Mapping[str, int]
    joining_age_from_days: Mapping[str, int]
    joining_age_to_years: Mapping[str, int]
    membership_ends_at_age_years: Mapping[str, int | None]


NO_TERMS = Terms(date.min, (), {}, (), {}, {}, {}, {})  # for rules that ask nothing of the period


@dataclass(frozen=True)
class Rule:
    """One rule of one table. `sentence` says what holds when nothing is wrong."""

    id: str
    severity: Severity
    sentence: str


@dataclass(frozen=True)
class RowRule(Rule):
    """A rule that a row breaks on its own. `broken` never gives null."""

    broken: Callable[[Terms], Column]


@dataclass(frozen=True)
class FewRowRule(Rule):
    """A rule of a table of few rows, which a row (its values by column) breaks on its own."""

    broken: Callable[[Mapping[str, Any]], bool]


def missing(*columns: str) -> Column:
    """Any of the columns is null."""
    condition = F.lit(False)
    for column in columns:
        condition = condition | F.col(column).isNull()
    return condition


def not_one_of(column: str, codes) -> Column:
    """The column is null or holds something else than the codes."""
    return F.col(column).isNull() | ~F.col(column).isin(*codes)


def holds(condition: Column) -> Column:
    """The condition, where null counts as no: a missing value is another rule's business."""
    return F.coalesce(condition, F.lit(False))


def for_plan(by_plan: Mapping[str, Any]) -> Column:
    """The value of the row's plan; null for a plan that is not listed, unless all plans agree on the value."""
    plans_of: dict[Any, list[str]] = {}
    for plan_id, value in by_plan.items():
        plans_of.setdefault(value, []).append(plan_id)
    if len(plans_of) == 1:  # one comparison less for every row
        return F.lit(*plans_of)
    chain = F.lit(None)
    for value, plan_ids in plans_of.items():
        chain = F.when(F.col("plan_id").isin(*plan_ids), F.lit(value)).otherwise(chain)
    return chain


def broken_bits(rules: tuple[RowRule, ...], terms: Terms) -> Column:
    """A BIGINT with bit i set where the row breaks rule i: one number that says everything wrong with a row."""
    bits = F.lit(0).cast("bigint")
    for position, rule in enumerate(rules):
        bits = bits + F.when(rule.broken(terms), F.lit(1 << position)).otherwise(F.lit(0)).cast("bigint")
    return bits


def breaks_any(rules: tuple[RowRule, ...], terms: Terms) -> Column:
    """Whether the row breaks any of the rules: quicker to know than which ones."""
    return reduce(Column.__or__, (rule.broken(terms) for rule in rules))


def bits_of(rules: tuple[Rule, ...], severity: Severity) -> int:
    """The bits of all rules of a severity."""
    return sum(1 << position for position, rule in enumerate(rules) if rule.severity is severity)


def reasons(rules: tuple[Rule, ...], bits: Column) -> Column:
    """The ids of the error rules whose bits are set, as an array."""
    ids = [
        F.when(bits.bitwiseAND(F.lit(1 << position)) != 0, rule.id)
        for position, rule in enumerate(rules)
        if rule.severity is Severity.ERROR
    ]
    return F.array_compact(F.array(*ids))
