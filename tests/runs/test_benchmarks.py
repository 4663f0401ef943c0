"""A benchmark at a small size: whether it works and keeps its results, not how long anything takes."""

import json
import subprocess
import sys

import pytest

from tests.wheels import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def test_settling_beside_the_copy_and_other_engines(tmp_path):
    command = [sys.executable, "-m", "tests.benchmarks.settle", "--members", "20k", "--folder", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT)
    assert ended.returncode == 0, ended.stdout + ended.stderr[-4000:]
    assert "whole settlement" in ended.stdout and "Peak memory" in ended.stdout
    kept = tmp_path / "settle-20k.json"
    (one_round,) = json.loads(kept.read_text())["rounds"]
    assert one_round["rows"] > 15_000 and kept.with_suffix(".svg").read_text().startswith("<svg")
    assert {"bare copy", "whole settlement", "duckdb: all", "polars: all", "peak GiB"} <= one_round.keys()
    assert all(value >= 0 for value in one_round.values())
