"""Tables of few rows, and single rows of tables of any size: delta-rs on the driver, without Java, in milliseconds.

Tables that grow with the members are Spark's (jobs/lake/lake.py). Reads open only the files that may match: the table's
log holds the partition and the smallest and largest ids of each file.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

from arro3.core import DataType
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, write_deltalake
from deltalake.exceptions import DeltaError
from deltalake.schema import ArrayType, PrimitiveType

from jobs.base.errors import IntegrityBroken, WrongUsage
from jobs.lake.data_files import EPOCH, data_files
from jobs.lake.object_stores import store_options
from schemas import Table

# Ten years of history: an auditor can read any version that a closed period was settled from.
KEPT_FOR = "interval 3650 days"
CHECKPOINT_EVERY = "10"  # commits: a long log is slow to open over a network
SQL_NAMES = {"long": "BIGINT", "integer": "INT", "short": "SMALLINT", "byte": "TINYINT"}
COLUMN_MAPPING_READER = 2  # this reader version introduced column mapping and nothing else
FIRST_DAY, LAST_DAY = (date.min - EPOCH).days, (date.max - EPOCH).days
MOST_FILES = 50  # in a table of few rows: every run adds some, and a read opens all


class SmallTables:
    """The tables of one lake through delta-rs. `options`: delta-rs' options for the lake's store; raises WrongUsage
    where they make commits unsafe.

    `files_read`: how many data files the reads have opened so far, by table. `before_commit`: called before every
    commit; the holder of the run lock sets it.
    """

    before_commit: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, root: str, options: Mapping[str, str] | None = None):
        self.root = root.rstrip("/") or "/"
        self.options = store_options(self.root, options)
        self._opened: dict[str, DeltaTable] = {}
        self.files_read: dict[str, int] = {}

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def exists(self, name: str) -> bool:
        """Whether the Delta table exists; raises WrongUsage if this user may not look there."""
        if DeltaTable.is_deltatable(self.path(name), self.options):
            return True
        _check_allowed(self.path(name))
        return False

    def opened(self, name: str, version: int | None = None) -> DeltaTable:
        """The table at a version, or at its newest."""
        return self._newest(name) if version is None else DeltaTable(self.path(name), version, self.options)

    def version(self, name: str) -> int:
        """The newest version of a table."""
        return self._newest(name).version()

    def table_id(self, name: str, version: int) -> str | None:
        """The identity that a table had at a version; None if that version cannot be opened.

        A table that is dropped and created again has another at the same version. One that was replaced has another
        from then on, and keeps its earlier versions.
        """
        try:
            return str(DeltaTable(self.path(name), version, self.options).metadata().id)
        except DeltaError:
            return None

    def is_readable(self, name: str, version: int) -> bool:
        """Whether a version of a table can still be read: its log and each of its data files exist.

        Only files that the newest version no longer has are looked up, because a vacuum removes no others.
        """
        from deltalake.fs import DeltaStorageHandler

        try:
            files = data_files(DeltaTable(self.path(name), version, self.options))
        except DeltaError:
            return False
        removed = sorted(files - data_files(self._newest(name)))
        handler = DeltaStorageHandler(self.path(name), self.options)
        return all(info.is_file for info in handler.get_file_info(removed)) if removed else True

    def column_types(self, name: str, version: int | None = None) -> dict[str, str]:
        """The type of each column, now or at a version, named as in the data dictionary."""
        fields = DeltaTable(self.path(name), version, self.options).schema().fields
        return {field.name: _type_name(field.type) for field in fields}

    def storage_of(self, name: str) -> tuple[tuple[str, ...], int, tuple[str, ...]]:
        """The partition columns, the required reader version, and the features that readers must support."""
        table = self._newest(name)
        protocol = table.protocol()
        features = set(protocol.reader_features or ())
        if protocol.min_reader_version == COLUMN_MAPPING_READER:
            features.add("columnMapping")  # such a table lists no features: this is the only one
        return tuple(table.metadata().partition_columns), protocol.min_reader_version, tuple(sorted(features))

    def row_count(self, name: str) -> int | None:
        """The number of rows according to the table's log; None where the log has no count."""
        counts = self._newest(name).get_add_actions(flatten=True).column("num_records").to_pylist()
        return None if None in counts else sum(counts)

    def rows_committed(self, name: str) -> int:
        """The number of rows that the newest commit wrote, as the engine that made it recorded."""
        (commit,) = self._newest(name).history(1)
        measures = commit.get("operationMetrics", {})
        return int(measures.get("numOutputRows", measures.get("num_added_rows", 0)))

    def rows(
        self, name: str, where: str | None = None, columns: Iterable[str] | None = None, version: int | None = None
    ) -> list[dict]:
        """The rows that satisfy `where` (SQL text; None: all), now or at a version; no rows where there is no table.

        Dates are `date`, None where Python cannot hold them; timestamps are `datetime` in UTC.
        """
        if not self.exists(name):
            return []
        table = self.opened(name, version)
        opened = len(_files_that_may_hold(table, where))
        self.files_read[name] = self.files_read.get(name, 0) + opened
        return _as_rows(table.scan(list(columns) if columns else None, where)) if opened else []

    def numbers(self, name: str, column: str, where: str) -> Iterator[Any]:
        """The values of one BIGINT column in the rows that satisfy `where`, in batches of numpy arrays."""
        for batch in self._newest(name).scan([column], where):
            yield batch.column(column).to_numpy()

    def sums_by(self, name: str, key: str, amount: str, where: str) -> dict[Any, tuple[int, int]]:
        """By value of the column `key`: the count of rows that satisfy `where`, and the sum of the column `amount`."""
        if not self.exists(name):
            return {}
        import pyarrow as pa

        rows = pa.table(self._newest(name).scan([key, amount], where))
        amounts = rows.column(amount).cast(pa.decimal128(19))  # two absurd amounts would overflow a sum of BIGINT
        grouped = pa.table({key: rows.column(key), amount: amounts.cast(pa.decimal128(38))}).group_by(key)
        sums = grouped.aggregate([(amount, "sum"), ([], "count_all")]).to_pylist()
        return {row[key]: (row["count_all"], int(row[f"{amount}_sum"] or 0)) for row in sums}

    def versions_by_run(self, name: str, run_ids: Iterable[str]) -> dict[str, int]:
        """The last version that each run committed, by run id; runs without a commit are left out."""
        wanted = set(run_ids)
        commits = self._newest(name).history() if self.exists(name) else []
        return {c["userMetadata"]: c["version"] for c in reversed(commits) if c.get("userMetadata") in wanted}

    def holds_any(self, name: str, where: str) -> bool:
        """Whether any row satisfies `where`; reading stops at the first."""
        if not self.exists(name) or not _files_that_may_hold(self._newest(name), where):
            return False
        first_column = [self._newest(name).schema().fields[0].name]
        return any(batch.num_rows for batch in self._newest(name).scan(first_column, where))

    def append(self, table: Table, rows: Iterable[dict], run_id: str) -> None:
        """Appends the rows in one commit."""
        self._write(table, arrow_table(table, rows), run_id, mode="append")

    def append_next(self, table: Table, rows: Iterable[dict], version: int | None, run_id: str) -> None:
        """Appends the rows in the commit that follows `version` (None: that creates the table).

        Raises IntegrityBroken if another commit came in between.
        """
        once = CommitProperties(custom_metadata={"userMetadata": run_id}, max_commit_retries=0)
        seen, mode = (None, "error") if version is None else (self.opened(table.name, version), "append")
        try:
            self._write(table, arrow_table(table, rows), run_id, to=seen, mode=mode, commit_properties=once)
        except (OSError, DeltaError) as error:
            current = self.version(table.name) if self.exists(table.name) else None
            if current == version:  # no other commit: the storage fails
                raise
            raise IntegrityBroken(
                f"{table.name}: another run wrote to it at the same moment. Run `fentan status` to see "
                "what is published, then run this again."
            ) from error

    def replace(self, table: Table, rows: Collection[dict], where: str, run_id: str) -> None:
        """Replaces the rows that satisfy `where` by these, which satisfy it too, in one commit with the run's id."""
        self.replace_arrow(table, arrow_table(table, rows), where, run_id)

    def replace_arrow(self, table: Table, rows: Any, where: str, run_id: str) -> None:
        """Replaces the rows that satisfy `where` by those of an Arrow table, which satisfy it too, in one commit."""
        if not self.holds_any(table.name, where):
            self._write(table, rows, run_id, mode="append")
        elif rows.num_rows:
            self._write(table, rows, run_id, mode="overwrite", predicate=where)
        else:
            self.delete(table.name, where, run_id)

    def delete(self, name: str, where: str, run_id: str) -> None:
        """Removes the rows that satisfy `where`; commits nothing where there are none."""
        if self.holds_any(name, where):
            self.before_commit()
            self._newest(name).delete(where, commit_properties=_commit(run_id))

    def compact(self, name: str) -> None:
        """Merges the files of a table that has too many small ones."""
        if self.exists(name) and len(self._newest(name).file_uris()) > MOST_FILES:
            self.before_commit()
            self._newest(name).optimize.compact(commit_properties=_commit("compaction"))

    def _newest(self, name: str) -> DeltaTable:
        """The table at its newest version. A source table may be dropped and created again at any time."""
        table = self._opened.get(name)
        if table is None or name.startswith("source/"):
            table = self._opened[name] = DeltaTable(self.path(name), storage_options=self.options)
        else:
            table.update_incremental()
        return table

    def _write(self, table: Table, rows: Any, run_id: str, to: DeltaTable | None = None, **how: Any) -> None:
        """`to`: the table as it was read; without it, the newest."""
        self.before_commit()
        defaults: dict[str, Any] = {
            "partition_by": list(table.partitioned_by) or None,
            "configuration": table_configuration(table),
            "storage_options": self.options,
            "commit_properties": _commit(run_id),
            "post_commithook_properties": PostCommitHookProperties(cleanup_expired_logs=False),
        }
        write_deltalake(to or self.path(table.name), rows.cast(arrow_schema(table)), **defaults | how)


def _check_allowed(path: str) -> None:
    """Raises WrongUsage if a local folder may not be entered: delta-rs takes the tables in it for missing."""
    folder = path.removeprefix("file://")
    if "://" in folder:
        return
    with suppress(FileNotFoundError, NotADirectoryError):
        try:
            os.stat(folder)
        except PermissionError as error:
            raise WrongUsage(
                f"{folder}: cannot be read (Permission denied). Nothing was done. Give the user who runs Fentan the "
                "right to read every folder of the lake."
            ) from error


def _files_that_may_hold(table: DeltaTable, where: str | None) -> list[str]:
    try:
        return table.file_uris(file_pruning_predicate=where)
    except DeltaError:  # a condition that file statistics cannot decide, such as a pattern
        return table.file_uris()


def properties_of(table: Table) -> dict[str, str]:
    """The Delta properties of a new table, whichever engine creates it."""
    return {
        "delta.logRetentionDuration": KEPT_FOR,
        "delta.deletedFileRetentionDuration": KEPT_FOR,
        "delta.dataSkippingStatsColumns": ",".join(table.statistics_columns),
    }


def table_configuration(table: Table) -> dict[str, str]:
    """The Delta properties of a new table that delta-rs creates."""
    return {"delta.checkpointInterval": CHECKPOINT_EVERY, **properties_of(table)}


def arrow_schema(table: Table):
    """The columns of the data dictionary as an Arrow schema."""
    import pyarrow as pa

    return pa.schema([pa.field(column.name, _arrow_type(column.type)) for column in table.columns])


def arrow_table(table: Table, rows: Iterable[dict]):
    """The rows as an Arrow table with the columns of the data dictionary."""
    import pyarrow as pa

    schema = arrow_schema(table)
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema)


def matching(**equal: Any) -> str:
    """SQL text: each column equals the value, or one of a list, tuple or set; None: the column is null."""
    return " and ".join(_condition(name, value) for name, value in equal.items()) or "true"


def _condition(name: str, value: Any) -> str:
    if value is None:
        return f"{name} is null"
    if isinstance(value, (list, tuple, set, frozenset)):
        return f"{name} in ({', '.join(_literal(each) for each in sorted(value))})" if value else "false"
    return f"{name} = {_literal(value)}"


def _literal(value: Any) -> str:
    if isinstance(value, date):
        return f"date '{value.isoformat()}'"
    return str(value) if isinstance(value, int) else "'{}'".format(str(value).replace("'", "''"))


def _type_name(kind: Any) -> str:
    if isinstance(kind, ArrayType):
        return f"ARRAY<{_type_name(kind.element_type)}>"
    name = kind.type if isinstance(kind, PrimitiveType) else str(kind)
    return SQL_NAMES.get(name, name.upper())


def _as_rows(batches) -> list[dict]:
    rows = batches.read_all()
    values = [_values(rows.column(name)) for name in rows.column_names]
    return [dict(zip(rows.column_names, row, strict=True)) for row in zip(*values, strict=True)]


def _values(column) -> list:
    """The values of an Arrow column, as delta-rs reads it."""
    if not DataType.is_date32(column.type):
        return column.to_pylist()
    days = column.cast(DataType.int32()).to_pylist()
    return [EPOCH + timedelta(days=n) if n is not None and FIRST_DAY <= n <= LAST_DAY else None for n in days]


def _arrow_type(kind: str):
    import pyarrow as pa

    return {
        "BIGINT": pa.int64(),
        "INT": pa.int32(),
        "TINYINT": pa.int8(),
        "STRING": pa.string(),
        "DATE": pa.date32(),
        "TIMESTAMP": pa.timestamp("us", "UTC"),
        "BOOLEAN": pa.bool_(),
        "ARRAY<STRING>": pa.list_(pa.string()),
    }[kind]


def _commit(run_id: str) -> CommitProperties:
    return CommitProperties(custom_metadata={"userMetadata": run_id})
