"""Benchmarks at a small size: whether they work and keep their results, not how long anything takes."""

import json
import re
import subprocess
import sys

import pytest
from deltalake import DeltaTable

from tests.benchmarks.shapes import PAYER
from tests.wheels import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def output_of(benchmark: str, *words: str, members: str = "20k") -> str:
    """What a benchmark of a small world prints."""
    command = [sys.executable, "-m", f"tests.benchmarks.{benchmark}", "--members", members, *words]
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


def test_collecting_beside_the_join(tmp_path):
    """With so many members that the period has cases: else nobody owes anything."""
    shown = output_of("collect", "--folder", str(tmp_path), members="200k")
    assessments, receipts = numbers_in(r"200k members, ([\d,]+) assessments, ([\d,]+) receipts", shown)
    assert assessments > receipts > 100_000
    assert re.search(r"^whole collection +\d+\.\d +\d+\.\d\d$", shown, re.M), shown
    assert re.search(r"^bare join +\d+\.\d +1\.00$", shown, re.M), shown


def test_the_report_beside_the_scan(tmp_path):
    shown = output_of("report", "--folder", str(tmp_path))
    (rows,) = numbers_in(r"20k members, ([\d,]+) rows scanned", shown)
    assert rows > 35_000
    assert re.search(r"^report / full scan: \d+\.\d\d \(target 0\.7\)$", shown, re.M), shown


def test_growth_under_every_condition_but_the_cluster(tmp_path):
    shown = output_of("growth", "--of", "cores", "memory", "shapes", "--folder", str(tmp_path))
    ratios = dict(re.findall(r"^(\S.*?) {2,}\d+\.\d +(\d+\.\d\d) +\d+\.\d$", shown, re.M))
    assert ratios.pop("as it is") == "1.00" and all(float(ratio) > 0 for ratio in ratios.values())
    skewed = {"one province", "one payer of 50,000 members", "one plan with 99%", "4,000 cases more"}
    assert set(ratios) == {"one core", "memory 6g", "memory 4g", "memory 2g"} | skewed
    assert {row["province_code"] for row in members_of(tmp_path / "lake-20k-one-province")} == {"33"}
    assert payers_of(tmp_path / "lake-20k-one-payer-of-50-000-members") == {PAYER}
    members = members_of(tmp_path / "lake-20k-one-plan-with-99-")
    assert 0.985 < sum(row["plan_id"] == "critical_illness" for row in members) / len(members) < 0.995
    before, after = (
        DeltaTable(tmp_path / f"lake-20k{name}/source/approved_claims").to_pyarrow_table().num_rows
        for name in ("", "-4-000-cases-more")
    )
    assert after - before == 4_000


def numbers_in(pattern: str, shown: str) -> list[int]:
    """The numbers that a pattern finds in what was printed."""
    match = re.search(pattern, shown)
    assert match, shown
    return [int(number.replace(",", "")) for number in match.groups()]


def members_of(lake) -> list[dict]:
    """The lake's members: plan, payer, province."""
    columns = ["plan_id", "payer_id", "province_code"]
    return DeltaTable(lake / "source/members").to_pyarrow_table(columns=columns).to_pylist()


def payers_of(lake) -> set[int]:
    """The payers of the members of the largest plan."""
    return {row["payer_id"] for row in members_of(lake) if row["plan_id"] == "critical_illness"}
