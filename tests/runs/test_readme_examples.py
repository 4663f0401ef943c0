"""The README's reading examples run unchanged and show only published rows."""

import ast

import pytest

from tests.readme import example
from tests.shown import FIRST, PLAN, SECOND, SENIOR

# 1,750 and 700 fen of the first plan, 11 and 0 of the second (see tests/shown.py)
DUE_FEN = {(FIRST, PLAN): 1_750, (SECOND, PLAN): 700, (FIRST, SENIOR): 11, (SECOND, SENIOR): 0}


@pytest.fixture(scope="module")
def settled(spark, shown, tmp_path_factory):
    """The shown lake with additional rows of unpublished runs, and the ids of the published runs."""
    lake = shown.copied(tmp_path_factory.mktemp("readme") / "lake")
    path = str(lake.folder / "settled/pools")
    rows = spark.read.format("delta").load(path).collect()
    died = [{**row.asDict(), "run_id": "a run that died", "due_fen": 999} for row in rows]
    lake.write("settled/pools", died, mode="append")
    return lake, [shown.ended[name].document["run_id"] for name in ("settle", "settle P2")]


def assert_published(rows, run_ids):
    """`rows`: (period, plan, due, run id) of every row."""
    assert {(period, plan_id): due_fen for period, plan_id, due_fen, _ in rows} == DUE_FEN
    assert len(rows) == len(DUE_FEN) and {run_id for *_, run_id in rows} == set(run_ids)


def value_of(text: str):
    """Runs Python lines and gives the value of the last one."""
    tree = ast.parse(text)
    last, names = tree.body.pop(), {}
    exec(compile(tree, "README.md", "exec"), names)
    return eval(compile(ast.Expression(last.value), "README.md", "eval"), names)


def test_spark_sql(settled):
    lake, run_ids = settled
    query = example("-- Spark SQL").replace("./lake", str(lake.folder))
    rows = lake.spark.sql(query).collect()
    assert_published([(row.period, row.plan_id, row.due_fen, row.run_id) for row in rows], run_ids)


def test_polars(settled, monkeypatch):
    monkeypatch.chdir(settled[0].folder.parent)
    rows = value_of(example("# Polars")).to_dicts()
    assert_published([(row["period"], row["plan_id"], row["due_fen"], row["run_id"]) for row in rows], settled[1])


def test_duckdb(settled, monkeypatch):
    monkeypatch.chdir(settled[0].folder.parent)
    rows = value_of(example("# DuckDB"))
    assert len(rows) == len(DUE_FEN)
    for (period, plan_id), due_fen in DUE_FEN.items():
        assert [row for row in rows if {period, plan_id, due_fen} <= set(row) and set(settled[1]) & set(row)]


def test_delta_rs(settled, monkeypatch):
    """Every commit of the program names its run; the one made by hand above does not."""
    monkeypatch.chdir(settled[0].folder.parent)
    by_version = dict(value_of(example("# delta-rs alone")))
    assert [by_version[version] for version in (0, 1)] == settled[1]
