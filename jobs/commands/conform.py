"""`fentan conform`: whether a lake's output tables are what the data dictionary says, for whoever reads them."""

import argparse
from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.errors import IntegrityBroken, WrongUsage
from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables
from jobs.pipeline.amounts import table_text
from jobs.pipeline.look import Look, look
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import Request, request_of
from jobs.progress import announce
from jobs.reporting.rows import published_rows
from schemas import OUTPUT_TABLES, Table

EXAMPLES = """  fentan conform --lake ./lake
  fentan conform --lake ./lake --rows        (reads every published row: keys and missing values too)"""
READER_VERSION = 1
QUARANTINE = "control/quarantine_"  # rows may be held because they share a key: they share it there too
# What a plain Delta reader of version 1 cannot know.
BEYOND_READERS = ("deletionVectors", "columnMapping", "timestampNtz")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", action="store_true", help="read the published rows too: keys unique, nothing missing")


def run(args: argparse.Namespace) -> Outcome:
    """Compares every output table that is there; a table that nothing was written to yet is shown as absent."""
    return look(Conform(args.rows), request_of(args))


class Conform(Look):
    """Every output table beside the data dictionary. `with_rows`: the published rows are read, too."""

    purpose = "conform"

    def __init__(self, with_rows: bool):
        self.with_rows = with_rows

    def read(self, request: Request, lake: Lake) -> dict[str, dict]:
        compared = {table.name: self._compared(lake, table) for table in OUTPUT_TABLES}
        if all(table["state"] == "absent" for table in compared.values()):
            raise WrongUsage(
                f"Lake {request.lake_root}: none of the output tables is there. Nothing was checked. "
                "Name the lake's root folder with --lake, or settle a period first."
            )
        return compared

    def show(self, request: Request, seen: dict[str, dict]) -> Outcome:
        differing = [name for name, table in seen.items() if table["differences"]]
        document = {"lake": request.lake_root, "conforms": not differing, "tables": seen}
        if not differing:
            return Outcome(document, _text(seen))
        message = (
            f"{len(differing)} of the lake's tables differ from the data dictionary. Nothing was changed. "
            "Find out what wrote them, and settle what is not closed again into a lake of its own to compare."
        )
        return Outcome(document, _text(seen), IntegrityBroken.exit_code, (message,))

    def _compared(self, lake: Lake, table: Table) -> dict:
        if not lake.exists(table.name):
            return {"state": "absent", "differences": []}
        announce(table.name)
        found = differences(lake, table, self.with_rows)
        return {"state": "differs" if found else "conforms", "differences": found}


def differences(lake: Lake, table: Table, with_rows: bool) -> list[str]:
    """What of a table differs from the dictionary, as sentences; of its rows only counts are told."""
    found = [*_of_schema(lake.small, table), *_of_storage(lake.small, table)]
    return found if found or not with_rows else _of_rows(_rows(lake, table), table)


def _of_schema(small: SmallTables, table: Table) -> list[str]:
    wanted = {column.name: column.type for column in table.columns}
    types = small.column_types(table.name)
    found = [f"column {name} is missing" for name in wanted if name not in types]
    found += [f"column {name} is not in the dictionary" for name in types if name not in wanted]
    found += [
        f"column {name} is {types[name].lower()}, not {kind.lower()}"
        for name, kind in wanted.items()
        if name in types and types[name] != kind
    ]
    if not found and tuple(types) != table.column_names:
        found.append(f"columns are in the order {', '.join(types)}")
    return found


def _of_storage(small: SmallTables, table: Table) -> list[str]:
    partitions, reader_version, features = small.storage_of(table.name)
    found = []
    if partitions != table.partitioned_by:
        told = ", ".join(partitions) or "nothing"
        found.append(f"is partitioned by {told}, not by {', '.join(table.partitioned_by) or 'nothing'}")
    if reader_version > READER_VERSION:
        found.append(f"asks for a Delta reader of version {reader_version}, not {READER_VERSION}")
    beyond = [feature for feature in BEYOND_READERS if feature in features]
    return found + [f"uses {feature}, which plain readers do not know" for feature in beyond]


def _rows(lake: Lake, table: Table) -> DataFrame:
    """The rows that are valid; of a table that publications say nothing of, all."""
    return published_rows(lake, table.name, "collect", "close") if table.is_published else lake.read(table.name)


def _of_rows(rows: DataFrame, table: Table) -> list[str]:
    required = [column.name for column in table.columns if not column.nullable]
    missing = rows.agg(*(F.count(F.when(F.col(name).isNull(), 1)).alias(name) for name in required)).first()
    found = [f"column {name} has no value in {missing[name]:,} rows" for name in required if missing[name]]
    if table.name.startswith(QUARANTINE):
        return found
    shared = rows.groupBy(*table.key).count().where("count > 1").count()
    return found + ([f"{shared:,} keys ({', '.join(table.key)}) are those of several rows"] if shared else [])


def _text(compared: Mapping[str, dict]) -> str:
    rows = [[name, table["state"], "; ".join(table["differences"])] for name, table in compared.items()]
    return table_text("Output tables and the data dictionary", ["table", "state", "differences"], rows)
