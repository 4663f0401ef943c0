"""A quality rule: an id, a severity, a sentence and the expectation that says it; and what depends on the period."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import reduce
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from expectations.compiled import is_never_null, unexpected
from expectations.expectation import GATE_ONLY, Expectation, no_rows_where
from expectations.few_rows import RowTest


class Severity(StrEnum):
    """What follows when a rule is broken."""

    CRITICAL = "critical"  # the run stops
    ERROR = "error"  # the row is held in quarantine
    WARNING = "warning"  # it is recorded


@dataclass(frozen=True)
class Terms:
    """What the rules of a period need: the publicity day, and the codes and limits in force. Maps are by plan.

    `calendar_days`: the first day of the platform's calendar, and the first day after it.
    """

    publicity_on: date
    period_names: tuple[str, ...]
    tiers: Mapping[str, tuple[str, ...]]
    illness_codes: tuple[str, ...]
    waiting_days: Mapping[str, int]
    joining_age_from_days: Mapping[str, int]
    joining_age_to_years: Mapping[str, int]
    membership_ends_at_age_years: Mapping[str, int | None]
    calendar_days: tuple[date, date] = (date.min, date.max)

    @property
    def months(self) -> tuple[str, ...]:
        """The months of the calendar, YYYY-MM, in order."""
        return tuple(dict.fromkeys(name.partition("-P")[0] for name in self.period_names))


NO_TERMS = Terms(date(1970, 1, 1), (), {}, (), {}, {}, {}, {})  # for rules that do not depend on the period


@dataclass(frozen=True)
class Rule:
    """One rule of one table. `sentence` says what holds when nothing is wrong."""

    id: str
    severity: Severity
    sentence: str

    def expectation(self, terms: Terms) -> Expectation:
        """The rule as an expectation, with the period's terms filled in."""
        raise NotImplementedError


@dataclass(frozen=True)
class TableRule(Rule):
    """A rule on rows together or on the table as a whole: expressible on one table, counted by the gate its own way."""

    declared: Callable[[Terms], Expectation]

    def expectation(self, terms: Terms) -> Expectation:
        return self.declared(terms)


@dataclass(frozen=True)
class GateRule(Rule):
    """A rule that needs more than one table, so that only the gate counts it. `needs`: the other inputs."""

    needs: str

    def expectation(self, terms: Terms) -> Expectation:
        return Expectation(GATE_ONLY, {"rule_id": self.id, "needs": self.needs})


@dataclass(frozen=True)
class RowRule(TableRule):
    """A rule that a row breaks on its own: its expectation is compiled into the gate's pass."""

    def unexpected(self, terms: Terms) -> Column:
        """Whether the row breaks the rule; null counts as no."""
        return unexpected(self.declared(terms))

    def broken(self, terms: Terms) -> Column:
        """Whether the row breaks the rule; never null."""
        expectation = self.declared(terms)
        condition = unexpected(expectation)
        return condition if is_never_null(expectation) else F.coalesce(condition, F.lit(False))


@dataclass(frozen=True)
class GateRowRule(GateRule):
    """A rule that a row breaks on its own, and that only the gate counts. `condition`: SQL text of a row against it."""

    condition: str

    def unexpected(self, terms: Terms) -> Column:
        """Whether the row breaks the rule; null counts as no."""
        return F.expr(self.condition)

    def broken(self, terms: Terms) -> Column:
        """Whether the row breaks the rule; never null."""
        return F.coalesce(self.unexpected(terms), F.lit(False))


AnyRowRule = RowRule | GateRowRule


@dataclass(frozen=True)
class FewRowRule(Rule):
    """A rule of a table of few rows, which a row (its values by column) breaks on its own."""

    test: RowTest

    def expectation(self, terms: Terms) -> Expectation:
        return no_rows_where(f"NOT ({self.test.sql})")

    def broken(self, row: Mapping[str, Any]) -> bool:
        """Whether the row breaks the rule."""
        return not self.test.holds(row)


def broken_bits(rules: tuple[AnyRowRule, ...], terms: Terms) -> Column:
    """A BIGINT with bit i set where the row breaks rule i: one number that says everything wrong with a row."""
    bits = F.lit(0).cast("bigint")
    for position, rule in enumerate(rules):
        bits = bits + F.when(rule.unexpected(terms), F.lit(1 << position)).otherwise(F.lit(0)).cast("bigint")
    return bits


def breaks_any(rules: tuple[AnyRowRule, ...], terms: Terms) -> Column:
    """Whether the row breaks any of the rules, never null: quicker than to say which ones."""
    return F.coalesce(reduce(Column.__or__, (rule.unexpected(terms) for rule in rules)), F.lit(False))


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
