"""A period from its receipts to its close: partial files, repeated commands, refusals, and `run`.

The results of one collection for single families are in test_money_families.py.
"""

from datetime import date

import pytest
from deltalake import DeltaTable

from tests.collected import collect, held, statuses
from tests.lakes import PERIOD, claim, member, receipt

NEXT = "2020-12-P2"


def test_receipts_in_any_order_and_number_of_loads_give_one_digest(settled, tmp_path):
    """One lake gets three receipts, then all; another gets all at once in reverse order."""
    pieces = [receipt(i, i, 10, date(2020, 12, 14 + i % 3)) for i in range(4, 11)] + [
        receipt(20, 1, 12),
        receipt(21, 1, 18),
    ]
    other, digests = settled.copied(tmp_path / "other"), []
    for lake, loads in ((settled, (pieces[:3], pieces)), (other, (pieces[::-1],))):
        for rows_loaded in loads:
            lake.write("source/receipts", rows_loaded)
            ended = collect(lake, "2020-12-20")
            assert ended.exit_code == 0, ended.err
        digests.append(ended.document["plans"]["critical_illness"]["digest"])
        assert set(statuses(lake).values()) == {("collected", 10)}
    assert digests[0] == digests[1]
    again = collect(settled, "2020-12-20")
    assert (again.exit_code, again.document["state"]) == (0, "nothing new")
    rows = DeltaTable(str(settled.folder / "settled/collections")).to_pyarrow_table().num_rows
    assert rows == 10, "rows of earlier collections must be removed"


def test_receipts_are_judged_again_if_the_source_the_day_or_a_decision_changed_and_else_not(settled):
    """Receipt 20 comes twice with different amounts: both rows are held, until one is released."""
    judging, twice = "judging receipts", [receipt(20, 4, 10), receipt(20, 4, 11)]
    settled.write("source/receipts", [*(receipt(i, i, 10) for i in range(5, 11)), *twice])
    first = collect(settled, "2020-12-26")
    assert judging in first.err and first.exit_code == 0, first.err
    assert judging not in collect(settled, "2020-12-26").err
    assert judging in collect(settled, "2020-12-27").err, "later receipts may count"
    settled.write("source/receipts", [receipt(30, 4, 10, date(2020, 12, 30))], mode="append")
    assert judging in collect(settled, "2020-12-27").err, "another version of the source"
    held_id = settled.rows("control/quarantine_receipts", amount_fen=10)[0]["held_id"]
    settled.run("quarantine", "release", held_id, "--by", "wang", "--reason", "bank statement")
    released = collect(settled, "2020-12-27")
    assert judging in released.err and statuses(settled)[4] == ("collected", 10), released.err
    closed = settled.run("close", "--period", PERIOD, "--as-of", "2020-12-27")
    assert judging not in closed.err and closed.exit_code == 0, closed.err


def test_arrears_are_set_off_from_own_aid_and_members_without_aid_lapse(settled):
    settled.write("source/receipts", [receipt(i, i, 10) for i in range(8, 11)])
    ended = collect(settled, "2020-12-26")
    assert ended.exit_code == 0 and "2020-12-P2 is public but not settled" in ended.err, ended.err
    by_member = statuses(settled)
    assert by_member[7] == ("netted", 10) and by_member[4] == ("lapsed", 0)
    assert sorted(row["member_id"] for row in settled.rows("settled/lapses")) == [1, 2, 3, 4, 5, 6]
    paid = [r for r in settled.rows("ledger/journal", job="collect") if r["reason"] == "aid_paid"]
    assert sum(r["amount_fen"] for r in paid) == 90 - 10
    fee = settled.rows("ledger/fee")[0]
    # 40 of 100 fen due came in: 7 x 40 / 100 = 2.8, rounded down; the rest is written off with the dues.
    assert (fee["received_fen"], fee["outstanding_fen"], fee["written_off_fen"]) == (2, 0, 5)
    # Cover ended on the 26th at 00:00 in Shanghai: of the members only four are covered on the 7th of January.
    back = collect(settled, "2020-12-25")
    assert back.exit_code == 4 and "2020-12-26 already" in back.err
    late = settled.settle("2020-12-P2")
    assert late.document["plans"]["critical_illness"]["pool"]["covered_count"] == 10
    january = settled.settle("2021-01-P1")
    assert january.document["plans"]["critical_illness"]["pool"]["covered_count"] == 4
    assert january.document["plans"]["critical_illness"]["member_rows"]["lapsed"] == 6
    reported = settled.run("report", "--period", "2021-01-P1", "--floor", "2")
    assert reported.exit_code == 0 and "joining them with the assessments" not in reported.err, reported.err
    covered = [
        row["quantity"]
        for row in reported.document["summary"]
        if row["measure"] == "covered" and row["topic"] == "members"
    ]
    assert covered == [4], "the report counts the remaining members from the members table alone"


def test_arrears_are_set_off_from_aid_of_the_next_period_which_pays_less(settled):
    """Member 4 owes 10 fen of P1 when his aid of 50 fen is public in P2. Six others pay; of them only 7 is helped."""
    more = {**claim(2, 4, approved_aid_fen=50), "publicity_period": NEXT}
    settled.write("source/approved_claims", [more], mode="append")
    paid = [receipt(i, i, 10) for i in range(5, 11)]
    settled.write("source/receipts", [*paid, *(receipt(i + 20, i, 6, date(2020, 12, 28), NEXT) for i in range(5, 11))])
    # P2: 50 of aid and 4 of fee, less the 3 brought forward: 51 over ten members is 6 each, and 9 are carried.
    assert settled.settle(NEXT).document["plans"]["critical_illness"]["pool"]["due_fen"] == 60
    early = collect(settled, "2020-12-29", NEXT)  # before the grace limit of P1: nothing is set off yet
    assert aid_paid_fen(settled, NEXT) == 50 - 6 and early.exit_code == 0
    assert collect(settled, "2020-12-26").exit_code == 0
    assert statuses(settled)[4] == ("netted", 10) and statuses(settled)[1] == ("lapsed", 0)
    assert sorted(row["member_id"] for row in settled.rows("settled/lapses")) == [1, 2, 3]
    # The whole aid of 90 is paid to member 7, who paid his share. The arrears of member 4 are not paid to him in P2.
    assert aid_paid_fen(settled, PERIOD) == 90
    assert collect(settled, "2021-01-12", NEXT).exit_code == 0
    assert statuses(settled, NEXT)[4] == ("netted", 6)
    assert aid_paid_fen(settled, NEXT) == 50 - 10 - 6
    for period, day in ((PERIOD, "2021-01-12"), (NEXT, "2021-01-12")):
        ended = settled.run("close", "--period", period, "--as-of", day)
        assert ended.exit_code == 0, ended.err
    payable = [
        {r["account"]: r for r in settled.rows("ledger/balances", p)}["benefits_payable"] for p in (PERIOD, NEXT)
    ]
    assert [(r["brought_forward_fen"], r["carried_forward_fen"]) for r in payable] == [(0, 10), (10, 0)]
    assert collect(settled, "2020-12-26").document["state"] == "nothing new"


def aid_paid_fen(lake, period):
    return sum(r["amount_fen"] for r in lake.rows("ledger/journal", period, job="collect") if r["reason"] == "aid_paid")


def test_periods_are_closed_in_order_and_do_not_change_afterwards(settled):
    settled.write("source/receipts", [receipt(i, i, 30 if i == 1 else 10) for i in (1, *range(4, 11))])
    close = lambda period, day: settled.run("close", "--period", period, "--as-of", day)  # noqa: E731
    early = close(PERIOD, "2020-12-20")
    assert early.exit_code == 4 and "2020-12-26" in early.err
    uncollected = close(PERIOD, "2020-12-26")
    assert uncollected.exit_code == 4 and "fentan collect" in uncollected.err
    assert collect(settled, "2020-12-26").exit_code == 0
    assert settled.settle(NEXT).exit_code == 0
    assert collect(settled, "2021-01-12", NEXT).exit_code == 0
    out_of_turn = close(NEXT, "2021-01-12")
    assert out_of_turn.exit_code == 4 and f"`fentan close --period {PERIOD}`" in out_of_turn.err
    assert close(PERIOD, "2020-12-26").exit_code == 0
    assert close(PERIOD, "2020-12-26").document["state"] == "already closed"
    balances = {r["account"]: r["carried_forward_fen"] for r in settled.rows("ledger/balances")}
    # In: 100. Out: 90 of aid. The fee of 7 is income, 3 are carried forward.
    assert balances | {"x": 0} == {**dict.fromkeys(balances, 0), "cash": 10, "fee_income": -7, "pool": -3, "x": 0}
    assert sum(balances.values()) == 0
    # The next period was settled after this collection: that does not change a closed period.
    assert collect(settled, "2020-12-26").document["state"] == "nothing new"
    before = settled.rows("settled/collections")
    settled.write("source/receipts", [receipt(50, 4, 10)], mode="append")
    more = collect(settled, "2020-12-27")
    assert more.exit_code == 4 and "its books hold 100 (10 are in no books)" in more.err, more.err
    assert settled.rows("settled/collections") == before


@pytest.mark.parametrize("as_a_user", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["quick", "usual"])
def test_run_does_the_steps_of_each_day_and_resumes(settled, request, as_a_user):
    if as_a_user:
        request.getfixturevalue("usual")
    paid = [receipt(i, i, 30 if i == 1 else 10) for i in (1, *range(4, 11))]
    settled.write("source/receipts", [*paid, receipt(20, 4, 5, date(2020, 12, 29))])
    words = ("--from", PERIOD, "--to", NEXT)
    half = settled.run("run", *words, "--as-of", "2020-12-21")
    assert half.exit_code == 0, half.err
    assert [(s["job"], s["period"]) for s in half.document["steps"]] == [("collect", PERIOD), ("settle", NEXT)]
    whole = settled.run("run", *words, "--as-of", "2021-01-31")
    assert whole.exit_code == 0, whole.err
    assert [(s["job"], s["period"]) for s in whole.document["steps"]] == [
        ("collect", PERIOD), ("close", PERIOD), ("collect", NEXT), ("collect", NEXT), ("close", NEXT),
    ]  # fmt: skip
    assert held(settled) == {(20, 5, "receipt_after_grace")}, "receipts known at the close are in the books"
    again = settled.run("run", *words, "--as-of", "2021-01-31")
    assert (again.exit_code, again.document["steps"]) == (0, [])


def test_a_plan_corrected_later_is_brought_to_the_stage_of_the_others(settled):
    """A claim of a plan without members stops only that plan; after members are added, `run` settles and closes it."""
    settled.write("source/receipts", [receipt(i, i, 45 if i == 1 else 10) for i in (1, *range(4, 11))])
    settled.write("source/approved_claims", [claim(9, 21, "senior_cancer", approved_aid_fen=27)], mode="append")
    words = ("--from", PERIOD, "--to", NEXT, "--as-of", "2021-01-31")
    stopped = settled.run("run", *words)
    assert (stopped.exit_code, set(stopped.document["stopped"])) == (3, {"senior_cancer"}), stopped.err
    assert {row["plan_id"] for row in settled.rows("ledger/balances", NEXT)} == {"critical_illness"}
    settled.write("source/members", [member(i, "senior_cancer") for i in (1, 4, 21)], mode="append")
    ended = settled.run("run", *words)
    assert ended.exit_code == 0, ended.err
    jobs = [(s["job"], s["period"]) for s in ended.document["steps"]]
    assert jobs == [
        ("settle", PERIOD), ("settle", NEXT), ("collect", PERIOD), ("close", PERIOD), ("collect", NEXT),
        ("close", NEXT),
    ]  # fmt: skip
    assert {row["plan_id"] for row in settled.rows("ledger/balances", NEXT)} == {"critical_illness", "senior_cancer"}
    late_rows = settled.rows("settled/collections", plan_id="senior_cancer")
    # Payer 1 has 15 left; 4 paid nothing for this plan; 21 is helped with 27 and owes 10.
    assert [(r["member_id"], r["status"]) for r in late_rows] == [(1, "collected"), (4, "lapsed"), (21, "netted")]


def test_receipts_of_a_sample_world_are_made_before_the_collection_if_the_settlement_was_the_last_to_run(settled):
    """As after a `run` that ended between the settlement of a period and its receipts."""
    words = ("run", "--from", PERIOD, "--to", PERIOD, "--as-of", "2020-12-26")
    without = settled.run(*words)
    assert without.exit_code == 3 and "no Delta table" in without.err, without.err
    ended = settled.run(*words, "--sample-receipts", "1")
    assert ended.exit_code == 0, ended.err
    received = settled.rows("source/receipts")
    assert {row["payer_id"] for row in received} == {1, *range(4, 11)}
    assert statuses(settled)[10] == ("collected", 10)


def test_a_plan_that_stops_in_a_period_still_closes_the_previous_one(lake):
    """The second plan's two members leave before P2, which has one case: the plan stops in P2, but its P1 is closed."""
    left = {"exited_on": date(2020, 12, 15), "exit_reason": "left"}
    lake.load(
        [*(member(i) for i in range(1, 5)), *(member(i, "senior_cancer", **left) for i in (21, 22))],
        [claim(1, 1, approved_aid_fen=30), claim(2, 21, "senior_cancer", approved_aid_fen=10),
         claim(3, 22, "senior_cancer", approved_aid_fen=10, publicity_period=NEXT)],
    )  # fmt: skip
    lake.write("source/receipts", [receipt(i, i, 9) for i in range(1, 5)])
    ended = lake.run("run", "--from", PERIOD, "--to", NEXT, "--as-of", "2021-01-31")
    assert (ended.exit_code, set(ended.document["stopped"])) == (3, {"senior_cancer"}), ended.err
    assert {row["plan_id"] for row in lake.rows("ledger/balances")} == {"critical_illness", "senior_cancer"}
    assert {row["plan_id"] for row in lake.rows("ledger/balances", NEXT)} == {"critical_illness"}
    # 11 fen over two: 6 each; 21 was helped with 10 and paid nothing, 22 paid nothing and was not helped.
    senior_rows = lake.rows("settled/collections", plan_id="senior_cancer")
    assert {row["member_id"]: row["status"] for row in senior_rows} == {21: "netted", 22: "lapsed"}


def test_run_does_not_settle_plans_one_by_one_if_all_are_stopped(lake):
    without_plan = [
        {**member(i), "plan_id": None} for i in range(101, 126)
    ]  # 25 of 100 rows: more than a fifth, and 20
    lake.load(
        [*(member(i) for i in range(1, 51)), *(member(i, "senior_cancer") for i in range(1, 26)), *without_plan], []
    )
    ended = lake.run("run", "--from", PERIOD, "--to", PERIOD, "--as-of", "2020-12-31")
    assert ended.exit_code == 3 and "below the ceiling" in ended.err, ended.err
    assert {"critical_illness", "senior_cancer"} <= set(ended.document["stopped"])
    assert not lake.exists("control/publications")


@pytest.mark.parametrize("words, exit_code, message", [
    (("collect", "--period", NEXT, "--as-of", "2020-12-30"), 4, "Settle it first"),
    (("close", "--period", NEXT, "--as-of", "2021-01-30"), 4, "Settle it first"),
    (("run", "--from", NEXT, "--to", PERIOD), 2, "Swap them"),
    (("run", "--from", "2020-12-P3", "--to", "2020-12-P3"), 2, "2 periods a month"),
])  # fmt: skip
def test_a_refusal_names_the_step_to_do_first(settled, words, exit_code, message):
    ended = settled.run(*words)
    assert ended.exit_code == exit_code and message in ended.err
