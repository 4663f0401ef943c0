"""Tables of few rows: commits of other programs are read, small files are compacted, and one rule says which rows are
valid."""

from datetime import UTC, date, datetime

import pytest

from jobs.lake.lake import Lake
from jobs.lake.small import MOST_FILES, SmallTables, matching
from jobs.register.publications import Publication, few_rows_of, publish, published, rows_of
from schemas import TABLES

PUBLICATIONS = TABLES["control/publications"]
ACT = {
    "period": "2020-12-P1",
    "plan_id": "chronic",
    "job": "settle",
    "revision": 1,
    "action": "published",
    "digest": "d",
}


@pytest.fixture
def two(tmp_path):
    """Two programs that have opened the same lake."""
    return SmallTables(str(tmp_path)), SmallTables(str(tmp_path))


def test_publications_of_another_program_are_read(two):
    mine, other = two
    assert not mine.exists("control/publications") and published(mine, "settle") == {}
    publish(other, "settle", "2020-12-P1", "run-1", {"chronic": "d1", "critical_illness": "d2"})
    assert {p.run_id for p in published(mine, "settle").values()} == {"run-1"}
    publish(other, "settle", "2020-12-P1", "run-2", {"chronic": "d3"})
    publications = published(mine, "settle")
    assert {plan_id: (p.run_id, p.revision) for (_, plan_id), p in publications.items()} == {
        "chronic": ("run-2", 2),
        "critical_illness": ("run-1", 1),
    }
    assert mine.version("control/publications") == 1


def test_many_files_of_a_control_table_are_compacted_with_the_same_rows(two):
    small = two[0]
    for number in range(MOST_FILES + 1):
        published_at = datetime(2020, 12, 7, 0, number, tzinfo=UTC)
        small.append(PUBLICATIONS, [{**ACT, "run_id": f"run-{number:02}", "published_at": published_at}], "a run")
    small.compact(PUBLICATIONS.name)
    before = small.files_read.get(PUBLICATIONS.name, 0)
    rows = small.rows(PUBLICATIONS.name)
    assert small.files_read[PUBLICATIONS.name] == before + 1
    assert sorted(row["run_id"] for row in rows) == [f"run-{number:02}" for number in range(MOST_FILES + 1)]


def test_rows_are_replaced_and_removed_by_condition(two):
    small, journal = two[0], TABLES["ledger/journal"]
    entry = {"period": "2020-12-P1", "job": "settle", "posted_on": date(2020, 12, 7), "debit_account": "cash",
             "credit_account": "pool", "amount_fen": 1, "reason": "it's a test", "reference": None}  # fmt: skip
    rows = [{**entry, "entry_id": str(n), "plan_id": plan, "run_id": "r1"} for n, plan in enumerate("aab")]
    small.replace(journal, rows, matching(period="2020-12-P1"), "r1")
    small.replace(journal, [{**rows[0], "run_id": "r2"}], matching(period="2020-12-P1", plan_id=["a"]), "r2")
    assert sorted((r["plan_id"], r["run_id"]) for r in small.rows(journal.name)) == [("a", "r2"), ("b", "r1")]
    assert small.holds_any(journal.name, matching(reason="it's a test", posted_on=date(2020, 12, 7)))
    assert not small.holds_any(journal.name, matching(reason=None))
    small.replace(journal, [], matching(plan_id=["a", "b"]), "r3")
    version = small.version(journal.name)
    small.delete(journal.name, matching(plan_id="a"), "r4")
    assert small.rows(journal.name) == [] and small.version(journal.name) == version, "nothing to remove: no commit"


CHOSEN = [("P1", "a", "r1"), ("P1", "b", "r2"), ("P2", "b", "r4"), ("P2", "a", "none")]


def test_valid_rows_match_a_publication_in_period_plan_and_run(spark, two):
    keys = [("P1", plan, run) for plan in "ab" for run in ("r1", "r2")] + [("P2", plan, "r4") for plan in "ab"]
    rates = TABLES["settled/rates"]
    rows = [{"period": p, "plan_id": plan, "tier": "basic", "share_fen": 1, "run_id": run} for p, plan, run in keys]
    two[0].append(rates, rows, "a run")
    wanted = [Publication(p, plan, "settle", 1, "published", run, "d") for p, plan, run in CHOSEN]
    lake = Lake(two[0], lambda: spark, lambda: False)
    through_spark = rows_of(lake, rates.name, wanted).select("period", "plan_id", "run_id").collect()
    plainly = [(r["period"], r["plan_id"], r["run_id"]) for r in few_rows_of(two[0], rates.name, wanted)]
    assert sorted(map(tuple, through_spark)) == sorted(plainly) == sorted(CHOSEN[:3])
    assert rows_of(lake, rates.name, []).isEmpty() and few_rows_of(two[0], rates.name, []) == []


def test_tables_of_few_rows_are_for_readers_of_version_1_and_keep_their_history(two):
    publish(two[0], "settle", "2020-12-P1", "run-1", {"chronic": "d1"})
    partitions, reader_version, features = two[0].storage_of("control/publications")
    assert (partitions, reader_version, features) == ((), 1, ())
