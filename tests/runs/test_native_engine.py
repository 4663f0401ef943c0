"""Both engines give the same: every row, digest and exit code, whatever is wrong with the sources.

The plain side runs in the tests' session, the native one in a process of its own on copies of the same lakes. So the
runs have the same ids, and whole tables can be compared.
"""

import json
import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable

from jobs.lake.native import ENGINE, native_jars
from jobs.lake.native_writing import FILE, NATIVE_TABLES
from tests.confs import NO_CEILINGS, write_conf
from tests.killing import run_killed_at
from tests.lakes import LakeFolder, receipt
from tests.spark_settings import SHORT_LIVED
from tests.wheels import PROJECT
from tests.worlds_broken import PERIOD, claims, members, receipts
from tests.worlds_rows import claim, member
from tests.worlds_rules import SHORT, world_of_changing_rules

JARS = Path(os.environ.get("FENTAN_JARS", PROJECT / ".jars"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not native_jars(JARS), reason="the native engine's JAR is not here; `make native` fetches it"),
]
DAYS = ("2020-12-14", "2020-12-26")  # the deduction day and the grace limit
PROGRAM = """
import json, sys
from pathlib import Path
from pyspark.sql import SparkSession
from jobs.cli import main
from jobs.lake.many_computed import PREFIX
codes = [main(words) for words in json.load(sys.stdin)]
session = SparkSession.getActiveSession()
left = [] if session is None else [str(path) for path in Path(session.sparkContext._temp_dir).glob(PREFIX + "*")]
print()
print(json.dumps([codes, left]))
"""
SPARK = {"master": "local[2]", "spark.sql.shuffle.partitions": "2", **SHORT_LIVED}
INSTANTS = ("_at", "settings")  # the record of a run says how long its stages took


def natively(commands: list[list[str]]) -> list[int]:
    """The exit codes of commands in one process with a session of its own, in which no command leaves frames."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=json.dumps(commands), capture_output=True, text=True, cwd=PROJECT
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    codes, left = json.loads(ended.stdout.splitlines()[-1])
    assert left == []
    return codes


def native_conf(plain: Path) -> Path:
    """The same conf, for a lake that counts as large and for the native engine."""
    text = plain.read_text().replace('"native" = false', '"native" = true')
    lines = [line for line in text.splitlines() if not line.startswith('"few_rows_most"')]
    assert '"native" = true' in lines
    conf = plain.with_name(f"native-{plain.name}")
    conf.write_text("\n".join(['"few_rows_most" = 0', *lines, ""]))
    return conf


def assert_same_tables(plain: Path, native: Path) -> None:
    """Both lakes have the same output tables with the same rows."""
    names = outputs_in(plain)
    assert names == outputs_in(native) and {"settled/assessments", "control/runs"} <= names
    for name in sorted(names):
        assert rows_of(plain / name) == rows_of(native / name), name


def outputs_in(lake: Path) -> set[str]:
    names = {str(log.parent.relative_to(lake)) for log in lake.glob("*/*/_delta_log")}
    return {name for name in names if not name.startswith("source/")}


def rows_of(folder: Path) -> list[str]:
    """Every row as text, in order, without instants."""
    rows = DeltaTable(folder).to_pyarrow_table().to_pylist()
    kept = [{name: value for name, value in row.items() if not name.endswith(INSTANTS)} for row in rows]
    return sorted(json.dumps(row, sort_keys=True, default=str) for row in kept)


def engines_of(lake: Path) -> set[str]:
    rows = DeltaTable(lake / "control/runs").to_pyarrow_table().to_pylist()
    return {json.loads(row["settings"])["engine"] for row in rows}


@pytest.fixture(scope="module")
def lakes(spark, tmp_path_factory):
    """By world, the lakes of both engines: rows that break every rule, settled and collected; changing rules; members
    with deletion vectors; a closed period with a late claim, corrected."""
    worlds = {
        "broken": broken(spark, tmp_path_factory.mktemp("broken")),
        "changing": changing(spark, tmp_path_factory.mktemp("changing")),
        "deleted": deleted(spark, tmp_path_factory.mktemp("deleted")),
        "corrected": corrected(spark, tmp_path_factory.mktemp("corrected")),
    }
    commands, codes, both = [], [], {}
    for name, (plain, conf, words) in worlds.items():
        native = plain.copied(plain.folder.with_name("native"))
        both[name] = (plain, native)
        codes += [plain.run(*command, "--conf", str(conf)).exit_code for command in words]
        for_native = ("--lake", str(native.folder), "--conf", str(native_conf(conf)))
        commands += [[*command, *for_native] for command in words]
    assert natively(commands) == codes
    return both


def broken(spark, folder):
    lake = LakeFolder(spark, folder / "plain").load(members(), claims())
    lake.write("source/receipts", receipts())
    collect = [["collect", "--period", PERIOD, "--as-of", on, "--accept-lapses", "999"] for on in DAYS]
    return lake, write_conf(folder / "env.toml", NO_CEILINGS, SPARK), [["settle", "--period", PERIOD], *collect]


def changing(spark, folder):
    world, conf = world_of_changing_rules(folder, 1, SHORT)
    lake = LakeFolder(spark, folder / "plain").load(world.members, world.claims)
    return lake, conf, [["settle", "--period", str(period)] for period in SHORT.periods]


def deleted(spark, folder):
    """Deleted rows that are still in their file: only Delta's own reader leaves them out."""
    lake = LakeFolder(spark, folder / "plain").load([member(n) for n in range(1, 31)], [claim(1, 1)])
    table = f"delta.`{lake.folder}/source/members`"
    spark.sql(f"alter table {table} set tblproperties (delta.enableDeletionVectors = true)")
    spark.sql(f"delete from {table} where member_id > 20")
    assert list((lake.folder / "source" / "members").rglob("deletion_vector_*"))
    receive = ["generate", "--receipts", PERIOD, "--seed", "1"]
    return lake, write_conf(folder / "env.toml", NO_CEILINGS, SPARK), [["settle", "--period", PERIOD], receive]


def corrected(spark, folder):
    """Every member's share differs. The late claim and the changed members are in versions of the sources that only the
    correction reads: 5 left before the closed period, 6 switched between two spells, 7 is in two plans, 31 was missing.
    """
    left, switched = date(2020, 11, 1), date(2020, 6, 1)
    others = [member(n) for n in range(1, 31) if n not in (5, 6)]
    others += [member(6, joined_on=switched), member(6, exited_on=switched), member(7, "senior_cancer")]
    lake = LakeFolder(spark, folder / "plain").load([*others, member(5)], [claim(1, 1)])
    conf = write_conf(folder / "env.toml", NO_CEILINGS, SPARK)
    lake.write("source/receipts", [receipt(n, n, 10) for n in range(2, 29)])
    for words in (["settle"], ["collect", "--accept-lapses", "999"], ["close"]):
        on = [] if words == ["settle"] else ["--as-of", DAYS[1]]
        ended = lake.run(*words, "--period", PERIOD, *on, "--conf", str(conf))
        assert ended.exit_code == 0, ended.err
    lake.write("source/approved_claims", [claim(2, 3)], "append")
    lake.write("source/members", [*others, member(5, exited_on=left), member(31)])
    into = ["--into", "2020-12-P2", "--as-of", DAYS[1]]
    return lake, conf, [["correct", "--period", PERIOD, *into, "--reason", "a claim came late"]]


def test_rows_that_break_every_rule(lakes):
    plain, native = lakes["broken"]
    assert engines_of(native.folder) == {ENGINE} and engines_of(plain.folder) != {ENGINE}
    assert len(plain.rows("control/quarantine_members")) > 10 and plain.rows("control/quarantine_receipts")
    assert {row["status"] for row in plain.rows("settled/collections")} >= {"collected", "lapsed"}
    assert_same_tables(plain.folder, native.folder)


def test_periods_of_changing_rules(lakes):
    plain, native = lakes["changing"]
    assert_same_tables(plain.folder, native.folder)


def test_members_with_deletion_vectors(lakes):
    plain, native = lakes["deleted"]
    assert len(native.rows("settled/assessments")) == 20
    assert_same_tables(plain.folder, native.folder)


def test_a_correction(lakes):
    plain, native = lakes["corrected"]
    rows = {row["member_id"]: row for row in native.rows("settled/adjustments", "2020-12-P2")}
    assert set(rows) == set(range(1, 32))
    assert (rows[5]["reason"], rows[31]["reason"]) == ("not_covered", "newly_covered")
    assert_same_tables(plain.folder, native.folder)


def test_the_growing_tables_were_written_by_the_tasks(lakes):
    world_of = {"settled/adjustments": "corrected", "source/receipts": "deleted"}
    for name in NATIVE_TABLES:
        if name == "settled/adjustment_collections":  # the next period's
            continue
        _, native = lakes[world_of.get(name, "broken")]
        files = [Path(uri).name for uri in DeltaTable(native.folder / name).file_uris()]
        assert files and all(FILE.fullmatch(file) for file in files)


def test_receipts_of_a_sample(lakes):
    plain, native = lakes["deleted"]
    rows = rows_of(native.folder / "source/receipts")
    assert len(rows) >= 20 and rows == rows_of(plain.folder / "source/receipts")


def test_every_reader_gives_the_same_rows_of_what_the_tasks_wrote(lakes, spark):
    _, native = lakes["broken"]
    table = native.folder / "settled/assessments"
    files = [uri.removeprefix("file://") for uri in DeltaTable(table).file_uris()]
    columns = ["plan_id", "member_id", "payer_id", "tier", "share_fen", "due_fen", "run_id"]
    by_reader = {
        "delta-rs": [tuple(row.values()) for row in DeltaTable(table).to_pyarrow_table(columns=columns).to_pylist()],
        "spark": [tuple(row) for row in spark.read.format("delta").load(str(table)).select(*columns).collect()],
        "polars": pl.read_delta(str(table)).select(columns).rows(),
        "duckdb": duckdb.connect()
        .execute(f"select {', '.join(columns)} from read_parquet({files}, hive_partitioning = true)")
        .fetchall(),
    }
    rows = {reader: sorted(found) for reader, found in by_reader.items()}
    assert len(rows["spark"]) > 10
    assert all(found == rows["spark"] for found in rows.values())


def test_a_run_that_is_killed_while_tasks_write_leaves_nothing_and_runs_again(spark, tmp_path, large_conf):
    conf = native_conf(large_conf)
    lake = LakeFolder(spark, tmp_path / "lake").load([member(n) for n in range(1, 31)], [claim(1, 1)])
    unharmed = lake.copied(tmp_path / "unharmed")
    settle = ["settle", "--period", PERIOD, "--conf", str(conf)]
    assert natively([[*settle, "--lake", str(unharmed.folder)]]) == [0]
    for stage in ("reading back settled/assessments", "writing settled/bills"):
        assert run_killed_at(stage, lake, "settle", PERIOD, "--conf", str(conf)) == -signal.SIGKILL
        assert not DeltaTable.is_deltatable(str(lake.folder / "control/publications"))
    assert natively([[*settle, "--lake", str(lake.folder)]]) == [0]
    assert engines_of(lake.folder) == {ENGINE}
    for name in ("settled/assessments", "settled/bills"):
        assert rows_of(lake.folder / name) == rows_of(unharmed.folder / name)
        assert {path.name for path in (lake.folder / name).rglob("part-*")} <= files_ever_visible(lake.folder / name)


def files_ever_visible(table: Path) -> set[str]:
    """The names of the files of all versions of a table."""
    versions = range(DeltaTable(table).version() + 1)
    return {Path(uri).name for version in versions for uri in DeltaTable(table, version=version).file_uris()}


def test_expressions_have_the_same_values_and_overflow_stops(tmp_path):
    """Hashes, sums, bits, dates and texts of extreme values, and what must raise an error."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.native_expressions", str(tmp_path)], capture_output=True, text=True, cwd=PROJECT
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr[-4000:]
