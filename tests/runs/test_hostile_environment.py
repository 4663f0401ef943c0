"""A settlement in an environment with settings of other software, each of which could stop it or damage the lake.

All are set in one process, because each start of Java takes seconds.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest
from deltalake import DeltaTable

from tests.hostile import INSTALLED, PROJECT, foreign_packages, site
from tests.lakes import PERIOD, LakeFolder, claim, member


def ended_in(environment: dict, folder: Path, *words: str) -> subprocess.CompletedProcess:
    """The result of the program started in a folder without our packages."""
    clean = {name: value for name, value in os.environ.items() if name not in ("LANG", "LC_CTYPE")}
    return subprocess.run(words, env=clean | environment, cwd=folder, capture_output=True, encoding="utf-8")


@pytest.fixture(scope="module")
def settled(tmp_path_factory, large_conf):
    """A lake in a folder with a Chinese name, settled and checked with `conform` in a hostile environment."""
    folder = tmp_path_factory.mktemp("hostile")
    lake = LakeFolder(None, folder / "湖")
    lake.load([member(n) for n in range(1, 11)], [claim(1, 7, approved_aid_fen=90)])
    path = f"{foreign_packages(folder / 'foreign_packages')}:{PROJECT}"
    environment = {**site(folder / "site"), "LC_ALL": "C", "PYTHONPATH": path}
    where = ("--lake", str(lake.folder), "--conf", str(large_conf), "--json")
    lake.settling = ended_in(environment, folder, *INSTALLED, "settle", "--period", PERIOD, *where)
    lake.conforming = ended_in(environment, folder, *INSTALLED, "conform", *where)
    return lake


def test_a_period_is_settled_in_a_hostile_environment(settled):
    assert settled.settling.returncode == 0, settled.settling.stderr[-3000:]
    # 90 fen and 8 % fee, 7.2 -> 7: pool 97 over ten members
    assert {row["due_fen"] for row in settled.rows("settled/assessments")} == {10}
    for name in ("PYSPARK_SUBMIT_ARGS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "SPARK_REMOTE"):
        assert name in settled.settling.stderr
    assert "ignored" in settled.settling.stderr


def test_its_tables_have_no_site_settings_and_conform(settled):
    assert settled.conforming.returncode == 0, settled.conforming.stdout + settled.conforming.stderr
    states = {name: table["state"] for name, table in json.loads(settled.conforming.stdout)["tables"].items()}
    assert states["settled/assessments"] == "conforms" and set(states.values()) == {"conforms", "absent"}
    for name in (name for name, state in states.items() if state == "conforms"):
        protocol = DeltaTable(settled.folder / name).protocol()
        assert (protocol.min_reader_version, protocol.reader_features) == (1, None), name
        assert not protocol.writer_features, name


def test_under_spark_submit_our_packages_come_first_and_a_garbled_name_is_reported(tmp_path):
    (tmp_path / "湖").mkdir()
    home = Path(pyspark.__file__).parent
    environment = {
        "SPARK_HOME": str(home),
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": f"{foreign_packages(tmp_path / 'foreign_packages')}:{PROJECT}",
        "SPARK_LOCAL_IP": "127.0.0.1",
        "LC_ALL": "C",
    }
    words = [str(home / "bin" / "spark-submit"), "--master", "local[1]", str(PROJECT / "jobs" / "cli.py")]
    ended = ended_in(environment, tmp_path, *words, "status", "--lake", str(tmp_path / "湖"))
    assert ended.returncode == 2, ended.stderr[-3000:]
    output = ended.stdout + ended.stderr  # spark-submit prints what the program writes to stderr on its stdout
    assert "LC_ALL=C.UTF-8" in output and "this is another" not in output
