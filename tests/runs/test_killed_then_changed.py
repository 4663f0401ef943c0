"""What was killed does not stand in the way of what comes after, whatever has changed meanwhile.

The kill is an exception that nothing catches, at a point between two commits; tests/runs/test_kill.py kills processes.
"""

from contextlib import contextmanager
from datetime import date

import pytest
from pyspark.errors import PySparkException

from jobs.commands import close as close_module
from jobs.commands import collect as collect_module
from tests.collected import collect, statuses
from tests.lakes import PERIOD, claim, member, receipt

NEXT = "2020-12-P2"
ALL_PAID = [receipt(1, 1, 30), *(receipt(i, i, 10) for i in range(4, 11))]


class Killed(BaseException):
    """Nothing in the program may catch it."""


@contextmanager
def raising(monkeypatch, module, name, error):
    """Lets a function of a module raise the error."""

    def fail(*_, **__):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(module, name, fail)
        yield


@pytest.fixture
def killing(monkeypatch):
    """Lets a command die when it calls a function of its module."""

    def kill_at(module, name, command):
        with raising(monkeypatch, module, name, Killed()), pytest.raises(Killed):
            command()

    return kill_at


@pytest.fixture
def failing(monkeypatch):
    """Lets a function of a command's module fail as a job of Spark does."""

    def fail_at(module, name, command):
        with raising(monkeypatch, module, name, PySparkException("no space left")):
            ended = command()
        assert ended.exit_code == 1 and "fentan status" in ended.err

    return fail_at


def states(lake, job):
    return sorted(row["state"] for row in lake.rows("control/runs", job=job))


def run_until(lake, day, first=PERIOD, last=PERIOD):
    return lake.run("run", "--from", first, "--to", last, "--as-of", day)


def test_a_collection_killed_before_it_was_published_and_more_receipts_after(settled, killing):
    settled.write("source/receipts", ALL_PAID[:3])
    killing(collect_module, "publish", lambda: collect(settled, "2020-12-14"))
    assert states(settled, "collect") == ["running"]
    settled.write("source/receipts", ALL_PAID)
    assert collect(settled, "2020-12-26").exit_code == 0
    assert states(settled, "collect") == ["failed", "published"]
    (killed,) = settled.rows("control/runs", job="collect", state="failed")
    assert "never ended" in killed["settings"]
    closed = settled.run("close", "--period", PERIOD, "--as-of", "2020-12-26")
    assert closed.exit_code == 0, closed.err


def test_a_collection_that_fails_after_it_was_published_is_finished_by_run(settled, failing):
    settled.write("source/receipts", ALL_PAID)
    failing(collect_module, "replace_fee", lambda: collect(settled, "2020-12-26"))
    assert states(settled, "collect") == ["running"]
    ended = run_until(settled, "2020-12-26")
    assert ended.exit_code == 0, ended.err
    assert states(settled, "collect") == ["published"]
    (fee,) = settled.rows("ledger/fee")
    assert (fee["received_fen"], fee["run_id"].startswith("close")) == (7, True)


def test_a_close_killed_after_it_was_published_is_finished_by_run(settled, killing, failing):
    settled.write("source/receipts", ALL_PAID)
    assert collect(settled, "2020-12-26").exit_code == 0
    close = lambda: settled.run("close", "--period", PERIOD, "--as-of", "2020-12-26")  # noqa: E731
    killing(close_module, "replace_fee", close)
    failing(close_module, "replace_fee", close)
    assert states(settled, "close") == ["running"], "it is published, but not finished"
    assert run_until(settled, "2020-12-26").exit_code == 0
    (fee,) = settled.rows("ledger/fee")
    assert (fee["run_id"].startswith("close"), states(settled, "close")) == (True, ["published"])
    assert close().document["state"] == "already closed"


def test_one_plan_that_cannot_be_closed_does_not_hold_up_the_others(settled):
    """The second plan's P1 is collected but open, so its P2 cannot be closed; that of the first plan can."""
    late = "senior_cancer"
    settled.write("source/members", [member(i, late) for i in (1, 4, 21)], mode="append")
    settled.write("source/approved_claims", [claim(9, 21, late, approved_aid_fen=27)], mode="append")
    assert settled.settle(PERIOD, "--plan", late).exit_code == 0
    settled.write("source/receipts", [*ALL_PAID, receipt(20, 1, 10, date(2020, 12, 15))])
    assert collect(settled, "2020-12-26").exit_code == 0
    assert (
        settled.run("close", "--period", PERIOD, "--as-of", "2020-12-26", "--plan", "critical_illness").exit_code == 0
    )
    ended = run_until(settled, "2021-01-31", NEXT, NEXT)
    assert ended.exit_code == 4 and set(ended.document["stopped"]) == {late}, ended.err
    assert {row["plan_id"] for row in settled.rows("ledger/balances", NEXT)} == {"critical_illness"}
    assert statuses(settled, NEXT)
