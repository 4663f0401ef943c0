"""A killed run never blocks the next one, even if the inputs have changed in between.

The kill is an exception that nothing catches, at an announced stage; test_killed_at_every_stage.py covers all stages.
"""

from datetime import date

from tests.collected import collect, statuses
from tests.killing import failing_at, killed_at
from tests.lakes import PERIOD, claim, member, receipt

NEXT = "2020-12-P2"
ALL_PAID = [receipt(1, 1, 30), *(receipt(i, i, 10) for i in range(4, 11))]


def states(lake, job):
    return sorted(row["state"] for row in lake.rows("control/runs", job=job))


def run_until(lake, day, first=PERIOD, last=PERIOD):
    return lake.run("run", "--from", first, "--to", last, "--as-of", day)


def test_a_collection_killed_before_publication_is_repeated_with_more_receipts(settled):
    settled.write("source/receipts", ALL_PAID[:3])
    with killed_at("publishing"):
        collect(settled, "2020-12-14")
    assert states(settled, "collect") == ["running"]
    settled.write("source/receipts", ALL_PAID)
    assert collect(settled, "2020-12-26").exit_code == 0
    assert states(settled, "collect") == ["failed", "published"]
    (killed,) = settled.rows("control/runs", job="collect", state="failed")
    assert "never ended" in killed["settings"]
    closed = settled.run("close", "--period", PERIOD, "--as-of", "2020-12-26")
    assert closed.exit_code == 0, closed.err


def test_a_job_that_fails_in_spark_is_reported_recorded_and_repeated_by_run(settled):
    settled.write("source/receipts", ALL_PAID)
    with failing_at("publishing"):
        ended = collect(settled, "2020-12-26")
    assert ended.exit_code == 1 and "fentan status" in ended.err
    assert states(settled, "collect") == ["failed"]
    ended = run_until(settled, "2020-12-26")
    assert ended.exit_code == 0, ended.err
    assert (ended.document["steps"][-1]["job"], ended.document["steps"][-1]["state"]) == ("close", "closed")
    assert set(states(settled, "collect")) == {"published"}


def test_a_job_stopped_after_its_publication_is_finished_by_run(settled):
    """A collection that fails in Spark, so the fee ledger is still that of the settlement; then a killed close."""
    settled.write("source/receipts", ALL_PAID)
    before = settled.rows("ledger/fee")
    with failing_at("following up"):
        ended = collect(settled, "2020-12-26")
    assert ended.exit_code == 1 and "fentan status" in ended.err
    assert states(settled, "collect") == ["running"], "it is published, but not finished"
    assert settled.rows("ledger/fee") == before
    with killed_at("following up"):
        run_until(settled, "2020-12-26")
    assert (states(settled, "collect"), states(settled, "close")) == (["published"], ["running"])
    assert [fee["run_id"].split("-")[0] for fee in settled.rows("ledger/fee")] == ["collect"]
    assert run_until(settled, "2020-12-26").exit_code == 0
    assert states(settled, "close") == ["published"]
    closed = settled.rows("ledger/fee")
    assert [(fee["received_fen"], fee["run_id"].split("-")[0]) for fee in closed] == [(7, "close")]
    again = settled.run("close", "--period", PERIOD, "--as-of", "2020-12-26")
    assert again.document["state"] == "already closed"


def test_one_plan_that_cannot_be_closed_does_not_block_the_others(settled):
    """The second plan's P1 is collected but open, so its P2 cannot be closed; P2 of the first plan can."""
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
