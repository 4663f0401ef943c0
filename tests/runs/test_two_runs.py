"""Concurrent use of a lake: a second run, the lock of a dead run, a changed source, no right to write."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from deltalake import DeltaTable

from jobs.lake.storage import LOCK_FILE
from tests.killing import at_stage
from tests.lakes import PERIOD, LakeFolder, claim, member

# A run of another period that holds the lock until its stdin ends.
OTHER_RUN = """
import sys
from jobs.lake.lock import run_lock
from jobs.lake.small import SmallTables
with run_lock(SmallTables(sys.argv[1]), "collect", "2020-11-P2", 120):
    print("held", flush=True)
    sys.stdin.read()
"""
UNPRIVILEGED_UID = 65_534


@contextmanager
def other_run(lake: LakeFolder):
    """A second run in its own process that holds the lock."""
    program = subprocess.Popen(
        [sys.executable, "-c", OTHER_RUN, str(lake.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert program.stdout.readline() == "held\n"
        yield program
    finally:
        program.send_signal(signal.SIGKILL)
        program.communicate()


def files_of(folder: Path) -> dict[str, int]:
    """Every file with its modification time."""
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_a_second_run_names_the_first_and_succeeds_after_that_one_is_dead(lake):
    lake.load([member(n) for n in range(1, 6)], [claim(1, 1, approved_aid_fen=37)])
    with other_run(lake) as first:
        before = files_of(lake.folder)
        ended = lake.settle()
        assert ended.exit_code == 5
        assert (
            f"Another run holds the lake: collect 2020-11-P2 on {os.uname().nodename}, process {first.pid}" in ended.err
        )
        assert "Nothing was done" in ended.err
        assert ended.document["exit_code"] == 5
        assert lake.run("generate", "--published", PERIOD, "--overwrite").exit_code == 5
        assert files_of(lake.folder) == before, "nothing was changed"
    assert json.loads((lake.folder / LOCK_FILE).read_text())["pid"] == first.pid, "killed: its lock is still there"
    ended = lake.settle()
    assert ended.exit_code == 0, ended.err
    # 37 + 3 (2.96) = 40 over 5 members
    assert {row["due_fen"] for row in lake.rows("settled/assessments")} == {8}
    assert not (lake.folder / LOCK_FILE).exists()


def test_a_run_settles_its_pinned_versions_while_the_sources_change(lake):
    lake.load([member(n) for n in range(1, 6)], [claim(1, 1, approved_aid_fen=37)])

    def change():
        lake.write("source/members", [member(n) for n in range(3, 9)], mode="overwrite")
        lake.write("source/approved_claims", [claim(2, 4, approved_aid_fen=1_000)], mode="append")

    with at_stage("judging members", change):
        ended = lake.settle()
    assert ended.exit_code == 0, ended.err
    assert [(row["member_id"], row["due_fen"]) for row in lake.rows("settled/assessments")] == [
        (n, 8) for n in range(1, 6)
    ]
    assert [row["claim_id"] for row in lake.rows("settled/benefits")] == [1]
    (run,) = lake.rows("control/runs")
    versions = json.loads(run["input_versions"])
    assert (versions["source/members"], versions["source/approved_claims"]) == (0, 0)
    refused = lake.settle()
    assert (refused.exit_code, "already settled" in refused.err) == (4, True), (
        "the new versions are not the settled ones"
    )


def test_a_source_dropped_and_created_again_is_another_input_even_at_the_same_version(lake):
    people = [member(n) for n in range(1, 6)]
    lake.load(people, [claim(1, 1, approved_aid_fen=37)])
    first = lake.settle()
    run = lambda: json.loads(lake.rows("control/runs")[0]["input_versions"])  # noqa: E731
    assert set(run()["table_ids"]) == {"source/members", "source/approved_claims"}
    shutil.rmtree(lake.folder / "source/members")
    lake.write("source/members", people)
    assert lake.settle().document["state"] == "already settled", "other table, same rows: the same digest"
    stopped = lake.run("report", "--period", PERIOD)
    assert (stopped.exit_code, "the table was dropped and created again" in stopped.err) == (3, True), stopped.err
    shutil.rmtree(lake.folder / "source/members")
    lake.write("source/members", people[:4])
    refused = lake.settle()
    assert (refused.exit_code, first.document["run_id"] in refused.err) == (4, True), refused.err


def test_a_source_replaced_while_it_is_settled_keeps_its_pinned_version(lake):
    """As `CREATE OR REPLACE TABLE` does it: the table gets another id, and its earlier versions stay."""
    lake.load([member(n) for n in range(1, 6)], [claim(1, 1, approved_aid_fen=37)])

    def replace():
        table = DeltaTable(lake.folder / "source/members")
        DeltaTable.create(lake.folder / "source/members", table.schema(), mode="overwrite", partition_by=["plan_id"])
        lake.write("source/members", [member(n) for n in range(1, 4)], mode="append")

    with at_stage("judging members", replace):
        ended = lake.settle()
    assert ended.exit_code == 0, ended.err
    (publication,) = lake.rows("control/publications")
    (run,) = lake.rows("control/runs")
    assert {publication["run_id"], run["run_id"], ended.document["run_id"]} == {publication["run_id"]}
    assert [row["run_id"] for row in lake.rows("settled/assessments")] == [publication["run_id"]] * 5
    reported = lake.run("report", "--period", PERIOD)
    assert reported.exit_code == 0, reported.err


@contextmanager
def as_unprivileged_user():
    """Runs without root rights, if the tests run as root."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(UNPRIVILEGED_UID)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.fixture
def read_only():
    """A lake folder that every user may read and no user may write."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        lake = LakeFolder(None, Path(folder) / "lake")
        lake.folder.chmod(0o555)
        yield lake
        lake.folder.chmod(0o755)


def test_a_lake_that_is_not_writable_is_reported_before_spark_starts(read_only):
    with as_unprivileged_user():
        ended = read_only.settle()
        generated = read_only.run("generate", "--published", PERIOD, "--lake", str(read_only.folder / "new"))
    assert ended.exit_code == 2
    assert f"Lake {read_only.folder}: not writable (Permission denied). Nothing was done." in ended.err
    assert "starting Spark" not in ended.err
    assert generated.exit_code == 2
    assert "cannot be made (Permission denied)" in generated.err
    assert list(read_only.folder.iterdir()) == []


def test_a_lake_below_an_inaccessible_folder_is_reported(read_only):
    read_only.folder.parent.chmod(0o700)
    with as_unprivileged_user():
        ended = read_only.settle()
    read_only.folder.parent.chmod(0o755)
    if os.geteuid() != 0:
        pytest.skip("the owner of a folder may enter it")
    assert (ended.exit_code, "cannot be read (Permission denied)" in ended.err) == (2, True)


def test_an_inaccessible_folder_of_a_lake_is_reported_and_not_taken_for_an_empty_one(read_only):
    control = read_only.folder / "control"
    read_only.folder.chmod(0o755)
    control.mkdir(mode=0o700)
    if os.geteuid() != 0:
        pytest.skip("the owner of a folder may enter it")
    with as_unprivileged_user():
        ended = read_only.run("status")
    assert (ended.exit_code, f"{control}" in ended.err, "Permission denied" in ended.err) == (2, True, True), ended


def test_a_file_in_place_of_the_lake_or_its_control_folder_is_reported(tmp_path):
    lake = LakeFolder(None, tmp_path / "lake")
    (lake.folder / "control").write_text("")
    ended = lake.settle()
    assert (ended.exit_code, "not writable" in ended.err) == (2, True)
    lake.folder = lake.folder / "control"
    ended = lake.settle()
    assert (ended.exit_code, "no such folder" in ended.err) == (2, True)
    generated = lake.run("generate", "--published", PERIOD)
    assert (generated.exit_code, "cannot be made" in generated.err) == (2, True)
