"""Materialised frames."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any

from pyspark.sql import DataFrame

from jobs.spark.engine import is_native


def computed_once(frame: DataFrame) -> DataFrame:
    """The same rows, computed now and kept on the executors.

    Used for frames that are read more than once, and for frames with a long lineage: Spark plans the lineage again in
    every later query, which takes seconds however few the rows.
    """
    return frame.localCheckpoint()


def many_computed_once(frame: DataFrame) -> DataFrame:
    """The same for frames that grow with the members. What is kept is removed when the session ends.

    The native engine works on columns. Rows on the executors would be turned into columns again by every reader, which
    takes longer than what the reader does; so tasks on this machine keep them in Parquet files.
    """
    spark = frame.sparkSession
    if not is_native(spark) or not spark.sparkContext.master.startswith("local["):
        return frame.localCheckpoint()
    folder = tempfile.mkdtemp(prefix="computed-", dir=spark.sparkContext._temp_dir)
    files = [row.file for row in frame.mapInArrow(_written_to(folder), "file string").collect()]
    return spark.read.schema(frame.schema).parquet(*files) if files else spark.createDataFrame([], frame.schema)


def _written_to(folder: str) -> Any:
    """A function that writes the batches of one task to a file of the folder and yields its path."""

    def write(batches: Iterable[Any]) -> Iterator[Any]:
        import pyarrow as pa
        from pyarrow import parquet

        writer, path = None, os.path.join(folder, f"{os.urandom(16).hex()}.parquet")
        for batch in batches:
            # Plain and uncompressed: Spark judges by the size of the files whether a frame is small.
            writer = writer or parquet.ParquetWriter(path, batch.schema, compression="none", use_dictionary=False)
            writer.write_batch(batch)
        if writer is not None:
            writer.close()
            yield pa.RecordBatch.from_pydict({"file": [path]})

    return write
