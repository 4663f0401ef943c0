"""Source tables at pinned versions, with the columns and types that the data dictionary requires."""

from collections.abc import Mapping
from datetime import date

from deltalake.exceptions import DeltaError
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.base.errors import GateStopped
from jobs.lake.lake import Lake
from jobs.lake.object_stores import reason_of
from jobs.lake.small import SmallTables, matching
from schemas import TABLES, Column

TABLE_IDS = "table_ids"
INTEGERS = {"TINYINT", "SMALLINT", "INT", "BIGINT"}


def pin_versions(lake: Lake, names: tuple[str, ...]) -> dict[str, int]:
    """The newest version of each source table.

    Raises GateStopped if a table is missing, is not a Delta table, or lacks a column.
    """
    versions = {}
    for name in names:
        try:
            if not lake.exists(name):
                raise GateStopped(_missing_table(lake, name))
            versions[name] = lake.small.version(name)
            _checked_types(lake.small, name, versions[name])
        except (DeltaError, OSError) as error:
            raise GateStopped(
                f"{name} at {lake.path(name)} cannot be read: {reason_of(error)}. Nothing was done. Restore the table "
                "and run again."
            ) from error
    return versions


def pinned_inputs(lake: Lake, versions: Mapping[str, int]) -> dict:
    """The inputs that a run records: the version of each source, and in `table_ids` the Delta id of its table."""
    return {**versions, TABLE_IDS: {name: lake.small.table_id(name, versions[name]) for name in sorted(versions)}}


def read_source(lake: Lake, name: str, version: int) -> DataFrame:
    """A source table with exactly the dictionary's columns; the owner's additional columns are dropped.

    A narrower integer is widened. Raises GateStopped, which names every column that is missing or of the wrong type.
    """
    types = _checked_types(lake.small, name, version)
    frame = lake.read(name, version)  # first, because expressions need the session that this starts
    # Under ANSI a cast that loses digits raises an error: a wider integer is never cut silently.
    columns = [
        F.col(column.name) if types[column.name] == column.type else F.col(column.name).cast(column.spark_type)
        for column in TABLES[name].columns
    ]
    return frame.select(*columns)


def has_receipts(small: SmallTables, period: str, before: date) -> bool:
    """Whether the period has a receipt from before the day."""
    return small.holds_any("source/receipts", f"{matching(period=period)} and attempted_on < date '{before}'")


def is_readable_source(small: SmallTables, name: str, version: int | None = None) -> bool:
    """Whether a source exists with the dictionary's columns and types, at a version or at its newest."""
    return small.exists(name) and not _faults(name, small.column_types(name, version))


def _checked_types(small: SmallTables, name: str, version: int) -> dict[str, str]:
    types = small.column_types(name, version)
    faults = _faults(name, types)
    if faults:
        raise GateStopped(
            f"{name}, version {version}: {'; '.join(faults)}. Nothing was done. "
            "Ask the owner of the table to restore its columns (schemas/DICTIONARY.md lists them), then run again."
        )
    return types


def _faults(name: str, types: Mapping[str, str]) -> list[str]:
    return [fault for column in TABLES[name].columns if (fault := _fault(column, types))]


def _fault(column: Column, types: Mapping[str, str]) -> str | None:
    if column.name not in types:
        return f"column {column.name} ({column.type}) is missing"
    actual = types[column.name]
    if actual == column.type or {actual, column.type} <= INTEGERS:
        return None
    return f"column {column.name} is {actual} instead of {column.type}"


def _missing_table(lake: Lake, name: str) -> str:
    return (
        f"{name}: there is no Delta table at {lake.path(name)}. Nothing was done. "
        "Load the table, or make a sample world with `fentan generate`, then run again."
    )
