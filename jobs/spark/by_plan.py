"""A value of the row's plan, or of its plan and tier."""

from collections.abc import Iterable, Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F


def by_plan(values: Mapping[str, Column], otherwise: Column) -> Column:
    """The value of the row's plan; `otherwise` for a plan that has none."""
    return _first_that_holds(((F.col("plan_id") == plan_id, value) for plan_id, value in values.items()), otherwise)


def by_plan_and_tier(values: Mapping[tuple[str, str], Column], otherwise: Column) -> Column:
    """The value of the row's plan and tier; `otherwise` where there is none."""
    cases = (
        ((F.col("plan_id") == plan_id) & (F.col("tier") == tier), value) for (plan_id, tier), value in values.items()
    )
    return _first_that_holds(cases, otherwise)


def fen(amount: int | None) -> Column:
    """An amount as a column."""
    return F.lit(amount).cast("bigint")


def _first_that_holds(cases: Iterable[tuple[Column, Column]], otherwise: Column) -> Column:
    chain = None
    for condition, value in cases:
        chain = F.when(condition, value) if chain is None else chain.when(condition, value)
    return otherwise if chain is None else chain.otherwise(otherwise)
