"""A lake on a real HDFS: settling, collecting and closing give the digests of a local folder, and two runs exclude each
other."""

import json
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql.pandas.types import to_arrow_schema

from jobs.cli import main
from schemas import TABLES
from tests.clusters import standalone_cluster
from tests.hdfs import hdfs_on_loopback
from tests.lakes import PERIOD, LakeFolder, claim, member, receipt
from tests.runs.test_cluster import document_in, jars
from tests.wheels import PROJECT, build_wheel

pytestmark = pytest.mark.slow

PLANS = ("critical_illness", "senior_cancer")
SOURCES = {
    "source/members": [*(member(i, payer_id=1 if i < 4 else i) for i in range(1, 31)),
                       *(member(i, "senior_cancer") for i in range(40, 46)), member(50, tier="gold")],
    "source/approved_claims": [claim(1, 7, approved_aid_fen=900), claim(2, 41, "senior_cancer", approved_aid_fen=50)],
    "source/receipts": [receipt(i, i, 33) for i in range(8, 31)],
    "source/operating_costs": [{"cost_id": 1, "month": "2020-12", "category": "technology", "amount_fen": 100,
                                "description": "-"}],
}  # fmt: skip
LIFE = (
    ("settle", "--period", PERIOD),
    ("collect", "--period", PERIOD, "--as-of", "2020-12-14"),
    ("collect", "--period", PERIOD, "--as-of", "2020-12-26"),
    ("close", "--period", PERIOD, "--as-of", "2020-12-26"),
    ("report", "--period", PERIOD),
    ("status",),
    ("explain", "--member", "7", "--period", PERIOD),
)
DUE_FEN = 10  # of member 7: the aid of 900 and its fee of 72 are 33 a member, the per-case cap is 10
# Of the life above: two plans, each settled, collected, collected again (which reverses the first collection), closed.
PUBLICATION_COUNT = 10
# Holds the lock of the lake until its stdin ends.
HOLDING = """
import sys
from jobs.lake.lock import run_lock
from jobs.lake.small import SmallTables
with run_lock(SmallTables(sys.argv[1]), "collect", "2020-11-P2", 120) as lock:
    print("held", flush=True)
    sys.stdin.read()
    lock.confirm()
"""


@pytest.fixture(scope="module")
def hdfs(tmp_path_factory):
    with hdfs_on_loopback(tmp_path_factory.mktemp("hdfs")) as root:
        yield root


def load(root: str) -> str:
    for name, rows in SOURCES.items():
        table = TABLES[name]
        values = [{column: row.get(column) for column in table.column_names} for row in rows]
        arrow = pa.Table.from_pylist(values, to_arrow_schema(table.spark_schema))
        write_deltalake(f"{root}/{name}", arrow, partition_by=list(table.partitioned_by) or None)
    return root


def run(root: str, command: str, *words: str) -> tuple[int, dict, str]:
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([command, "--lake", root, *words, "--json"])
    return code, json.loads(out.getvalue()), err.getvalue()


def publications(root: str) -> dict[tuple, str]:
    rows = DeltaTable(f"{root}/control/publications").scan().read_all()
    columns = [rows.column(name).to_pylist() for name in ("job", "plan_id", "revision", "action", "digest")]
    return {row[:4]: row[4] for row in zip(*columns, strict=True)}


def test_a_period_on_hdfs_has_the_digests_of_a_local_folder(spark, hdfs, tmp_path):
    remote, local = load(f"{hdfs}/aid/lake"), load(str(tmp_path / "lake"))
    for command, *words in LIFE:
        code, document, err = run(remote, command, *words)
        assert code == 0, (command, err)
        assert run(local, command, *words)[0] == 0
    assert publications(remote) == publications(local) and len(publications(local)) == PUBLICATION_COUNT
    assert document["plans"][0]["follows"] and document["plans"][0]["due_fen"] == DUE_FEN
    again, document, err = run(remote, *LIFE[0])
    assert (again, document["state"]) == (0, "already settled"), err
    assert run(remote, "conform")[1]["conforms"]


def test_two_runs_exclude_each_other(spark, hdfs):
    remote = load(f"{hdfs}/aid/held")
    holding = [sys.executable, "-c", HOLDING, remote]
    with subprocess.Popen(holding, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as first:
        assert first.stdout.readline() == "held\n"
        code, document, err = run(remote, "settle", "--period", PERIOD)
        assert (code, document["exit_code"]) == (5, 5) and "collect 2020-11-P2" in err and str(first.pid) in err
        first.communicate("")
    assert first.returncode == 0
    assert run(remote, "settle", "--period", PERIOD)[0] == 0


def test_a_standalone_cluster_settles_to_the_same_digests(spark, hdfs, tmp_path):
    remote, local = load(f"{hdfs}/aid/cluster"), load(str(tmp_path / "lake"))
    wheel = tmp_path / "wheel"
    for folder in (wheel, tmp_path / "cluster"):
        folder.mkdir()
    with standalone_cluster(tmp_path / "cluster") as cluster:
        script = shutil.copy(PROJECT / "jobs" / "cli.py", cluster.folder)
        ended = cluster.submit(
            "--jars", jars(), "--py-files", str(build_wheel(wheel)), str(script), "settle",
            "--conf", str(PROJECT / "conf" / "local.toml"), "--lake", remote, "--period", PERIOD, "--json",
        )  # fmt: skip
    assert ended.returncode == 0, (ended.stdout + ended.stderr)[-4000:]
    assert document_in(ended.stdout)["state"] == "published"
    assert LakeFolder(spark, tmp_path / "lake").settle().exit_code == 0
    assert publications(remote) == publications(local)
