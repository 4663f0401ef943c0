"""Runs in Spark's tasks: writes Arrow batches to Parquet files and measures the rows. Imports pyarrow and NumPy only.

Nothing here becomes visible: the driver commits the files of the attempts that Spark accepts.
"""

import gc
import json
import os
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zipimport import zipimporter

LOW, HALF = 0xFFFFFFFF, 32
BUFFERED_ROWS = 1 << 19  # rows of a row group


@dataclass(frozen=True)
class FilesOfTasks:
    """What the tasks write: one file per attempt and value of the column `split_by`, below `folder`/`prefix`, with
    `token` in its name.

    `schema`: the stored columns (Arrow). `constants`: the stored columns that have one value. `keys`: the columns whose
    smallest and largest values (numbers, or days of the years 1 to 9999) are kept. `amounts`: the columns to sum. Ids
    that are numbers are packed. `row_hash`: the column with each row's hash, which is not stored; None: no hash. The
    frame has these columns and `split_by`.
    """

    folder: str
    prefix: str
    split_by: str
    token: str
    schema: Any
    constants: Mapping[str, str]
    keys: tuple[str, ...]
    amounts: tuple[str, ...]
    row_hash: str | None

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Writes the batches of one task; yields one JSON text per file (`TaskFile.closed`)."""
        import pyarrow as pa

        make_next_tasks_quick()
        files: dict[str, TaskFile] = {}
        try:
            for batch in batches:
                for value, rows in _by_value(batch, self.split_by):
                    if value not in files:
                        files[value] = TaskFile(self, value)
                    files[value].add(rows)
            texts = [json.dumps(file.closed(), default=str) for file in files.values()]  # a day as yyyy-mm-dd
        except BaseException:
            for file in files.values():
                file.discard()
            raise
        if texts:
            yield pa.RecordBatch.from_pydict({"file": texts})


class TaskFile:
    """One Parquet file with rows of one value of `split_by`, and the measures of its rows."""

    def __init__(self, files: FilesOfTasks, value: str):
        from pyarrow import parquet, types

        self._files, self._value = files, value
        name = f"part-{files.token}-{uuid.uuid4().hex}.zstd.parquet"
        self._path = f"{files.prefix}{files.split_by}={value}/{name}"
        os.makedirs(os.path.dirname(self._full_path), exist_ok=True)
        numbers = [field.name for field in files.schema if types.is_integer(field.type)]
        packed = [name for name in numbers if name.endswith("_id")]
        self._writer = parquet.ParquetWriter(
            self._full_path,
            files.schema,
            compression="zstd",
            use_dictionary=[name for name in files.schema.names if name not in packed],
            column_encoding=dict.fromkeys(packed, "DELTA_BINARY_PACKED"),
            write_statistics=list(files.keys),
            store_schema=False,  # other readers would take columns for Arrow's dictionaries
        )
        self._batches: list[Any] = []
        self._buffered = 0
        self._digest: dict[str, int] = dict.fromkeys(("rows", "xor", "low", "high"), 0)
        self._sums = dict.fromkeys(files.amounts, 0)
        self._smallest: dict[str, Any] = {}
        self._largest: dict[str, Any] = {}
        self._nulls = dict.fromkeys(files.keys, 0)

    @property
    def _full_path(self) -> str:
        return f"{self._files.folder}/{self._path}"

    def add(self, batch: Any) -> None:
        """Takes rows of the value; writes a row group when enough have come together."""
        self._batches.append(batch)
        self._buffered += batch.num_rows
        if self._buffered >= BUFFERED_ROWS:
            self._write()

    def closed(self) -> dict:
        """Writes what is left and closes the file; its path below the folder, size, value, statistics and digest."""
        self._write()
        self._writer.close()
        statistics = {
            "numRecords": self._digest["rows"],
            "minValues": self._smallest,
            "maxValues": self._largest,
            "nullCount": self._nulls,
        }
        hashes = {name: self._digest[name] for name in ("xor", "low", "high")}
        return {
            "path": self._path,
            "size": os.path.getsize(self._full_path),
            "value": self._value,
            "stats": statistics,
            "digest": {"rows": self._digest["rows"], "sums": self._sums, "hash": hashes},
        }

    def discard(self) -> None:
        """Removes the file of an attempt that fails."""
        if os.path.exists(self._full_path):
            os.remove(self._full_path)

    def _write(self) -> None:
        import pyarrow as pa

        if not self._batches:
            return
        rows = pa.Table.from_batches(self._batches).combine_chunks()
        self._batches, self._buffered = [], 0
        self._measure(rows)
        for name, value in self._files.constants.items():
            places = pa.repeat(pa.scalar(0, pa.int32()), rows.num_rows)
            rows = rows.append_column(name, pa.DictionaryArray.from_arrays(places, [value]))
        self._writer.write_table(rows.select(self._files.schema.names).cast(self._files.schema), BUFFERED_ROWS)

    def _measure(self, rows: Any) -> None:
        """Adds the rows to the digest, as jobs/spark/digest.py defines it, and to the statistics of the file."""
        import numpy as np
        import pyarrow.compute as pc

        self._digest["rows"] += rows.num_rows
        if self._files.row_hash is not None:
            hashes = rows.column(self._files.row_hash).to_numpy()
            self._digest["xor"] ^= int(np.bitwise_xor.reduce(hashes))
            self._digest["low"] += int((hashes & LOW).sum())
            self._digest["high"] += int((hashes.view(np.uint64) >> np.uint64(HALF)).sum())
        for name in self._sums:
            values = pc.fill_null(rows.column(name), 0).to_numpy()
            # In halves: the sum of whole amounts could overflow.
            self._sums[name] += (int((values >> HALF).sum()) << HALF) + int((values & LOW).sum())
        for name in self._files.keys:
            column = rows.column(name)
            self._nulls[name] += column.null_count
            ends = pc.min_max(column).as_py()
            if ends["min"] is not None:
                self._smallest[name] = min(ends["min"], self._smallest.get(name, ends["min"]))
                self._largest[name] = max(ends["max"], self._largest.get(name, ends["max"]))


def _by_value(batch: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The rows of each value that the column has in the batch."""
    import pyarrow.compute as pc

    column = batch.column(name)
    values = pc.unique(column).to_pylist()
    for value in values:
        yield value, batch if len(values) == 1 else batch.filter(pc.equal(column, value))


def make_next_tasks_quick() -> None:
    """Shortens what a Python worker of Spark does between two tasks. It can take longer than a task.

    Before each task the worker reads again which modules each archive on its path has. Here the archives are taken out
    of Python's cache of places to refresh; modules are still found, by the names that were read first. After each task
    the worker collects garbage. Here what it has imported so far is left out of that.
    """
    for place, finder in list(sys.path_importer_cache.items()):
        if isinstance(finder, zipimporter):
            del sys.path_importer_cache[place]
    if not gc.get_freeze_count():
        gc.freeze()
