"""Each writing job is killed with SIGKILL and run again: the same digests, and no partial publication was visible.

One real kill per job; test_killed_at_every_stage.py covers the other stages within the process.
"""

import signal

import pytest

from tests.killing import run_killed_at
from tests.lakes import PERIOD, claim, member, receipt
from tests.published import digests, published_jobs, without_run

pytestmark = pytest.mark.slow
# At the last stage the commit may have been made in the instant before the kill.
KILLED_AT = {"settle": "writing settled/assessments", "collect": "reading back", "close": "publishing"}


def test_jobs_killed_and_run_again_give_the_result_of_uninterrupted_ones(large_conf, lake, tmp_path):
    lake.load([*(member(i) for i in range(1, 11)), member(50, tier="gold")], [claim(1, 7, approved_aid_fen=90)])
    lake.write("source/receipts", [receipt(i, i, 10) for i in range(3, 11)])
    unharmed = lake.copied(tmp_path / "unharmed")
    for job, stage in KILLED_AT.items():
        arguments = ("--period", PERIOD)
        expected = unharmed.run(job, *arguments)
        assert expected.exit_code == 0, expected.err
        before = (published_jobs(lake), lake.rows("ledger/fee") if job != "settle" else None)
        assert run_killed_at(stage, lake, job, PERIOD, "--conf", str(large_conf)) == -signal.SIGKILL
        if stage != "publishing":
            assert before == (published_jobs(lake), lake.rows("ledger/fee") if job != "settle" else None)
        ended = lake.run(job, *arguments)
        assert ended.exit_code == 0, ended.err
        assert digests(lake) == digests(unharmed)
        assert len(lake.rows("control/runs", job=job)) == 1
    for table in ("settled/assessments", "settled/collections", "settled/lapses", "ledger/fee", "ledger/journal",
                  "ledger/balances", "control/quarantine_members"):  # fmt: skip
        assert without_run(lake.rows(table)) == without_run(unharmed.rows(table)), table
    assert published_jobs(lake) == {"settle", "collect", "close"}
