"""P3: a job killed at any stage and run again gives the uninterrupted result, and readers see no partial result.

The kill is an exception that nothing catches; test_kill.py kills processes. The stages are those that a successful run
announces, so new stages are included. The usual test kills once at each kind of stage from the first write on, the slow
test at every stage.
"""

import pytest

from tests.collected import statuses
from tests.killing import killed_at, stages_of
from tests.lakes import PERIOD, LakeFolder, claim, member, receipt
from tests.published import digests, published_jobs, without_run

FINAL = ("--as-of", "2020-12-26")
TABLES_OF = {
    "settle": ("settled/benefits", "settled/pools", "settled/rates", "settled/assessments", "settled/bills",
               "ledger/journal", "ledger/fee", "control/quarantine_members"),
    "collect": ("settled/collections", "settled/lapses", "ledger/journal", "ledger/fee", "control/quarantine_receipts"),
    "close": ("ledger/journal", "ledger/balances", "ledger/fee"),
}  # fmt: skip
JOBS = tuple(TABLES_OF)


@pytest.fixture(scope="module")
def good(spark, tmp_path_factory):
    """By job: the lake before it, the lake after it, and the stages that it announced.

    Ten members, of whom 1 and 2 do not pay, and one held row.
    """
    lake = LakeFolder(spark, tmp_path_factory.mktemp("killed") / "lake")
    lake.load([*(member(i) for i in range(1, 11)), member(50, tier="gold")], [claim(1, 7, approved_aid_fen=90)])
    lake.write("source/receipts", [receipt(i, i, 12 if i == 4 else 10) for i in range(3, 11)])
    lakes = {}
    for job in JOBS:
        before, lake = lake, lake.copied(tmp_path_factory.mktemp(job) / "lake")
        stages = stages_of(lambda job=job, lake=lake: lake.run(job, "--period", PERIOD, *FINAL))
        assert published_jobs(lake) == {*published_jobs(before), job}
        lakes[job] = (before, lake, stages)
    return lakes


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["each kind", "every stage"])
def test_a_job_killed_at_each_stage_and_run_again_gives_the_uninterrupted_result(good, tmp_path, job, every):
    before, unharmed, stages = good[job]
    lake = before.copied(tmp_path / "lake")
    killing = stages if every else one_of_each_kind(stages)
    assert {"writing", "reading", "publishing"} <= {stage.split()[0] for stage in killing}
    for stage in killing:
        with killed_at(stage):
            lake.run(job, "--period", PERIOD, *FINAL)
        is_public = stages.index(stage) > stages.index("publishing")
        assert (job in published_jobs(lake)) == is_public, stage
        if not is_public:
            assert visible_rows(lake) == visible_rows(before), stage
    ended = lake.run(job, "--period", PERIOD, *FINAL)
    assert ended.exit_code == 0, ended.err
    assert {row["state"] for row in lake.rows("control/runs")} == {"published"}
    assert digests(lake) == digests(unharmed)
    for table in TABLES_OF[job]:
        assert without_run(lake.rows(table)) == without_run(unharmed.rows(table)), table
    if job == "collect":
        assert set(statuses(lake).values()) == {("collected", 10), ("lapsed", 0)}


def one_of_each_kind(stages: list[str]) -> list[str]:
    """From the first write on: the first stage of each kind, and all stages after the publication."""
    first_write = next(number for number, stage in enumerate(stages) if stage.startswith("writing"))
    kinds = {stage.split()[0]: stage for stage in reversed(stages[first_write:])}
    after = stages[stages.index("publishing") + 1 :]
    return [stage for stage in stages[first_write:] if stage in kinds.values() or stage in after]


def visible_rows(lake) -> dict[str, list[dict]]:
    """The rows of published runs, as a reader selects them; of the fee ledger, all rows."""
    runs = {row["run_id"] for row in lake.rows("control/publications")} if published_jobs(lake) else set()
    tables = {
        name for names_of_job in TABLES_OF.values() for name in names_of_job if name.startswith(("settled/", "ledger/"))
    }
    seen = {
        name: [row for row in lake.rows(name) if row["run_id"] in runs or (name == "ledger/fee" and runs)]
        for name in sorted(tables)
        if lake.exists(name)
    }
    return {name: rows for name, rows in seen.items() if rows}
