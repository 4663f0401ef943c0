"""Columns whose value depends on the row's plan_id, or on its plan_id and tier."""

from collections.abc import Iterable, Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F


def by_plan(values: Mapping[str, Column], otherwise: Column) -> Column:
    """The value for the row's plan_id; `otherwise` for a plan that is not in `values`."""
    return _first_true(((F.col("plan_id") == plan_id, value) for plan_id, value in values.items()), otherwise)


def by_plan_and_tier(values: Mapping[tuple[str, str], Column], otherwise: Column) -> Column:
    """The value for the row's (plan_id, tier); `otherwise` for a pair that is not in `values`."""
    cases = (
        ((F.col("plan_id") == plan_id) & (F.col("tier") == tier), value) for (plan_id, tier), value in values.items()
    )
    return _first_true(cases, otherwise)


def fen(amount: int | None) -> Column:
    """An amount in fen as a BIGINT literal."""
    return F.lit(amount).cast("bigint")


def _first_true(cases: Iterable[tuple[Column, Column]], otherwise: Column) -> Column:
    chain = None
    for condition, value in cases:
        chain = F.when(condition, value) if chain is None else chain.when(condition, value)
    return otherwise if chain is None else chain.otherwise(otherwise)
