"""What the log of a table says of its data files; none of them is opened."""

from datetime import date
from typing import NamedTuple
from urllib.parse import unquote

from arro3.core import DataType
from deltalake import DeltaTable

ROWS_COME_AND_GO = "deletionVectors"  # with this feature a file may have other rows than at an earlier version
EPOCH = date(1970, 1, 1)


class DataFile(NamedTuple):
    """A data file: its path below the table, and the latest day of one column, as days since 1970; None: not known."""

    path: str
    latest_day: int | None

    def ends_by(self, on: date) -> bool:
        """Whether the log shows that no row is of a later day."""
        return self.latest_day is not None and self.latest_day <= (on - EPOCH).days


def data_files(table: DeltaTable) -> set[str]:
    """The data files of a table, relative to its root."""
    return {unquote(path) for path in table.get_add_actions(flatten=True).column("path").to_pylist()}


def files_by_value(table: DeltaTable, partition: str, day: str) -> dict[str | None, frozenset[DataFile]] | None:
    """The files by their value of the partition column; `day` is a column of dates.

    Equal files have equal rows. None where that is not so, or where the table is not partitioned by the column.
    """
    features, actions = table.protocol().reader_features or (), table.get_add_actions(flatten=True)
    if ROWS_COME_AND_GO in features or f"partition.{partition}" not in actions.column_names:
        return None
    values, paths = (actions.column(name).to_pylist() for name in (f"partition.{partition}", "path"))
    files: dict[str | None, set[DataFile]] = {}
    for value, path, latest_day in zip(values, paths, _latest_days(actions, day), strict=True):
        files.setdefault(value, set()).add(DataFile(path, latest_day))
    return {value: frozenset(of_value) for value, of_value in files.items()}


def _latest_days(actions, column: str) -> list[int | None]:
    """By file, the largest value of a column of dates in the log's statistics."""
    name = f"max.{column}"
    if name not in actions.column_names or not DataType.is_date32(actions.column(name).type):
        return [None] * len(actions)
    return actions.column(name).cast(DataType.int32()).to_pylist()
