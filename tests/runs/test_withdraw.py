"""A settlement withdrawn and settled again, on real tables: the rows that are valid before and after."""

from datetime import date

from deltalake import DeltaTable

from tests.collected import collect, statuses
from tests.lakes import PERIOD, claim, member, receipt

PLAN, NEXT = "critical_illness", "2020-12-P2"
LATER = ("--as-of", "2021-03-01")


def withdraw(lake, period=PERIOD, *words):
    return lake.run("withdraw", "--period", period, "--plan", PLAN, "--reason", "the aid was wrong", *words)


def acts(lake, period=PERIOD):
    return [(row["revision"], row["action"]) for row in lake.rows("control/publications", period, job="settle")]


def valid_runs(lake, table="settled/pools"):
    """The runs whose rows of a table are valid by the rule in the README."""
    last = {}
    for act in sorted(lake.rows("control/publications"), key=lambda act: (act["revision"], act["action"])):
        last[act["plan_id"], act["run_id"]] = act["action"]
    return [r["run_id"] for r in lake.rows(table) if last.get((r["plan_id"], r["run_id"]), "withdrawn") != "withdrawn"]


def test_settling_again_from_the_same_sources_gives_the_same_run_and_the_next_revision(settled):
    first = settled.rows("control/publications")[0]
    ended = withdraw(settled)
    assert ended.exit_code == 0, ended.err
    assert acts(settled) == [(1, "published"), (1, "withdrawn")] and valid_runs(settled) == []
    for command in (["explain", "--member", "4"], ["report"], ["collect"], ["close"]):
        refused = settled.run(command[0], "--period", PERIOD, *command[1:], *LATER)
        assert refused.exit_code == 4 and "`fentan " in refused.err, (command, refused.err)
    again = settled.settle()
    assert again.exit_code == 0, again.err
    assert (again.document["state"], again.document["run_id"]) == ("published", first["run_id"])
    assert acts(settled) == [(1, "published"), (1, "withdrawn"), (2, "published")]
    assert again.document["plans"][PLAN]["digest"] == first["digest"]
    assert valid_runs(settled) == [first["run_id"]] and len(settled.rows("settled/assessments")) == 10
    assert settled.settle().document["state"] == "already settled"
    assert settled.run("report", "--period", PERIOD, *LATER).exit_code == 0


def test_after_settling_again_from_other_sources_only_the_new_rows_are_valid(settled):
    """With one more claim and a bad member, no row of the withdrawn run is valid, held rows included."""
    (first,) = valid_runs(settled)
    settled.write("source/members", [member(90, tier="gold"), member(11)], mode="append")
    settled.write("source/approved_claims", [claim(2, 8, approved_aid_fen=100)], mode="append")
    refused = settled.settle()
    assert refused.exit_code == 4 and f"`fentan withdraw --period {PERIOD} --plan {PLAN}" in refused.err
    assert withdraw(settled).exit_code == 0
    again = settled.settle()
    assert again.exit_code == 0, again.err
    # 190 aid + 15 fee (15.2) = 205 over 11 -> 18.6 -> 19 each
    (pool,) = settled.rows("settled/pools")
    assert (pool["benefit_fen"], pool["fee_fen"], pool["due_fen"]) == (190, 15, 209)
    assert {row["run_id"] for row in settled.rows("settled/assessments")} == {again.document["run_id"]} != {first}
    assert [row["member_id"] for row in settled.rows("control/quarantine_members")] == [90]
    assert withdraw(settled).exit_code == 0
    assert settled.rows("control/quarantine_members") == [], "rows held by the withdrawn settlement are removed"


def test_after_settling_again_receipts_pay_the_new_shares_and_the_withdrawal_is_refused(settled):
    settled.write("source/approved_claims", [claim(2, 8, approved_aid_fen=90)], mode="append")
    assert withdraw(settled).exit_code == 0 and settled.settle().exit_code == 0
    # twice 90, 14 fee (14.4) = 194 over 10 -> 20 each
    settled.write("source/receipts", [receipt(i, i, 20, on=date(2020, 12, 14)) for i in range(4, 11)])
    assert collect(settled, "2020-12-14").exit_code == 0
    assert statuses(settled)[4] == ("collected", 20)
    refused = withdraw(settled)
    assert refused.exit_code == 4 and "collected by collect-" in refused.err and "`fentan correct" in refused.err


def test_run_settles_a_withdrawn_period_again(settled):
    assert withdraw(settled).exit_code == 0
    ended = settled.run("run", "--from", PERIOD, "--to", PERIOD, "--as-of", "2020-12-07")
    assert ended.exit_code == 0, ended.err
    assert acts(settled)[-1] == (2, "published")


def test_one_of_two_plans_is_withdrawn_and_the_other_stays(lake):
    lake.load(
        [*(member(i) for i in range(1, 6)), *(member(i, "senior_cancer") for i in range(1, 6))],
        [claim(1, 1, approved_aid_fen=50), claim(2, 2, "senior_cancer", approved_aid_fen=50)],
    )
    assert lake.settle().exit_code == 0
    assert withdraw(lake).exit_code == 0
    again = lake.settle()
    assert again.exit_code == 0, again.err
    assert list(again.document["plans"]) == [PLAN], "the other is settled"
    revisions = {row["plan_id"]: row["revision"] for row in lake.rows("control/publications")}
    assert revisions == {PLAN: 2, "senior_cancer": 1}
    assert len(valid_runs(lake)) == 2 and len(lake.rows("settled/assessments")) == 10


def test_after_a_withdrawal_the_next_period_has_no_previous_one(settled):
    """After it, the next period of the plan has no previous one and is the first of the lake."""
    assert settled.settle(NEXT).exit_code == 0
    refused = withdraw(settled)
    assert refused.exit_code == 4 and f"{NEXT} is settled" in refused.err
    assert withdraw(settled, NEXT).exit_code == 0 and withdraw(settled).exit_code == 0
    assert settled.settle(NEXT).exit_code == 0
    (pool,) = settled.rows("settled/pools", NEXT)
    assert pool["brought_forward_fen"] == 0
    log = DeltaTable(settled.folder / "control/publications").history()
    withdrawals = [run for run in settled.rows("control/runs") if run["job"] == "withdraw"]
    withdrawn = {run["run_id"] for run in withdrawals if run["state"] == "published"}
    assert len(withdrawn) == 1 and {commit.get("userMetadata") for commit in log} >= withdrawn
