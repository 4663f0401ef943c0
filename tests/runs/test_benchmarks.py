"""Benchmarks at a small size: whether they work and keep their results, not how long anything takes."""

import json
import subprocess
import sys

import pytest

from tests.wheels import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def output_of(benchmark: str, *words: str) -> str:
    """What a benchmark of a world of 20,000 members prints."""
    command = [sys.executable, "-m", f"tests.benchmarks.{benchmark}", "--members", "20k", *words]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT)
    assert ended.returncode == 0, ended.stdout + ended.stderr[-4000:]
    return ended.stdout


def test_settling_beside_the_copy_and_other_engines(tmp_path):
    shown = output_of("settle", "--folder", str(tmp_path))
    assert "whole settlement" in shown and "Peak memory" in shown
    kept = tmp_path / "settle-20k.json"
    (one_round,) = json.loads(kept.read_text())["rounds"]
    assert one_round["rows"] > 15_000 and kept.with_suffix(".svg").read_text().startswith("<svg")
    assert {"bare copy", "whole settlement", "duckdb: all", "polars: all", "peak GiB"} <= one_round.keys()
    assert all(value >= 0 for value in one_round.values())


def test_commands_of_a_small_world(tmp_path):
    shown = output_of("small", "--rounds", "1", "--folder", str(tmp_path))
    assert "close, a program" in shown and "close, in a process" in shown
