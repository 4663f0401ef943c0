"""Conditions on the rows of small tables, which are judged both in plain Python and, as SQL, by Great Expectations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class RowTest:
    """What holds for a sound row. `sql` says the same as `holds` and is never null."""

    sql: str
    holds: Callable[[Row], bool]


def sums_equal(left: tuple[str, ...], right: tuple[str, ...]) -> RowTest:
    """The columns of both sides add up to the same; a missing value is a fault."""

    def holds(row: Row) -> bool:
        if any(row[column] is None for column in (*left, *right)):
            return False
        return sum(row[column] for column in left) == sum(row[column] for column in right)

    return RowTest(f"coalesce({' + '.join(left)} = {' + '.join(right)}, false)", holds)


def above_zero(column: str) -> RowTest:
    """The column is a number above zero; a missing value is a fault."""
    return RowTest(f"coalesce({column} > 0, false)", lambda row: (row[column] or 0) > 0)


def given(*columns: str) -> RowTest:
    """None of the columns is missing."""
    sql = " AND ".join(f"{column} IS NOT NULL" for column in columns)
    return RowTest(sql, lambda row: all(row[column] is not None for column in columns))


def possible_day(column: str) -> RowTest:
    """The column is a day that Python can hold; any other is read as missing, and a missing day is a fault."""
    between = f"{column} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'"
    return RowTest(f"coalesce({between}, false)", lambda row: row[column] is not None)


def not_zero(*columns: str) -> RowTest:
    """At least one of the columns is a number other than zero."""
    sql = " OR ".join(f"coalesce({column} <> 0, false)" for column in columns)
    return RowTest(f"({sql})", lambda row: any(row[column] for column in columns))


def at_most_zero(column: str) -> RowTest:
    """The column is a number of at most zero; a missing value is a fault."""
    return RowTest(f"coalesce({column} <= 0, false)", lambda row: row[column] is not None and row[column] <= 0)


def at_least_zero(column: str) -> RowTest:
    """The column is a number of at least zero; a missing value is a fault."""
    return RowTest(f"coalesce({column} >= 0, false)", lambda row: row[column] is not None and row[column] >= 0)


def different(first: str, second: str) -> RowTest:
    """The columns differ; two missing values do not."""
    return RowTest(f"NOT ({first} <=> {second})", lambda row: row[first] != row[second])


def every(*tests: RowTest) -> RowTest:
    """All of the tests hold."""
    return RowTest(" AND ".join(test.sql for test in tests), lambda row: all(test.holds(row) for test in tests))
