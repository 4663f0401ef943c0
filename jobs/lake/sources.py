"""Source tables at pinned versions, with the columns and types the data dictionary asks for."""

from collections.abc import Mapping
from datetime import date

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.errors import GateStopped, Refused
from jobs.lake.lake import Lake
from jobs.register.runs import input_versions_of
from schemas import TABLES

TABLE_IDS = "table_ids"
INTEGERS = (T.ByteType, T.ShortType, T.IntegerType, T.LongType)


def pin_versions(lake: Lake, names: tuple[str, ...]) -> dict[str, int]:
    """The newest version of each source table; raises GateStopped where one is missing or not a Delta table."""
    versions = {}
    for name in names:
        try:
            if not lake.exists(name):
                raise GateStopped(_missing_table(lake, name))
            versions[name] = lake.version(name)
        except (PySparkException, Py4JError) as error:
            first_line = str(error).splitlines()[0]
            raise GateStopped(
                f"{name} at {lake.path(name)} cannot be read: {first_line}. Nothing was done. Restore the table "
                "and run again."
            ) from error
    return versions


def pinned_inputs(lake: Lake, versions: Mapping[str, int]) -> dict:
    """What a run records of its sources: versions, and which table each is a version of."""
    return {**versions, TABLE_IDS: {name: lake.table_id(name) for name in sorted(versions)}}


def versions_read(lake: Lake, run_id: str) -> dict[str, int]:
    """The versions of the source tables that a run read; raises Refused where a table was made anew since."""
    recorded = input_versions_of(lake, run_id)
    for name, table_id in recorded.get(TABLE_IDS, {}).items():
        if not lake.exists(name) or lake.table_id(name) != table_id:
            raise Refused(
                f"{name} is not the table that run {run_id} read: it was dropped, or made anew since. Nothing was done "
                "with it. Bring that table back to its place and run again."
            )
    return {name: version for name, version in recorded.items() if name.startswith("source/")}


def read_source(lake: Lake, name: str, version: int) -> DataFrame:
    """A source table with exactly its dictionary's columns; further columns of the owner are left out.

    Raises GateStopped naming every column that is missing or of the wrong type. A narrower integer is widened.
    """
    table = TABLES[name]
    frame = lake.read(name, version)
    found = {field.name: field.dataType for field in frame.schema.fields}
    faults = [fault for column in table.columns if (fault := _fault(column, found))]
    if faults:
        raise GateStopped(
            f"{name}, version {version}: {'; '.join(faults)}. Nothing was done. "
            "Ask the owner of the table to restore its columns (schemas/DICTIONARY.md lists them), then run again."
        )
    return frame.select(*(_typed(column, found[column.name]) for column in table.columns))


def has_receipts(lake: Lake, period: str, before: date) -> bool:
    """Whether any receipt of the period came before the day."""
    if not lake.exists("source/receipts"):
        return False
    receipts = read_source(lake, "source/receipts", lake.version("source/receipts"))
    return not receipts.where((F.col("period") == period) & (F.col("attempted_on") < F.lit(before))).isEmpty()


def _fault(column, found: dict[str, T.DataType]) -> str | None:
    if column.name not in found:
        return f"column {column.name} ({column.type}) is missing"
    actual, wanted = found[column.name], column.spark_type
    if actual == wanted or (isinstance(actual, INTEGERS) and isinstance(wanted, INTEGERS)):
        return None
    return f"column {column.name} is {actual.simpleString().upper()} instead of {column.type}"


def _typed(column, actual: T.DataType):
    # Under ANSI a cast that loses digits raises: a wider integer is never cut silently.
    return F.col(column.name) if actual == column.spark_type else F.col(column.name).cast(column.spark_type)


def _missing_table(lake: Lake, name: str) -> str:
    return (
        f"{name}: there is no Delta table at {lake.path(name)}. Nothing was done. "
        "Load the table, or make a sample world with `fentan generate`, then run again."
    )
