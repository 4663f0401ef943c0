"""A period from its receipts to its close, as an operator lives it: pieces, repeats, refusals, and `run`.

What one collection makes of one family's money is in test_money_families.py.
"""

from datetime import date

import pytest
from deltalake import DeltaTable

from tests.collected import collect, held, statuses
from tests.lakes import PERIOD, claim, member, receipt

NEXT = "2020-12-P2"


def test_ten_pieces_in_any_order_are_one_collection(settled, tmp_path):
    """One lake is told of three pieces, then of all; another of all at once, and backwards."""
    pieces = [receipt(i, i, 10, date(2020, 12, 14 + i % 3)) for i in range(4, 11)] + [
        receipt(20, 1, 12),
        receipt(21, 1, 18),
    ]
    other, digests = settled.copied(tmp_path / "other"), []
    for lake, tellings in ((settled, (pieces[:3], pieces)), (other, (pieces[::-1],))):
        for told in tellings:
            lake.write("source/receipts", told)
            ended = collect(lake, "2020-12-20")
            assert ended.exit_code == 0, ended.err
        digests.append(ended.document["plans"]["critical_illness"]["digest"])
        assert set(statuses(lake).values()) == {("collected", 10)}
    assert digests[0] == digests[1]
    again = collect(settled, "2020-12-20")
    assert (again.exit_code, again.document["state"]) == (0, "nothing new")
    rows = DeltaTable(str(settled.folder / "settled/collections")).to_pyarrow_table().num_rows
    assert rows == 10, "rows of earlier collections are left"


def test_who_was_helped_has_his_arrears_netted_and_who_was_not_lapses(settled):
    settled.write("source/receipts", [receipt(i, i, 10) for i in range(8, 11)])
    ended = collect(settled, "2020-12-26")
    assert ended.exit_code == 0 and "2020-12-P2 is public but not settled" in ended.err, ended.err
    found = statuses(settled)
    assert found[7] == ("netted", 10) and found[4] == ("lapsed", 0)
    assert sorted(row["member_id"] for row in settled.rows("settled/lapses")) == [1, 2, 3, 4, 5, 6]
    paid = [r for r in settled.rows("ledger/journal", job="collect") if r["reason"] == "aid_paid"]
    assert sum(r["amount_fen"] for r in paid) == 90 - 10
    fee = settled.rows("ledger/fee")[0]
    # 40 of 100 fen due came in: 7 x 40 / 100 = 2.8, rounded down; the rest is given up with the dues.
    assert (fee["received_fen"], fee["outstanding_fen"], fee["written_off_fen"]) == (2, 0, 5)
    # Cover ended on the 26th at 00:00 in Shanghai: the four who paid are covered on the 7th of January, the others not.
    back = collect(settled, "2020-12-25")
    assert back.exit_code == 4 and "2020-12-26 already" in back.err
    late = settled.settle("2020-12-P2")
    assert late.document["plans"]["critical_illness"]["pool"]["covered_count"] == 10
    january = settled.settle("2021-01-P1")
    assert january.document["plans"]["critical_illness"]["pool"]["covered_count"] == 4
    assert january.document["plans"]["critical_illness"]["member_rows"]["lapsed"] == 6
    told = settled.run("report", "--period", "2021-01-P1", "--floor", "2")
    assert told.exit_code == 0 and "joining them with the assessments" not in told.err, told.err
    covered = [
        row["quantity"] for row in told.document["summary"] if row["measure"] == "covered" and row["topic"] == "members"
    ]
    assert covered == [4], "the report counts those left after the lapses, from the members alone"


def test_arrears_are_netted_from_the_aid_of_the_next_period_which_pays_so_much_less(settled):
    """Member 4 owes 10 fen of P1 when his aid of 50 fen is public in P2: 6 others pay, of whom none is helped but 7."""
    more = {**claim(2, 4, approved_aid_fen=50), "publicity_period": NEXT}
    settled.write("source/approved_claims", [more], mode="append")
    paid = [receipt(i, i, 10) for i in range(5, 11)]
    settled.write("source/receipts", [*paid, *(receipt(i + 20, i, 6, date(2020, 12, 28), NEXT) for i in range(5, 11))])
    # P2: 50 of aid and 4 of fee, less the 3 brought forward: 51 over ten members is 6 each, and 9 remain.
    assert settled.settle(NEXT).document["plans"]["critical_illness"]["pool"]["due_fen"] == 60
    early = collect(settled, "2020-12-29", NEXT)  # before P1 has come to its limit: nothing is netted yet
    assert aid_paid_fen(settled, NEXT) == 50 - 6 and early.exit_code == 0
    assert collect(settled, "2020-12-26").exit_code == 0
    assert statuses(settled)[4] == ("netted", 10) and statuses(settled)[1] == ("lapsed", 0)
    assert sorted(row["member_id"] for row in settled.rows("settled/lapses")) == [1, 2, 3]
    # The aid of 90 went to member 7, who paid: all of it. What member 4 owed is not paid to him in P2.
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


def test_a_period_is_closed_in_its_turn_and_never_changes_again(settled):
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
    # In: 100. Out: 90 of aid. The fee of 7 is income, 3 are carried on.
    assert balances | {"x": 0} == {**dict.fromkeys(balances, 0), "cash": 10, "fee_income": -7, "pool": -3, "x": 0}
    assert sum(balances.values()) == 0
    # The next period was settled after this one was collected: that does not reach back into a closed period.
    assert collect(settled, "2020-12-26").document["state"] == "nothing new"
    before = settled.rows("settled/collections")
    settled.write("source/receipts", [receipt(50, 4, 10)], mode="append")
    more = collect(settled, "2020-12-27")
    assert more.exit_code == 4 and "its books hold 100 (10 are in no books)" in more.err, more.err
    assert settled.rows("settled/collections") == before


@pytest.mark.parametrize("as_a_user", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["quick", "usual"])
def test_run_walks_the_days_and_resumes(settled, request, as_a_user):
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
    assert held(settled) == {(20, 5, "receipt_after_grace")}, "what is known when a period is closed is in its books"
    again = settled.run("run", *words, "--as-of", "2021-01-31")
    assert (again.exit_code, again.document["steps"]) == (0, [])


def test_a_plan_that_was_mended_later_goes_through_all_that_the_others_went_through(settled):
    """A claim of a plan without members stops that plan only; once it has members, `run` brings it to its close."""
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
    of_late = settled.rows("settled/collections", plan_id="senior_cancer")
    # 15 of payer 1 were left; 4 paid nothing for this plan; 21 is helped with 27 and owes 10.
    assert [(r["member_id"], r["status"]) for r in of_late] == [(1, "collected"), (4, "lapsed"), (21, "netted")]


def test_a_plan_that_stops_in_a_period_is_brought_to_the_end_of_the_one_before(lake):
    """The second plan's two members leave before P2 is public, which has a case of theirs: P2 stops, P1 goes on."""
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
    of_senior = lake.rows("settled/collections", plan_id="senior_cancer")
    assert {row["member_id"]: row["status"] for row in of_senior} == {21: "netted", 22: "lapsed"}


def test_what_stops_the_settlement_of_all_plans_is_not_got_round_plan_by_plan(lake):
    nobody_s = [{**member(i), "plan_id": None} for i in range(101, 126)]  # 25 of 100 rows: more than a fifth, and 20
    lake.load([*(member(i) for i in range(1, 51)), *(member(i, "senior_cancer") for i in range(1, 26)), *nobody_s], [])
    ended = lake.run("run", "--from", PERIOD, "--to", PERIOD, "--as-of", "2020-12-31")
    assert ended.exit_code == 3 and "below the ceiling" in ended.err, ended.err
    assert {"critical_illness", "senior_cancer"} <= set(ended.document["stopped"])
    assert not lake.exists("control/publications")


@pytest.mark.parametrize("words, exit_code, told", [
    (("collect", "--period", NEXT, "--as-of", "2020-12-30"), 4, "Settle it first"),
    (("close", "--period", NEXT, "--as-of", "2021-01-30"), 4, "Settle it first"),
    (("run", "--from", NEXT, "--to", PERIOD), 2, "Swap them"),
    (("run", "--from", "2020-12-P3", "--to", "2020-12-P3"), 2, "2 periods a month"),
])  # fmt: skip
def test_what_cannot_be_done_says_what_to_do_first(settled, words, exit_code, told):
    ended = settled.run(*words)
    assert ended.exit_code == exit_code and told in ended.err
