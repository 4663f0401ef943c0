"""The wheel on a real standalone cluster settles to the same digests as local mode."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.clusters import standalone_cluster
from tests.lakes import LakeFolder
from tests.wheels import PROJECT

PERIOD = "2020-12-P1"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with standalone_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="module")
def world(spark, tmp_path_factory):
    """A small generated world, in several files."""
    lake = LakeFolder(spark, tmp_path_factory.mktemp("world") / "lake")
    ended = lake.run(
        "generate", "--members", "3k", "--periods", f"{PERIOD}..{PERIOD}", "--seed", "7", "--defects", "0.1%"
    )
    assert ended.exit_code == 0, ended.err
    return lake


@pytest.fixture
def copies(spark, world, tmp_path):
    """Two lakes with the same sources at the same versions."""
    folders = (tmp_path / "local", tmp_path / "cluster")
    for folder in folders:
        shutil.copytree(world.folder, folder)
    return [LakeFolder(spark, folder) for folder in folders]


def jars() -> str:
    return ",".join(str(jar) for jar in sorted((PROJECT / ".jars").glob("*.jar")))


def submit_settle(cluster, wheel: Path, lake: LakeFolder, *words: str):
    # Only the script is submitted: everything else must come from the wheel.
    script = shutil.copy(PROJECT / "jobs" / "cli.py", cluster.folder)
    return cluster.submit(
        *words, "--conf", "spark.sql.shuffle.partitions=5", "--py-files", str(wheel), str(script), "settle",
        "--conf", str(PROJECT / "conf" / "cluster.toml"), "--lake", str(lake.folder), "--period", PERIOD, "--json",
    )  # fmt: skip


def document_in(out: str) -> dict:
    """The JSON printed by the program; spark-submit also prints its stderr to stdout."""
    return json.JSONDecoder().raw_decode(out[out.index("{") :])[0]


def published(lake: LakeFolder) -> dict[str, str]:
    return {row["plan_id"]: row["digest"] for row in lake.rows("control/publications")}


def test_a_cluster_publishes_the_digests_of_local_mode(copies, cluster, wheel):
    local, remote = copies
    settled = local.settle(PERIOD, "--conf", str(PROJECT / "conf" / "cluster.toml"))
    assert settled.exit_code == 0, settled.err
    ended = submit_settle(cluster, wheel, remote, "--jars", jars())
    assert ended.returncode == 0, (ended.stdout + ended.stderr)[-4000:]
    assert published(remote) == published(local)
    assert len(published(remote)) > 1
    assert document_in(ended.stdout)["plans"].keys() == published(remote).keys()
    log = (cluster.folder / "master.log").read_text()
    assert len(set(re.findall(r"Launching executor (app-[0-9-]+/[0-9]+) on worker (\S+)", log))) == 2, (
        "both workers were used"
    )
    (run,) = remote.rows("control/runs")
    (same,) = local.rows("control/runs")
    assert (run["run_id"], run["code_version"]) == (same["run_id"], same["code_version"])


def test_without_delta_a_submitted_run_names_the_missing_packages(copies, cluster, wheel):
    ended = submit_settle(cluster, wheel, copies[1])
    assert ended.returncode == 2
    assert "--packages io.delta:delta-spark" in ended.stdout + ended.stderr
    assert not copies[1].exists("control/publications")
