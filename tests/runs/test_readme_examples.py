"""The README's examples of reading run as they stand, and show what was published and nothing else."""

import ast

import pytest

from tests.lakes import PERIOD, LakeFolder, claim, member
from tests.readme import example


@pytest.fixture(scope="module")
def settled(spark, tmp_path_factory):
    """A settled lake, with rows of a second run that died before it published."""
    lake = LakeFolder(spark, tmp_path_factory.mktemp("readme") / "lake")
    lake.load([member(n) for n in range(1, 8)], [claim(1, 1, approved_aid_fen=20)])
    ended = lake.settle(PERIOD)
    assert ended.exit_code == 0, ended.err
    path = str(lake.folder / "settled/pools")
    rows = spark.read.format("delta").load(path).collect()
    died = [{**row.asDict(), "run_id": "a run that died", "due_fen": 999} for row in rows]
    lake.write("settled/pools", died, mode="append")
    assert len(lake.rows("settled/pools")) == 2
    return lake, ended.document["run_id"]


def value_of(text: str):
    """Runs Python lines and gives the value of the last one."""
    tree = ast.parse(text)
    last, names = tree.body.pop(), {}
    exec(compile(tree, "README.md", "exec"), names)
    return eval(compile(ast.Expression(last.value), "README.md", "eval"), names)


def test_spark_sql(settled):
    lake, run_id = settled
    query = example("-- Spark SQL").replace("./lake", str(lake.folder))
    (row,) = lake.spark.sql(query).collect()
    # 20 + 2 = 22 over 7 -> 4 each
    assert (row.run_id, row.plan_id, row.due_fen) == (run_id, "critical_illness", 28)


def test_polars(settled, monkeypatch):
    monkeypatch.chdir(settled[0].folder.parent)
    (row,) = value_of(example("# Polars")).to_dicts()
    assert (row["run_id"], row["plan_id"], row["due_fen"]) == (settled[1], "critical_illness", 28)


def test_duckdb(settled, monkeypatch):
    monkeypatch.chdir(settled[0].folder.parent)
    (row,) = value_of(example("# DuckDB"))
    assert {settled[1], "critical_illness", PERIOD, 28} <= set(row)


def test_delta_rs(settled, monkeypatch):
    """Every commit of the program says which run made it; the one made by hand above does not."""
    monkeypatch.chdir(settled[0].folder.parent)
    by_version = dict(value_of(example("# delta-rs alone")))
    assert by_version[0] == settled[1]
