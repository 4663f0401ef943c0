"""`fentan conform`: checks a lake's output tables against the data dictionary."""

import argparse
from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.base.errors import IntegrityBroken, WrongUsage
from jobs.base.progress import announce
from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables
from jobs.pipeline.amounts import table_text
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.query import Query, carry_out_query
from jobs.pipeline.request import Request, request_of
from jobs.reporting.rows import published_rows
from schemas import OUTPUT_TABLES, Table

EXAMPLES = """  fentan conform --lake ./lake
  fentan conform --lake ./lake --rows        (reads every published row: keys and missing values too)"""
READER_VERSION = 1
QUARANTINE = "control/quarantine_"  # rows may be held because they share a key, so keys are not unique here
# Delta features that a plain reader of version 1 does not support.
UNSUPPORTED_FEATURES = ("deletionVectors", "columnMapping", "timestampNtz")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", action="store_true", help="read the published rows too: keys unique, nothing missing")


def run(args: argparse.Namespace) -> Outcome:
    """Compares every existing output table; a table that has never been written is shown as absent."""
    return carry_out_query(Conform(args.rows), request_of(args))


class Conform(Query):
    """Every output table compared with the data dictionary. `with_rows`: published rows are read as well."""

    purpose = "conform"

    def __init__(self, with_rows: bool):
        self.with_rows = with_rows

    def read(self, request: Request, lake: Lake) -> dict[str, dict]:
        compared = {table.name: self._compared(lake, table) for table in OUTPUT_TABLES if not table.is_planned}
        if all(table["state"] == "absent" for table in compared.values()):
            raise WrongUsage(
                f"Lake {request.lake_root}: none of the output tables is there. Nothing was checked. "
                "Name the lake's root folder with --lake, or settle a period first."
            )
        return compared

    def show(self, request: Request, answer: dict[str, dict]) -> Outcome:
        differing = [name for name, table in answer.items() if table["differences"]]
        document = {"lake": request.lake_root, "conforms": not differing, "tables": answer}
        if not differing:
            return Outcome(document, _text(answer))
        message = (
            f"{len(differing)} of the lake's tables differ from the data dictionary. Nothing was changed. "
            "Find out what wrote them; to compare, settle the periods that are not closed again into another lake."
        )
        return Outcome(document, _text(answer), IntegrityBroken.exit_code, (message,))

    def _compared(self, lake: Lake, table: Table) -> dict:
        if not lake.exists(table.name):
            return {"state": "absent", "differences": []}
        announce(table.name)
        differences = differences_of(lake, table, self.with_rows)
        return {"state": "differs" if differences else "conforms", "differences": differences}


def differences_of(lake: Lake, table: Table, with_rows: bool) -> list[str]:
    """The differences of a table from the dictionary, as sentences. Sentences about rows contain counts only."""
    differences = [*_schema_differences(lake.small, table), *_storage_differences(lake.small, table)]
    return differences if differences or not with_rows else _row_differences(_valid_rows(lake, table), table)


def _schema_differences(small: SmallTables, table: Table) -> list[str]:
    expected = {column.name: column.type for column in table.columns}
    types = small.column_types(table.name)
    differences = [f"column {name} is missing" for name in expected if name not in types]
    differences += [f"column {name} is not in the dictionary" for name in types if name not in expected]
    differences += [
        f"column {name} is {types[name].lower()}, not {kind.lower()}"
        for name, kind in expected.items()
        if name in types and types[name] != kind
    ]
    if not differences and tuple(types) != table.column_names:
        differences.append(f"columns are in the order {', '.join(types)}")
    return differences


def _storage_differences(small: SmallTables, table: Table) -> list[str]:
    partitions, reader_version, features = small.storage_of(table.name)
    differences = []
    if partitions != table.partitioned_by:
        actual, expected = (", ".join(columns) or "nothing" for columns in (partitions, table.partitioned_by))
        differences.append(f"is partitioned by {actual}, not by {expected}")
    if reader_version > READER_VERSION:
        differences.append(f"asks for a Delta reader of version {reader_version}, not {READER_VERSION}")
    unsupported = [feature for feature in UNSUPPORTED_FEATURES if feature in features]
    return differences + [f"uses {feature}, which plain readers do not know" for feature in unsupported]


def _valid_rows(lake: Lake, table: Table) -> DataFrame:
    """The published rows, or all rows of a table that is not subject to publication."""
    return published_rows(lake, table.name, "collect", "close") if table.is_published else lake.read(table.name)


def _row_differences(rows: DataFrame, table: Table) -> list[str]:
    required = [column.name for column in table.columns if not column.nullable]
    missing = rows.agg(*(F.count(F.when(F.col(name).isNull(), 1)).alias(name) for name in required)).first()
    differences = [f"column {name} has no value in {missing[name]:,} rows" for name in required if missing[name]]
    if table.name.startswith(QUARANTINE):
        return differences
    shared_count = rows.groupBy(*table.key).count().where("count > 1").count()
    if shared_count:
        differences.append(f"{shared_count:,} keys ({', '.join(table.key)}) are those of several rows")
    return differences


def _text(compared: Mapping[str, dict]) -> str:
    rows = [[name, table["state"], "; ".join(table["differences"])] for name, table in compared.items()]
    return table_text("Output tables and the data dictionary", ["table", "state", "differences"], rows)
