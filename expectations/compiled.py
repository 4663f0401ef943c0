"""An expectation about single rows as one Spark column, so that all rules of a table are counted in one pass."""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from expectations import expectation as e
from expectations.expectation import ALL_ROWS_WHERE, Expectation

Kwargs = Mapping[str, Any]


def unexpected(expectation: Expectation) -> Column:
    """Whether the row is unexpected: true, false or, where a value is missing, possibly null, which counts as false.

    Raises KeyError for a type that does not judge rows one by one.
    """
    condition = _CONDITIONS[expectation.type](expectation.kwargs)
    row_condition = expectation.kwargs.get("row_condition")
    return condition if row_condition is None else _meets(row_condition) & condition


def is_never_null(expectation: Expectation) -> bool:
    """Whether `unexpected` is true or false for every row."""
    return expectation.type in _NEVER_NULL and "row_condition" not in expectation.kwargs


def _meets(row_condition: Mapping) -> Column:
    return F.col(row_condition["column"]["name"]) == row_condition["parameter"]


def _is_null(kwargs: Kwargs) -> Column:
    return F.col(kwargs["column"]).isNull()


def _is_any_null(kwargs: Kwargs) -> Column:
    return reduce(Column.__or__, (F.col(column).isNull() for column in kwargs["column_list"]))


def _is_not_in_set(kwargs: Kwargs) -> Column:
    return ~F.col(kwargs["column"]).isin(*kwargs["value_set"])


def _is_outside(kwargs: Kwargs) -> Column:
    column, least, most = F.col(kwargs["column"]), kwargs.get("min_value"), kwargs.get("max_value")
    if most is None:
        return column < F.lit(least)
    return column > F.lit(most) if least is None else ~column.between(least, most)


def _does_not_match(kwargs: Kwargs) -> Column:
    return ~F.col(kwargs["column"]).rlike(kwargs["regex"])


def _is_out_of_order(kwargs: Kwargs) -> Column:
    return F.col(kwargs["column_B"]) > F.col(kwargs["column_A"])


def _meets_sql(kwargs: Kwargs) -> Column:
    query = kwargs["unexpected_rows_query"]
    if not query.startswith(ALL_ROWS_WHERE):
        raise KeyError(f"not a condition on single rows: {query}")
    return F.expr(query.removeprefix(ALL_ROWS_WHERE))


_CONDITIONS: dict[str, Callable[[Kwargs], Column]] = {
    e.NOT_NULL: _is_null,
    e.NOT_NULL_COLUMNS: _is_any_null,
    e.IN_SET: _is_not_in_set,
    e.NOT_NULL_IN_SET: lambda kwargs: _is_null(kwargs) | _is_not_in_set(kwargs),
    e.BETWEEN: _is_outside,
    e.NOT_NULL_BETWEEN: lambda kwargs: _is_null(kwargs) | _is_outside(kwargs),
    e.MATCH_REGEX: _does_not_match,
    e.PAIR_IN_ORDER: _is_out_of_order,
    e.UNEXPECTED_ROWS: _meets_sql,
}
_NEVER_NULL = {e.NOT_NULL, e.NOT_NULL_COLUMNS, e.NOT_NULL_IN_SET, e.NOT_NULL_BETWEEN}
