"""Tables that grow with the members, written natively: Arrow batches to Parquet files in the tasks, then one commit.

Spark's own writer takes rows, which costs more than computing them. Files of killed, failed or repeated attempts are in
no commit: no reader sees them, and the next write of the partition removes them.
"""

import json
import re
import time
import uuid
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from deltalake import CommitProperties, PostCommitHookProperties, Schema
from deltalake.transaction import AddAction, create_table_with_add_actions
from py4j.protocol import Py4JJavaError
from pyspark import cloudpickle
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from jobs.base.errors import IntegrityBroken
from jobs.lake import task_files
from jobs.lake.data_files import data_files
from jobs.lake.small import SmallTables, arrow_schema, table_configuration
from jobs.lake.storage import local_folder
from jobs.lake.task_files import FilesOfTasks
from jobs.spark.digest import ROW_HASH
from schemas import Table

NATIVE_TABLES = (
    "settled/assessments",
    "settled/bills",
    "settled/collections",
    "settled/adjustments",
    "settled/adjustment_collections",
    "source/receipts",
)
PLAIN_VALUE = re.compile(r"[A-Za-z0-9_-]+")  # a value that a path holds unescaped
TOKEN = "fentan.files"  # in a commit: the token in the names of its files
FILE = re.compile(r"part-([0-9a-f]{32})-[0-9a-f]{32}\.zstd\.parquet")

cloudpickle.register_pickle_by_value(task_files)  # executors need no package of this program


def is_natively_writable(table: Table, values: Iterable[str]) -> bool:
    """Whether tasks can write the table's files. `values`: of its partition columns."""
    return table.name in NATIVE_TABLES and all(PLAIN_VALUE.fullmatch(value) for value in values)


def have_pyarrow(spark: SparkSession) -> bool:
    """Whether the Python of every executor has pyarrow."""
    if spark.sparkContext.master.startswith("local") and not spark.sparkContext.master.startswith("local-"):
        return True  # its Python is this one
    count = spark.sparkContext.defaultParallelism
    try:
        return spark.range(0, count, 1, count).mapInArrow(lambda batches: batches, "id bigint").count() == count
    except (PySparkException, Py4JJavaError):  # the second when a Spark job is aborted
        return False


def write_natively(
    small: SmallTables,
    table: Table,
    frame: DataFrame,
    partitions: Mapping[str, Collection[str]],
    where: str,
    run_id: str,
    is_hashed: bool = True,
) -> list[dict]:
    """Replaces the rows that satisfy `where` by the frame's; the digests of the rows by file, as they were written.

    `partitions`: the values of the rows in each partition column; only the last column has several. The frame has that
    column, those that are no partitions, without `run_id`, and ROW_HASH if `is_hashed`; else digests only count and
    sum. The replaced rows, which are of no published run, are removed by a commit of their own. Raises IntegrityBroken
    if a file is not as its task wrote it.
    """
    folder = local_folder(small.path(table.name))
    *fixed, split_by = table.partitioned_by
    constants = {name: value for name in fixed for value in partitions[name]}
    prefix = "".join(f"{name}={value}/" for name, value in constants.items())
    folders = [folder.joinpath(f"{prefix}{split_by}={value}") for value in partitions[split_by]]
    _remove_uncommitted(small, table.name, folder, folders)
    tasks = _files_of_tasks(table, str(folder), prefix, run_id, is_hashed)
    computed = frame.select(split_by, *(n for n in tasks.schema.names if n != "run_id"), *[ROW_HASH] * is_hashed)
    files = [json.loads(row.file) for row in computed.mapInArrow(tasks, "file string").collect()]
    _check(table.name, folder, files, split_by, partitions[split_by])
    small.before_commit()
    _commit(small, table, files, constants, where, {"userMetadata": run_id, TOKEN: tasks.token})
    _remove_uncommitted(small, table.name, folder, folders)
    return [file["digest"] for file in files]


def _files_of_tasks(table: Table, folder: str, prefix: str, run_id: str, is_hashed: bool) -> FilesOfTasks:
    import pyarrow as pa

    stored = [field for field in arrow_schema(table) if field.name not in table.partitioned_by]
    one_value = pa.dictionary(pa.int32(), pa.string())
    return FilesOfTasks(
        folder=folder,
        prefix=prefix,
        split_by=table.partitioned_by[-1],
        token=uuid.uuid4().hex,
        schema=pa.schema([field.with_type(one_value) if field.name == "run_id" else field for field in stored]),
        constants={"run_id": run_id} if "run_id" in table.column_names else {},
        keys=table.statistics_columns,
        amounts=table.amount_columns,
        row_hash=ROW_HASH if is_hashed else None,
    )


def _check(name: str, folder: Path, files: Iterable[dict], split_by: str, values: Collection[str]) -> None:
    """Raises IntegrityBroken unless each file is here as its task wrote it, and has rows of one of the values."""
    for file in files:
        path = folder.joinpath(file["path"])
        size = path.stat().st_size if path.exists() else None
        if file["value"] not in values:
            raise IntegrityBroken(
                f"{name}: rows of the {split_by} {file['value']} were computed, which this run does not write. Nothing "
                "was published. Report this message."
            )
        if size != file["size"]:
            raise IntegrityBroken(
                f"{name}: a task wrote {path} with {file['size']} bytes; here it has {size}. Nothing was published. "
                "On a cluster a local folder must be the same folder on every machine. Run the command again; set "
                "`native = false` in the conf if it fails again."
            )


def _commit(
    small: SmallTables,
    table: Table,
    files: Iterable[dict],
    constants: Mapping[str, str],
    where: str,
    metadata: dict[str, str],
) -> None:
    """Makes the files visible in one commit. `constants`: the partition columns of which all files have one value."""
    now, schema = int(1_000 * time.time()), Schema.from_arrow(arrow_schema(table))
    actions = [
        AddAction(
            path=file["path"],
            size=file["size"],
            partition_values={**constants, table.partitioned_by[-1]: file["value"]},
            modification_time=now,
            data_change=True,
            stats=json.dumps(file["stats"]),
        )
        for file in files
    ]
    how: dict[str, Any] = {
        "partition_by": list(table.partitioned_by),
        "commit_properties": CommitProperties(custom_metadata=metadata),
        "post_commithook_properties": PostCommitHookProperties(cleanup_expired_logs=False),
    }
    if not small.exists(table.name):
        configuration = table_configuration(table)
        create_table_with_add_actions(small.path(table.name), schema, actions, configuration=configuration, **how)
        return
    small.delete(table.name, where, metadata["userMetadata"])
    small.opened(table.name).create_write_transaction([*actions], "append", schema, **how)


def _remove_uncommitted(small: SmallTables, name: str, folder: Path, partitions: Iterable[Path]) -> None:
    """Removes files of tasks that are in no commit. The run lock is held: no other run is writing."""
    written = {
        str(path.relative_to(folder)): path
        for partition in partitions
        for path in partition.glob("part-*.parquet")
        if FILE.fullmatch(path.name)
    }
    if written and small.exists(name):
        written = {path: full for path, full in written.items() if path not in data_files(small.opened(name))}
        tokens = {FILE.fullmatch(full.name)[1] for full in written.values()}
        versions = [c["version"] for c in small.opened(name).history() if c.get(TOKEN) in tokens] if written else []
        for version in versions:
            committed = data_files(small.opened(name, version))
            written = {path: full for path, full in written.items() if path not in committed}
    for path in written.values():
        path.unlink(missing_ok=True)
