"""kill -9 at a stage, run again: the same digests, and no reader ever saw half a publication."""

import shutil
import signal
from datetime import date

import pytest

from tests.killing import killed_when_it_says
from tests.lakes import PERIOD, LakeFolder, claim, member

pytestmark = pytest.mark.slow


def test_a_run_killed_at_one_stage_after_the_other_is_finished_by_the_next_one(quick_conf, lake):
    words = ("--conf", str(quick_conf))
    lake.load([*(member(i) for i in range(1, 41)), member(50, tier="gold")], [claim(1, 7, approved_aid_fen=370)])
    shown = lake.run("preview", "--period", PERIOD).document["plans"]["critical_illness"]["digest"]
    for stage in ("writing settled/assessments", "reading back", "publishing"):
        assert not lake.exists("control/publications")
        assert killed_when_it_says(stage, lake, "settle", PERIOD, *words) == -signal.SIGKILL
    # At the last stage the commit may have been made in the instant before the kill.
    again = lake.settle()
    assert again.exit_code == 0, again.err
    assert again.document["plans"]["critical_illness"]["digest"] == shown
    assert [row["digest"] for row in lake.rows("control/publications")] == [shown]
    assert len(lake.rows("settled/assessments")) == 40
    assert len(lake.rows("control/quarantine_members")) == 1
    assert len(lake.rows("control/runs")) == 1


def test_a_killed_collection_and_a_killed_close_end_as_if_nobody_had_killed_them(quick_conf, lake, tmp_path):
    words = ("--conf", str(quick_conf))
    lake.load([member(i) for i in range(1, 11)], [claim(1, 7, approved_aid_fen=90)])
    assert lake.settle().exit_code == 0
    lake.write("source/receipts", [
        {"receipt_id": i, "period": PERIOD, "payer_id": i, "amount_fen": 10, "outcome": "collected",
         "attempted_on": date(2020, 12, 14)} for i in range(3, 11)
    ])  # fmt: skip
    shutil.copytree(lake.folder, tmp_path / "unharmed")
    unharmed = LakeFolder(lake.spark, tmp_path / "unharmed")
    expected = {job: plans_of(unharmed.run(job, "--period", PERIOD)) for job in ("collect", "close")}

    before = lake.rows("ledger/fee")
    assert killed_when_it_says("reading back", lake, "collect", PERIOD, *words) == -signal.SIGKILL
    assert lake.rows("ledger/fee") == before and published_jobs(lake) == {"settle"}
    assert killed_when_it_says("publishing", lake, "collect", PERIOD, *words) == -signal.SIGKILL
    collected = lake.run("collect", "--period", PERIOD)
    assert plans_of(collected)["digest"] == expected["collect"]["digest"]
    assert killed_when_it_says("publishing", lake, "close", PERIOD, *words) == -signal.SIGKILL
    closed = lake.run("close", "--period", PERIOD)
    assert closed.exit_code == 0, closed.err
    for table in ("settled/collections", "settled/lapses", "ledger/fee", "ledger/journal", "ledger/balances"):
        assert without_run(lake.rows(table)) == without_run(unharmed.rows(table)), table
    assert published_jobs(lake) == {"settle", "collect", "close"}


def plans_of(ended) -> dict:
    assert ended.exit_code == 0, ended.err
    return ended.document["plans"]["critical_illness"]


def published_jobs(lake) -> set[str]:
    return {row["job"] for row in lake.rows("control/publications")}


def without_run(rows: list[dict]) -> list[dict]:
    return [{name: value for name, value in row.items() if name != "run_id"} for row in rows]
