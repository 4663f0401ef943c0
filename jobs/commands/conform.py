"""`fentan conform`: whether a lake's output tables are what the data dictionary says, for whoever reads them."""

import argparse
from collections.abc import Mapping

from delta.tables import DeltaTable
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.errors import IntegrityBroken, WrongUsage
from jobs.lake.lake import Lake
from jobs.lake.session import open_session
from jobs.pipeline.amounts import table_text
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import request_of
from jobs.progress import announce
from jobs.reporting.rows import published_rows
from schemas import OUTPUT_TABLES, Table

SUMMARY = "check a lake's output tables against the data dictionary: columns, types, partitions, readers, keys"
EXAMPLES = """  fentan conform --lake ./lake
  fentan conform --lake ./lake --rows        (reads every published row: keys and missing values too)"""
READER_VERSION = 1
QUARANTINE = "control/quarantine_"  # rows may be held because they share a key: they share it there too
# What a plain Delta reader of version 1 cannot know.
BEYOND_READERS = ("deletionVectors", "columnMapping", "timestampNtz")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", action="store_true", help="read the published rows too: keys unique, nothing missing")


def run(args: argparse.Namespace) -> Outcome:
    """Compares every output table that is there; a table that nothing was written to yet is told as absent."""
    request = request_of(args)
    lake = Lake(open_session(request.environment, "fentan conform"), request.lake_root)
    found = {}
    for table in OUTPUT_TABLES:
        if lake.exists(table.name):
            announce(table.name)
            found[table.name] = {"state": "conforms", "differences": differences(lake, table, args.rows)}
            if found[table.name]["differences"]:
                found[table.name]["state"] = "differs"
        else:
            found[table.name] = {"state": "absent", "differences": []}
    if not any(told["state"] != "absent" for told in found.values()):
        raise WrongUsage(
            f"Lake {request.lake_root}: none of the output tables is there. Nothing was checked. "
            "Name the lake's root folder with --lake, or settle a period first."
        )
    differing = [name for name, told in found.items() if told["differences"]]
    document = {"lake": request.lake_root, "conforms": not differing, "tables": found}
    messages = (
        f"{len(differing)} of the lake's tables differ from the data dictionary. Nothing was changed. "
        "Find out what wrote them, and settle what is not closed again into a lake of its own to compare.",
    )
    return Outcome(document, _text(found), IntegrityBroken.exit_code if differing else 0, messages if differing else ())


def differences(lake: Lake, table: Table, with_rows: bool) -> list[str]:
    """What of a table differs from the dictionary, as sentences; of its rows only counts are told."""
    found = [*_of_schema(lake.read(table.name), table), *_of_storage(lake, table)]
    return found if found or not with_rows else _of_rows(_rows(lake, table), table)


def _of_schema(stored: DataFrame, table: Table) -> list[str]:
    wanted = {column.name: column.spark_type.simpleString() for column in table.columns}
    types = {field.name: field.dataType.simpleString() for field in stored.schema}
    found = [f"column {name} is missing" for name in wanted if name not in types]
    found += [f"column {name} is not in the dictionary" for name in types if name not in wanted]
    found += [
        f"column {name} is {types[name]}, not {kind}"
        for name, kind in wanted.items()
        if name in types and types[name] != kind
    ]
    if not found and tuple(types) != table.column_names:
        found.append(f"columns are in the order {', '.join(types)}")
    return found


def _of_storage(lake: Lake, table: Table) -> list[str]:
    detail = DeltaTable.forPath(lake.spark, lake.path(table.name)).detail().first()
    found = []
    if tuple(detail.partitionColumns) != table.partitioned_by:
        told = ", ".join(detail.partitionColumns) or "nothing"
        found.append(f"is partitioned by {told}, not by {', '.join(table.partitioned_by) or 'nothing'}")
    if detail.minReaderVersion > READER_VERSION:
        found.append(f"asks for a Delta reader of version {detail.minReaderVersion}, not {READER_VERSION}")
    features = [feature for feature in BEYOND_READERS if feature in (detail.tableFeatures or [])]
    return found + [f"uses {feature}, which plain readers do not know" for feature in features]


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


def _text(found: Mapping[str, dict]) -> str:
    rows = [[name, told["state"], "; ".join(told["differences"])] for name, told in found.items()]
    return table_text("Output tables and the data dictionary", ["table", "state", "differences"], rows)
