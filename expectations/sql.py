"""Parts of SQL conditions that contain values in force in a period."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any


def literal(value: Any) -> str:
    """The value as a Spark SQL literal: text, a whole number, a day or null."""
    if value is None:
        return "NULL"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    return str(value) if isinstance(value, int) else "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def one_of(column: str, values: Iterable) -> str:
    """The column is one of the values; false where there is none."""
    literals = ", ".join(literal(value) for value in values)
    return f"{column} IN ({literals})" if literals else "false"


def for_plan(by_plan: Mapping[str, Any]) -> str:
    """The value of the row's plan; null for a plan that is not listed, unless all plans agree on the value."""
    cases = [
        f"WHEN {one_of('plan_id', plan_ids)} THEN {literal(value)}" for value, plan_ids in _plans_by_value(by_plan)
    ]
    if not cases:
        return "NULL"
    if len(cases) == 1:  # one comparison less for every row
        return literal(next(iter(by_plan.values())))
    return f"CASE {' '.join(cases)} END"


def tier_unknown(tiers: Mapping[str, tuple[str, ...]]) -> str:
    """The row's plan is known, and its tier is null or none of the plan's. `tiers` is by plan."""
    conditions = [
        f"({one_of('plan_id', plan_ids)} AND (tier IS NULL OR NOT {one_of('tier', of_plan)}))"
        for of_plan, plan_ids in _plans_by_value(tiers)
    ]
    return " OR ".join(conditions) or "false"


def _plans_by_value(by_plan: Mapping[str, Any]) -> Iterable[tuple[Any, list[str]]]:
    plan_ids: dict[Any, list[str]] = {}
    for plan_id, value in by_plan.items():
        plan_ids.setdefault(value, []).append(plan_id)
    return plan_ids.items()
