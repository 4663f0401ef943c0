"""Files that tasks write: the digest and statistics of their rows, one commit, and nothing of attempts that failed.

The frame is a stand-in that runs the tasks here, without Spark.
"""

import gc
import json
import subprocess
import sys
from datetime import date
from types import SimpleNamespace

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from pyspark import cloudpickle

from jobs.base.errors import IntegrityBroken
from jobs.lake.native_writing import is_natively_writable, write_natively
from jobs.lake.small import SmallTables, arrow_table, matching
from jobs.lake.task_files import FilesOfTasks
from jobs.spark.digest import ROW_HASH, digest_of_all, digest_of_rows, plain_hash, signed
from schemas import TABLES
from tests.lakes import receipt

ASSESSMENTS, RECEIPTS = TABLES["settled/assessments"], TABLES["source/receipts"]
PERIOD, PLANS, WHERE = "2020-12-P1", ("chronic", "senior_cancer"), "period = '2020-12-P1'"
PARTITIONS = {"period": [PERIOD], "plan_id": PLANS}


@pytest.fixture(autouse=True)
def unfrozen():
    """Tasks leave what their worker has imported out of garbage collection; here that would be this test's process."""
    yield
    gc.unfreeze()


def rows_of(run_id="settle-1", count=40):
    """Rows of both plans; the ids are not in order, an amount is as large as can be, a column has nulls."""
    return [
        {
            "period": PERIOD,
            "plan_id": PLANS[n % 3 == 0],
            "member_id": 20_000_000_000 + n * 7 % count,
            "payer_id": 20_000_000_000 - n,
            "tier": "standard",
            "share_fen": (1 << 62) if n in (1, 2) else n,
            "sponsored_fen": 0,
            "due_fen": n - 5,
            "marker": "yearly_cap" if n % 4 else None,
            "run_id": run_id,
        }
        for n in range(count)
    ]


class Frame:
    """Rows in two partitions. A task is attempted `attempts` times; Spark takes the result of the last."""

    def __init__(self, rows, attempts=1, fails=False):
        hashed = [{**row, ROW_HASH: signed(plain_hash(_digested(row)))} for row in rows]
        schema = arrow_table(ASSESSMENTS, []).schema.append(pa.field(ROW_HASH, pa.int64()))
        self.rows = pa.Table.from_pylist(hashed, schema)
        self.attempts, self.fails = attempts, fails

    def select(self, *names):
        self.rows = self.rows.select(list(names))
        return self

    def mapInArrow(self, tasks, schema):
        assert schema == "file string"
        tasks = cloudpickle.loads(cloudpickle.dumps(tasks))
        middle = self.rows.num_rows // 2
        files = []
        for part in (self.rows.slice(0, middle), self.rows.slice(middle)):
            for _ in range(self.attempts):
                accepted = [text for batch in tasks(self._batches(part)) for text in batch.column("file").to_pylist()]
            files += accepted
        return SimpleNamespace(collect=lambda: [SimpleNamespace(file=text) for text in files])

    def _batches(self, part):
        yield from part.to_batches(max_chunksize=7)
        if self.fails:
            raise ValueError("a task failed")


def _digested(row):
    return [(row[column.name], column.type) for column in ASSESSMENTS.digested_columns]


def write(lake, rows, where=WHERE, run_id="settle-1", **frame):
    written = write_natively(SmallTables(str(lake)), ASSESSMENTS, Frame(rows, **frame), PARTITIONS, where, run_id)
    return digest_of_all(written, ASSESSMENTS)


def stored(lake):
    rows = DeltaTable(lake / ASSESSMENTS.name).to_pyarrow_table().to_pylist()
    return sorted(rows, key=lambda row: (row["member_id"], row["run_id"]))


def in_order(rows):
    return sorted(rows, key=lambda row: (row["member_id"], row["run_id"]))


def files_in(lake):
    return {str(path.relative_to(lake / ASSESSMENTS.name)) for path in lake.rglob("*.parquet")}


def test_the_rows_are_stored_and_their_digest_is_that_of_the_rows(tmp_path):
    rows = rows_of()
    digest = write(tmp_path, rows)
    assert digest == digest_of_rows(rows, ASSESSMENTS)
    assert digest["sums"]["share_fen"] > 1 << 63, "the sum is exact where a BIGINT overflows"
    assert stored(tmp_path) == in_order(rows)


def test_one_commit_with_the_run_and_what_readers_skip_files_by(tmp_path):
    write(tmp_path, rows_of())
    table = DeltaTable(tmp_path / ASSESSMENTS.name)
    (commit,) = table.history()
    assert commit["userMetadata"] == "settle-1"
    assert (table.protocol().min_reader_version, table.protocol().min_writer_version) == (1, 2)
    assert table.metadata().partition_columns == ["period", "plan_id"]
    for action in pa.table(table.get_add_actions(flatten=True)).to_pylist():
        plan_id = action["partition.plan_id"]
        of_file = pa.parquet.read_table(tmp_path / ASSESSMENTS.name / action["path"], partitioning=None)
        ids = of_file.column("member_id").to_pylist()
        assert f"plan_id={plan_id}/" in action["path"] and action["num_records"] == len(ids)
        assert (action["min.member_id"], action["max.member_id"]) == (min(ids), max(ids))
        assert action["null_count.member_id"] == action["null_count.payer_id"] == 0
    assert len(table.file_uris(file_pruning_predicate="plan_id = 'chronic'")) == 2


def test_the_range_of_days_of_a_file_is_kept(tmp_path):
    rows = arrow_table(RECEIPTS, [receipt(n, 1, 10, date(2020, 12, 14 + n % 3)) for n in range(9)])
    tasks = FilesOfTasks(
        folder=str(tmp_path),
        prefix="",
        split_by="period",
        token="0" * 32,
        schema=rows.drop_columns("period").schema,
        constants={},
        keys=RECEIPTS.statistics_columns,
        amounts=RECEIPTS.amount_columns,
        row_hash=None,
    )
    (texts,) = tasks(rows.to_batches(max_chunksize=4))
    (file,) = map(json.loads, texts.column("file").to_pylist())
    assert file["stats"]["minValues"] == {"receipt_id": 0, "attempted_on": "2020-12-14"}
    assert file["stats"]["maxValues"] == {"receipt_id": 8, "attempted_on": "2020-12-16"}


def test_other_readers_open_the_files(tmp_path):
    rows = rows_of()
    write(tmp_path, rows)
    folder = str(tmp_path / ASSESSMENTS.name)
    expected = (len(rows), sum(row["member_id"] for row in rows), sum(row["due_fen"] for row in rows))
    assert pl.read_delta(folder).select(pl.len(), pl.sum("member_id"), pl.sum("due_fen")).row(0) == expected
    files = DeltaTable(folder).file_uris()
    sql = "select count(*), sum(member_id), sum(due_fen) from read_parquet($files)"
    assert duckdb.execute(sql, {"files": files}).fetchone() == expected


def test_attempts_that_were_repeated_leave_nothing(tmp_path):
    rows = rows_of()
    assert write(tmp_path, rows, attempts=3) == digest_of_rows(rows, ASSESSMENTS)
    assert stored(tmp_path) == in_order(rows)
    assert len(files_in(tmp_path)) == 4


def test_a_task_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="a task failed"):
        write(tmp_path, rows_of(), fails=True)
    assert not files_in(tmp_path)


def test_what_a_killed_run_wrote_is_removed_by_the_next_and_history_stays(tmp_path):
    """Rows that were replaced stay for readers of the older version; files that no version has go."""
    write(tmp_path, rows_of(count=40))
    first = files_in(tmp_path)
    lost = tmp_path / ASSESSMENTS.name / next(iter(first)).replace("part-", "part-" + "0" * 32 + "-")
    lost = lost.with_name(f"part-{'0' * 32}-{'1' * 32}.zstd.parquet")
    of_first_token = next(iter(sorted(first)))
    zombie = (
        tmp_path / ASSESSMENTS.name / (of_first_token[: -len("0" * 32 + ".zstd.parquet")] + "2" * 32 + ".zstd.parquet")
    )
    for path in (lost, zombie):
        path.write_bytes(b"half a file")
    write(tmp_path, rows_of("settle-2", count=30), run_id="settle-2")
    assert not lost.exists() and not zombie.exists()
    assert {row["run_id"] for row in stored(tmp_path)} == {"settle-2"} and len(stored(tmp_path)) == 30
    assert first < files_in(tmp_path)
    assert DeltaTable(tmp_path / ASSESSMENTS.name, version=0).to_pyarrow_table().num_rows == 40


def test_rows_of_another_run_stay_where_only_the_own_are_replaced(tmp_path):
    write(tmp_path, rows_of("collect-1"), run_id="collect-1")
    for count in (20, 10):
        own = f"{WHERE} and run_id = 'collect-2'"
        write(tmp_path, rows_of("collect-2", count), own, "collect-2")
        assert [row["run_id"] for row in stored(tmp_path)].count("collect-2") == count
        assert [row["run_id"] for row in stored(tmp_path)].count("collect-1") == 40


def test_without_rows_there_is_a_table_or_the_old_rows_go(tmp_path):
    assert write(tmp_path, []) == digest_of_rows([], ASSESSMENTS)
    assert stored(tmp_path) == []
    write(tmp_path, rows_of())
    write(tmp_path, [])
    assert stored(tmp_path) == []


def test_rows_of_a_source_have_no_run_and_need_no_hash(tmp_path):
    """Three receipts of two periods: one file each; a later write of one period leaves the other."""
    small, table = SmallTables(str(tmp_path)), TABLES["source/receipts"]
    rows = [receipt(1, 4, 10), receipt(2, 5, 20), receipt(3, 6, 30, period="2020-12-P2")]

    def write_receipts(rows, *periods):
        frame = Frame([])
        frame.rows = arrow_table(table, rows)
        where = matching(period=list(periods))
        written = write_natively(small, table, frame, {"period": periods}, where, "generate", is_hashed=False)
        return sum(digest["rows"] for digest in written), sum(digest["sums"]["amount_fen"] for digest in written)

    assert write_receipts(rows, PERIOD, "2020-12-P2") == (3, 60)
    assert write_receipts(rows[:1], PERIOD) == (1, 10)
    assert sorted(small.rows(table.name), key=lambda row: row["receipt_id"]) == [rows[0], rows[2]]
    assert len(small.opened(table.name).file_uris()) == 2


def test_a_file_that_is_not_as_written_is_not_committed(tmp_path, monkeypatch):
    frame = Frame(rows_of())
    run = frame.mapInArrow

    def on_another_machine(tasks, schema):
        ended = run(tasks, schema)
        for path in tmp_path.rglob("*.parquet"):
            path.unlink()
        return ended

    frame.mapInArrow = on_another_machine
    with pytest.raises(IntegrityBroken, match="same folder on every machine"):
        write_natively(SmallTables(str(tmp_path)), ASSESSMENTS, frame, PARTITIONS, WHERE, "settle-1")
    assert not (tmp_path / ASSESSMENTS.name / "_delta_log").exists()


def test_only_growing_tables_with_plain_partitions_are_written_so():
    assert is_natively_writable(ASSESSMENTS, (PERIOD, *PLANS))
    assert not is_natively_writable(ASSESSMENTS, (PERIOD, "a plan"))
    assert not is_natively_writable(TABLES["settled/benefits"], (PERIOD, *PLANS))


def test_executors_need_pyarrow_and_nothing_of_this_program(tmp_path):
    """What is sent to the tasks runs where no package of the program can be imported."""
    (tmp_path / "tasks").write_bytes(cloudpickle.dumps(_first_tasks(tmp_path)))
    code = (
        "import sys; sys.modules.update(jobs=None, schemas=None); import pickle; "
        f"print(list(pickle.load(open({str(tmp_path / 'tasks')!r}, 'rb'))([])))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd="/")
    assert ended.stdout == "[]\n", ended.stderr


def _first_tasks(folder):
    """The function that a write sends to the tasks."""
    sent = []
    frame = SimpleNamespace(mapInArrow=lambda tasks, schema: sent.append(tasks) or SimpleNamespace(collect=list))
    frame.select = lambda *names: frame
    write_natively(SmallTables(str(folder)), ASSESSMENTS, frame, PARTITIONS, WHERE, "settle-1")
    return sent[0]
