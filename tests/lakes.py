"""A lake for tests: writes sources, runs commands and reads tables."""

import json
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from pyspark.sql.pandas.types import to_arrow_schema

from jobs.base.environment import load_environment
from jobs.cli import main
from jobs.lake.lake import Lake
from jobs.lake.opening import open_lake
from schemas import TABLES
from tests.worlds_rows import PERIOD, claim, member

__all__ = ["PERIOD", "Ended", "LakeFolder", "claim", "measured", "member", "receipt"]


@dataclass(frozen=True)
class Ended:
    """The result of a command."""

    exit_code: int
    out: str
    err: str

    @property
    def document(self) -> dict:
        return json.loads(self.out)


class LakeFolder:
    """A lake in a folder. Commands run in the tests' Spark session; tests read and write with delta-rs."""

    def __init__(self, spark, folder: Path, conf: Path | None = None):
        """`conf`: the environment conf of its commands (None: the shipped one)."""
        self.spark = spark
        self.folder = folder
        self.conf = conf
        folder.mkdir(parents=True, exist_ok=True)

    def copied(self, folder: Path) -> "LakeFolder":
        """An independent copy of the lake in another folder."""
        shutil.copytree(self.folder, folder)
        return LakeFolder(self.spark, folder, self.conf)

    def load(self, members=(), claims=(), mode="overwrite"):
        """Writes members and claims from dicts."""
        self.write("source/members", members, mode)
        self.write("source/approved_claims", claims, mode)
        return self

    def write(self, name, rows, mode="overwrite"):
        """Writes a source from dicts with delta-rs, in one commit."""
        table = TABLES[name]
        values = [{column: row.get(column) for column in table.column_names} for row in rows]
        arrow = pa.Table.from_pylist(values, to_arrow_schema(table.spark_schema))
        write_deltalake(self.folder / name, arrow, mode=mode, partition_by=list(table.partitioned_by) or None)

    def run(self, command: str, *words: str, as_json: bool = True) -> Ended:
        """A command, as `fentan COMMAND --lake ... WORDS --json`."""
        out, err = StringIO(), StringIO()
        conf = ["--conf", str(self.conf)] if self.conf else []
        arguments = [command, "--lake", str(self.folder), *conf, *words, *(["--json"] if as_json else [])]
        with redirect_stdout(out), redirect_stderr(err):
            try:
                exit_code = main(arguments)
            except SystemExit as stop:
                exit_code = stop.code
        return Ended(exit_code, out.getvalue(), err.getvalue())

    def opened(self) -> Lake:
        """The lake as a command opens it."""
        return open_lake(load_environment(self.conf), str(self.folder), "a test")

    def settle(self, period: str = PERIOD, *words: str) -> Ended:
        return self.run("settle", "--period", period, *words)

    def rows(self, table: str, period: str = PERIOD, **equal) -> list[dict]:
        """Rows of one period of a table, sorted by its key, read by delta-rs."""
        rows = DeltaTable(self.folder / table).to_pyarrow_table().to_pylist()
        rows = [
            row for row in rows if row.get("period", period) == period and all(row[k] == v for k, v in equal.items())
        ]
        key = TABLES[table].key
        return sorted(rows, key=lambda row: tuple((row.get(k) is not None, str(row.get(k)).zfill(20)) for k in key))

    def exists(self, table: str) -> bool:
        return (self.folder / table / "_delta_log").exists()


def measured(rows, **equal):
    """Quantity or amount of the only report row with these values."""
    matching = [row for row in rows if all(row[name] == value for name, value in equal.items())]
    assert len(matching) == 1, (equal, matching)
    return matching[0]["quantity"] if matching[0]["quantity"] is not None else matching[0]["amount_fen"]


def receipt(receipt_id, payer_id, amount_fen, on=date(2020, 12, 14), period=PERIOD, outcome="collected") -> dict:
    """A receipt of a payer for a period, on its deduction day unless `on` is passed."""
    return {
        "receipt_id": receipt_id,
        "period": period,
        "payer_id": payer_id,
        "amount_fen": amount_fen,
        "outcome": outcome,
        "attempted_on": on,
    }
