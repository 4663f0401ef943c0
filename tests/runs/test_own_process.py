"""Each writing job as a separate process: it needs no state of an earlier command, such as a session.

Only the settlement treats the lake like a large one, because that doubles the time of a job; the slow test of killed
jobs does so in every job.
"""

import os
import subprocess
import sys

from tests.lakes import PERIOD, claim, member, receipt


def test_jobs_need_no_state_of_an_earlier_process(quick_conf, large_conf, lake):
    lake.load([*(member(i) for i in range(1, 11)), member(50, tier="gold")], [claim(1, 7, approved_aid_fen=90)])
    lake.write("source/receipts", [receipt(i, i, 10) for i in range(3, 11)])
    where = ("--lake", str(lake.folder), "--period", PERIOD)
    for command in ("settle", "collect", "close", "report"):
        conf = large_conf if command == "settle" else quick_conf
        ended = subprocess.run(
            [sys.executable, "-m", "jobs.cli", command, *where, "--conf", str(conf)],
            env={**os.environ, "FENTAN_DEBUG": "1"},
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stderr[-3000:]
    assert {row["job"] for row in lake.rows("control/publications")} == {"settle", "collect", "close"}
