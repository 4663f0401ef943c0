"""One version of a Delta table, read as plain Parquet files.

Spark plans a Delta scan by a job on the table's log, which takes longer than reading a small table. Here delta-rs reads
the log, and Spark gets the list of files. The rows are the same.
"""

import json
import re
from collections.abc import Sequence

from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from jobs.lake.object_stores import spark_address

PLAIN_READER = 1  # the log of a later reader version may rename columns or delete single rows
# Neither the log nor a URL escapes these characters, and no folder is taken for a pattern.
PLAIN_PATH = re.compile(r"[A-Za-z0-9_.=/-]+")
PLAIN_ROOT = re.compile(r"(\w+://[\w.:-]*)?[\w./ +-]+")


def plain_frame(spark: SparkSession, table: DeltaTable, folder: str) -> DataFrame | None:
    """The rows of the opened version; None where plain files do not have them. `folder`: the table's local folder."""
    paths: list[str] = list(table.get_add_actions(flatten=True).column("path").to_pylist())
    if not paths or not _is_plain(table, folder, paths):
        return None
    schema = T.StructType.fromJson(json.loads(table.schema().to_json()))
    root = spark_address(folder)
    reader = spark.read.schema(schema).option("basePath", root)
    return reader.parquet(*(f"{root}/{path}" for path in paths)).select(*schema.names)


def _is_plain(table: DeltaTable, folder: str, paths: Sequence[str]) -> bool:
    """Whether each file has its rows and its partition values where Spark looks for them."""
    partitions = [f"{column}=" for column in table.metadata().partition_columns]
    return (
        table.protocol().min_reader_version <= PLAIN_READER
        and PLAIN_ROOT.fullmatch(folder) is not None
        and all(_has_partitions(path, partitions) for path in paths)
    )


def _has_partitions(path: str, partitions: Sequence[str]) -> bool:
    folders = path.split("/")[:-1]
    return (
        PLAIN_PATH.fullmatch(path) is not None
        and len(folders) == len(partitions)
        and all(map(str.startswith, folders, partitions))
    )
