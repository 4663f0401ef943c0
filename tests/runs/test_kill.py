"""kill -9 at a stage, run again: the same digests, and no reader ever saw half a publication."""

import os
import signal
import subprocess
import sys

import pytest

from tests.lakes import PERIOD, claim, member

pytestmark = pytest.mark.slow


def killed_when_it_says(stage: str, lake) -> int:
    """Runs `settle` as a program of its own and kills it with SIGKILL as soon as it announces the stage."""
    command = [sys.executable, "-m", "jobs.cli", "settle", "--lake", str(lake.folder), "--period", PERIOD]
    program = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=os.environ.copy())
    for line in program.stderr:
        if stage in line:
            program.send_signal(signal.SIGKILL)
            break
    program.stderr.close()
    return program.wait(timeout=120)


@pytest.mark.parametrize("stage", ["writing settled/assessments", "reading back", "publishing"])
def test_a_killed_run_is_finished_by_the_next_one(lake, stage):
    lake.load([*(member(i) for i in range(1, 41)), member(50, tier="gold")], [claim(1, 7, approved_aid_fen=370)])
    shown = lake.run("preview", "--period", PERIOD).document["plans"]["critical_illness"]["digest"]
    assert killed_when_it_says(stage, lake) == -signal.SIGKILL
    if stage != "publishing":  # there the commit may have been made in the instant before the kill
        assert not lake.exists("control/publications")
    again = lake.settle()
    assert again.exit_code == 0, again.err
    assert again.document["plans"]["critical_illness"]["digest"] == shown
    assert [row["digest"] for row in lake.rows("control/publications")] == [shown]
    assert len(lake.rows("settled/assessments")) == 40
    assert len(lake.rows("control/quarantine_members")) == 1
    assert len(lake.rows("control/runs")) == 1
