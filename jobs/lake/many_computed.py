"""Materialised frames of many rows."""

import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame

from jobs.lake.native import is_native
from jobs.lake.task_files import make_next_tasks_quick
from jobs.spark.computed import computed_once

ROWS_OF_GROUP = 1 << 16  # rows of a row group
PREFIX = "computed-"
_folders: ContextVar[list[str] | None] = ContextVar("_folders", default=None)


@contextmanager
def removing_computed_frames() -> Iterator[None]:
    """Removes at its end the files of `many_computed_once` within: a session may last for a year of periods."""
    folders: list[str] = []
    token = _folders.set(folders)
    try:
        yield
    finally:
        _folders.reset(token)
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)


def many_computed_once(frame: DataFrame) -> DataFrame:
    """The same rows of a frame that grows with the members, computed now and kept until the run ends.

    The native engine works on columns. Rows on the executors would be turned into columns again by every reader, which
    takes longer than what the reader does; so tasks on this machine keep them in Parquet files.
    """
    spark = frame.sparkSession
    if not is_native(spark) or not spark.sparkContext.master.startswith("local["):
        return computed_once(frame)
    folder = tempfile.mkdtemp(prefix=PREFIX, dir=spark.sparkContext._temp_dir)
    if (folders := _folders.get()) is not None:
        folders.append(folder)
    files = [row.file for row in frame.mapInArrow(_written_to(folder), "file string").collect()]
    return spark.read.schema(frame.schema).parquet(*files) if files else spark.createDataFrame([], frame.schema)


def _written_to(folder: str) -> Any:
    """A function that writes the batches of one task to a file of the folder and yields its path."""

    def write(batches: Iterable[Any]) -> Iterator[Any]:
        import pyarrow as pa
        from pyarrow import parquet

        make_next_tasks_quick()
        writer, path = None, str(Path(folder, f"{uuid.uuid4().hex}.parquet"))
        for rows in _tables(batches):
            # Plain and uncompressed: Spark judges by the size of the files whether a frame is small.
            writer = writer or parquet.ParquetWriter(path, rows.schema, compression="none", use_dictionary=False)
            writer.write_table(rows)
        if writer is not None:
            writer.close()
            yield pa.RecordBatch.from_pydict({"file": [path]})

    return write


def _tables(batches: Iterable[Any]) -> Iterator[Any]:
    """The batches as tables of more rows, because each becomes a row group. After a filter, batches are small."""
    import pyarrow as pa

    held: list[Any] = []
    row_count = 0
    for batch in batches:
        held.append(batch)
        row_count += batch.num_rows
        if row_count >= ROWS_OF_GROUP:
            yield pa.Table.from_batches(held)
            held, row_count = [], 0
    if held:
        yield pa.Table.from_batches(held)
