"""SIGINT and SIGTERM: one message, exit code 130 or 143, a run recorded as interrupted, and the next command works."""

import re
import signal

import pytest

from jobs.lake.storage import LOCK_FILE
from tests.killing import at_stage
from tests.lakes import PERIOD, claim, member, receipt
from tests.programs import interrupted_at, words_of
from tests.published import published_jobs

PROGRESS = re.compile(r"\[ *[0-9.]+s\] ")
PAID = [receipt(1, 1, 30), *(receipt(i, i, 10) for i in range(4, 11))]


def messages(stderr: str) -> list[str]:
    return [line for line in stderr.splitlines() if not PROGRESS.match(line)]


def states(lake) -> dict[str, str]:
    return {row["job"]: row["state"] for row in lake.rows("control/runs")}


@pytest.mark.parametrize(
    "number, exit_code, stage",
    [
        (signal.SIGINT, 130, "reading back settled/assessments"),
        pytest.param(signal.SIGTERM, 143, "writing settled/bills", marks=pytest.mark.slow),
    ],
)
def test_a_program_ended_by_a_signal(large_conf, lake, number, exit_code, stage):
    lake.load([member(i) for i in range(1, 11)], [claim(1, 7, approved_aid_fen=90)])
    ended = interrupted_at(stage, number, words_of(lake, large_conf, "settle", "--period", PERIOD))
    assert ended[0] == exit_code, ended[1]
    (message,) = messages(ended[1])
    assert message == (
        f"fentan settle: Interrupted by {signal.Signals(number).name}. Nothing of settle {PERIOD} was published. Run "
        "it again: what is published is not done twice; `fentan status` shows it."
    )
    assert not lake.exists("control/publications")
    assert states(lake) == {"settle": "interrupted"}
    (run,) = lake.rows("control/runs")
    assert run["finished_at"] is not None and stage in run["settings"]
    assert not (lake.folder / LOCK_FILE).exists()
    again = lake.settle()
    assert again.exit_code == 0, again.err
    assert (states(lake), published_jobs(lake)) == ({"settle": "published"}, {"settle"})


def test_a_program_interrupted_during_its_start(quick_conf, lake):
    """Before its modules are imported."""
    words = words_of(lake, quick_conf, "settle", "--period", PERIOD)
    starting = "import sys, jobs.cli; print('started', file=sys.stderr, flush=True); sys.exit(jobs.cli.main())"
    exit_code, stderr = interrupted_at("started", signal.SIGTERM, [words[0], "-c", starting, *words[3:]])
    assert exit_code in (143, -signal.SIGTERM)
    assert "Traceback" not in stderr


@pytest.mark.parametrize("stage", ["pinning", "writing settled/collections", "publishing"])
def test_a_run_interrupted_before_its_publication(settled, stage):
    settled.write("source/receipts", PAID)
    ended = interrupted(settled, "collect", stage)
    assert ended.exit_code == 130
    assert f"Interrupted. Nothing of collect {PERIOD} was published." in ended.err
    assert ended.document["exit_code"] == 130 and "Nothing of collect" in ended.document["error"]
    assert states(settled)["collect"] == "interrupted"
    assert published_jobs(settled) == {"settle"}
    again = settled.run("collect", "--period", PERIOD)
    assert again.exit_code == 0, again.err
    assert published_jobs(settled) == {"settle", "collect"}


def test_a_run_interrupted_after_its_publication_is_finished_by_the_next(settled):
    settled.write("source/receipts", PAID)
    ended = interrupted(settled, "collect", "following up")
    assert ended.exit_code == 130
    assert f"collect {PERIOD} is published, but the work after its publication was not finished." in ended.err
    assert published_jobs(settled) == {"settle", "collect"}
    assert states(settled)["collect"] == "running"
    assert settled.run("collect", "--period", PERIOD).exit_code == 0
    assert states(settled)["collect"] == "published"


def interrupted(lake, job: str, stage: str):
    def interrupt():
        raise KeyboardInterrupt

    with at_stage(stage, interrupt):
        return lake.run(job, "--period", PERIOD)
