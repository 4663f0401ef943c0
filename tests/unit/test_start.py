"""Starting the program with conflicting packages and conflicting variables of Spark and Java. No Java runs."""

import os
import subprocess
import sys

import pytest

from jobs.base.errors import WrongUsage
from jobs.base.progress import LOGGER
from jobs.lake.java import HADOOP, IGNORED, _java_variables, leave_connect_out, submitted_jvm
from jobs.lake.object_stores import spark_address
from tests.hostile import INSTALLED, PROJECT, foreign_packages

START = [*INSTALLED, "--version"]
SUBMITTED = [sys.executable, str(PROJECT / "jobs" / "cli.py"), "--version"]  # as spark-submit starts it


def started(words: list[str], folder, others) -> subprocess.CompletedProcess:
    """The program with the folder `others` on Python's path before the one with our packages."""
    variables = {"PYTHONPATH": f"{others}:{PROJECT}"}
    return subprocess.run(words, env=os.environ | variables, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("words", [START, SUBMITTED], ids=["installed", "submitted"])
def test_our_packages_come_before_others_of_their_names(tmp_path, words):
    ended = started(words, tmp_path, foreign_packages(tmp_path / "foreign_packages"))
    assert ended.returncode == 0 and ended.stdout.startswith("fentan "), ended.stderr


def test_another_package_that_is_loaded_already_is_named(tmp_path):
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "__init__.py").touch()
    (tmp_path / "sitecustomize.py").write_text("import schemas\n")
    ended = started(START, tmp_path, tmp_path)
    assert ended.returncode == 2 and f"schemas is loaded already, from {tmp_path}" in ended.stderr
    assert "Nothing was done" in ended.stderr and "Traceback" not in ended.stderr


@pytest.mark.parametrize("version, shown", [('__version__: str = "3.5.1"', "version 3.5.1"), ("", "no version")])
def test_another_spark_on_the_path_is_named(tmp_path, version, shown):
    (tmp_path / "pyspark").mkdir()
    (tmp_path / "pyspark" / "__init__.py").touch()
    (tmp_path / "pyspark" / "version.py").write_text(version)
    ended = started(START, tmp_path, tmp_path)
    assert ended.returncode == 2 and f"PySpark at {tmp_path / 'pyspark'} has {shown}; 4.1 is needed" in ended.stderr
    assert "Nothing was done" in ended.stderr and "Traceback" not in ended.stderr


@pytest.mark.parametrize("port, secret", [("1", None), ("no port", "secret"), ("1", "secret")])
def test_a_stale_port_of_spark_submit_is_refused_with_the_remedy(monkeypatch, port, secret):
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", port)
    monkeypatch.delenv("PYSPARK_GATEWAY_SECRET", raising=False)
    if secret:
        monkeypatch.setenv("PYSPARK_GATEWAY_SECRET", secret)
    with pytest.raises(WrongUsage, match="Unset PYSPARK_GATEWAY_PORT and PYSPARK_GATEWAY_SECRET"):
        submitted_jvm()


def test_java_starts_without_variables_that_override_its_settings(monkeypatch):
    for name in (*IGNORED, *HADOOP):
        monkeypatch.setenv(name, "something")
    with _java_variables(HADOOP):
        assert not {*IGNORED, *HADOOP} & os.environ.keys()
    assert {os.environ[name] for name in (*IGNORED, *HADOOP)} == {"something"}


def test_spark_connect_is_ignored_with_a_message(monkeypatch, caplog):
    monkeypatch.setenv("SPARK_REMOTE", "sc://127.0.0.1:1")
    monkeypatch.setattr(LOGGER, "propagate", True)
    caplog.set_level("WARNING", logger=LOGGER.name)
    leave_connect_out()
    assert "SPARK_REMOTE" not in os.environ and "SPARK_REMOTE ignored" in caplog.text
    caplog.clear()
    leave_connect_out()
    assert not caplog.records


def test_a_local_lake_is_addressed_as_a_file_under_any_default_file_system():
    assert spark_address("/srv/湖 1/settled/pools") == "file:///srv/湖 1/settled/pools"
