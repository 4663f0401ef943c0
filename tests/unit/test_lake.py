"""What is kept of a table is never older than the table; small files become one; few and many publications select
alike."""

from datetime import UTC, datetime

import pytest

from jobs.lake import lake as lake_module
from jobs.lake.lake import Lake
from jobs.register import publications
from jobs.register.publications import Publication, publish, published, rows_of
from schemas import TABLES


@pytest.fixture
def two(spark, tmp_path):
    """Two programs' views of one lake."""
    return Lake(spark, str(tmp_path)), Lake(spark, str(tmp_path))


def test_what_another_program_published_is_seen(two):
    mine, other = two
    assert mine.version("control/publications") == -1 and published(mine, "settle") == {}
    publish(other, "settle", "2020-12-P1", "run-1", {"chronic": "d1", "critical_illness": "d2"})
    assert {p.run_id for p in published(mine, "settle").values()} == {"run-1"}
    publish(other, "settle", "2020-12-P1", "run-2", {"chronic": "d3"})
    found = published(mine, "settle")
    assert {plan_id: (p.run_id, p.revision) for (_, plan_id), p in found.items()} == {
        "chronic": ("run-2", 2),
        "critical_illness": ("run-1", 1),
    }
    assert mine.version("control/publications") == 1


def test_many_files_of_a_control_table_become_one_with_the_same_rows(two, monkeypatch):
    monkeypatch.setattr(lake_module, "MOST_FILES", 2)
    lake, table = two[0], TABLES["control/publications"]
    row = {"period": "2020-12-P1", "plan_id": "chronic", "job": "settle", "revision": 1, "action": "published"}
    for number in range(3):
        published_at = datetime(2020, 12, 7, number, tzinfo=UTC)
        rows = [{**row, "run_id": f"run-{number}", "digest": "d", "published_at": published_at}]
        lake.append(table, lake.frame(table, rows).coalesce(1), f"run-{number}")
        lake.compact(table.name)
    found = lake.read(table.name)
    assert len(found.inputFiles()) == 1
    assert sorted(row.run_id for row in found.collect()) == ["run-0", "run-1", "run-2"]


def test_few_and_many_publications_select_the_same_rows(spark, two, monkeypatch):
    keys = [(p, plan, run) for p in ("P1", "P2") for plan in ("a", "b") for run in ("r1", "r2", "r3")]
    rows = spark.createDataFrame(keys, "period string, plan_id string, run_id string")
    chosen = [("P1", "a", "r1"), ("P1", "b", "r2"), ("P2", "b", "r2"), ("P2", "a", "none")]
    wanted = [Publication(p, plan, "settle", 1, "published", run, "d") for p, plan, run in chosen]
    for most in (10, 0):
        monkeypatch.setattr(publications, "MOST_RUNS_IN_A_CONDITION", most)
        found = sorted(map(tuple, rows_of(two[0], "settled/pools", wanted, rows).collect()))
        assert found == sorted(chosen[:3])
        assert rows_of(two[0], "settled/pools", [], rows).isEmpty()
