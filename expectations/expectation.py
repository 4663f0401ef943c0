"""An expectation as Great Expectations writes it in JSON: a type and its arguments. Great Expectations is not imported.

Each function below makes one. The names of types that start with `expect_` are those of Great Expectations; the three
NOT_NULL_... types and GATE_ONLY are defined in expectations/custom.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

NOT_NULL = "expect_column_values_to_not_be_null"
IN_SET = "expect_column_values_to_be_in_set"
BETWEEN = "expect_column_values_to_be_between"
MATCH_REGEX = "expect_column_values_to_match_regex"
PAIR_IN_ORDER = "expect_column_pair_values_a_to_be_greater_than_b"
UNIQUE = "expect_column_values_to_be_unique"
COMPOUND_UNIQUE = "expect_compound_columns_to_be_unique"
ROW_COUNT = "expect_table_row_count_to_be_between"
COLUMN_MAX = "expect_column_max_to_be_between"
UNEXPECTED_ROWS = "unexpected_rows_expectation"
NOT_NULL_IN_SET = "expect_column_values_to_not_be_null_and_to_be_in_set"
NOT_NULL_BETWEEN = "expect_column_values_to_not_be_null_and_to_be_between"
NOT_NULL_COLUMNS = "expect_multicolumn_values_to_not_be_null"
GATE_ONLY = "expect_gate_to_count_no_rows"

ALL_ROWS_WHERE = "SELECT * FROM {batch} WHERE "


@dataclass(frozen=True)
class Expectation:
    """One expectation. `kwargs`: its arguments, with dates as dates."""

    type: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def json_kwargs(self) -> dict[str, Any]:
        """The arguments as JSON values: dates as text, sequences as lists."""
        return {name: _json_value(value) for name, value in self.kwargs.items()}


def not_null(column: str) -> Expectation:
    """The column has a value."""
    return Expectation(NOT_NULL, {"column": column})


def all_not_null(*columns: str) -> Expectation:
    """Each of the columns has a value. A row counts once, however many values are missing."""
    return Expectation(NOT_NULL_COLUMNS, {"column_list": columns, "ignore_row_if": "never"})


def in_set(column: str, values: Iterable) -> Expectation:
    """The column is one of the values, or null."""
    return Expectation(IN_SET, {"column": column, "value_set": tuple(values)})


def not_null_in_set(column: str, values: Iterable) -> Expectation:
    """The column is one of the values; null is unexpected."""
    return Expectation(NOT_NULL_IN_SET, {"column": column, "value_set": tuple(values)})


def not_before(column: str, day: date) -> Expectation:
    """The column is this day or later, or null."""
    return Expectation(BETWEEN, {"column": column, "min_value": day})


def not_null_between(column: str, least: int, most: int, row_condition: dict | None = None) -> Expectation:
    """The column is a number between the bounds, both included; null is unexpected."""
    condition = {"row_condition": row_condition} if row_condition else {}
    return Expectation(NOT_NULL_BETWEEN, {"column": column, "min_value": least, "max_value": most, **condition})


def matches(column: str, regex: str) -> Expectation:
    """The column matches the regular expression, or is null."""
    return Expectation(MATCH_REGEX, {"column": column, "regex": regex})


def in_order(earlier: str, later: str) -> Expectation:
    """The second column is not below the first; where either is null, the row is not judged."""
    pair = {"column_A": later, "column_B": earlier, "or_equal": True, "ignore_row_if": "either_value_is_missing"}
    return Expectation(PAIR_IN_ORDER, pair)


def unique(*columns: str) -> Expectation:
    """No two rows share the columns; every row that does is unexpected. A row with a null is not judged."""
    if len(columns) == 1:
        return Expectation(UNIQUE, {"column": columns[0]})
    return Expectation(COMPOUND_UNIQUE, {"column_list": columns, "ignore_row_if": "any_value_is_missing"})


def at_least_one_row() -> Expectation:
    """The table is not empty."""
    return Expectation(ROW_COUNT, {"min_value": 1})


def newest_not_before(column: str, day: date) -> Expectation:
    """The greatest value of the column is this day or later."""
    return Expectation(COLUMN_MAX, {"column": column, "min_value": day})


def no_rows_where(condition: str) -> Expectation:
    """No row meets the condition, a Spark SQL expression over the row; a condition that is null is not met."""
    return Expectation(UNEXPECTED_ROWS, {"unexpected_rows_query": ALL_ROWS_WHERE + condition})


def no_rows_in(query: str) -> Expectation:
    """The query, in which {batch} is the table, gives no row."""
    return Expectation(UNEXPECTED_ROWS, {"unexpected_rows_query": " ".join(query.split())})


def equals(column: str, value: str | int) -> dict:
    """A row condition: only rows with this value are judged."""
    return {"type": "comparison", "column": {"name": column}, "operator": "==", "parameter": value}


def _json_value(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return [_json_value(each) for each in value] if isinstance(value, tuple) else value
