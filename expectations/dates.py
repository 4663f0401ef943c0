"""Rules on days that a Delta table can hold and Python cannot: before the year 1 or after the year 9999."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from expectations.rule import GateRowRule, Severity
from schemas import Table

FIRST_DAY, LAST_DAY = "DATE '0001-01-01'", "DATE '9999-12-31'"


def is_impossible(column: str) -> str:
    """SQL text: the column is a day that Python cannot hold."""
    return f"({column} < {FIRST_DAY} OR {column} > {LAST_DAY})"


def possible(column: str) -> Column:
    """The day, or null where Python cannot hold it."""
    return F.expr(f"CASE WHEN {column} BETWEEN {FIRST_DAY} AND {LAST_DAY} THEN {column} END")


def date_columns(table: Table) -> tuple[str, ...]:
    """The columns of days, in schema order."""
    return tuple(column.name for column in table.columns if column.type == "DATE")


def date_rules(row: str, table: Table) -> tuple[GateRowRule, ...]:
    """One rule for each column of days. `row`: what a row is, the first word of the ids.

    Only the gate counts them, because Great Expectations would read the days into Python.
    """
    return tuple(
        GateRowRule(
            f"{row}_{column}_out_of_range",
            Severity.ERROR,
            f"{column} is in the years 1 to 9999.",
            "a reader of days outside these years",
            is_impossible(column),
        )
        for column in date_columns(table)
    )
