"""A period from its receipts to its close, as an operator lives it: pieces, repeats, refusals, and `run`."""

from datetime import date

import pytest
from deltalake import DeltaTable

from tests.lakes import PERIOD, LakeFolder, claim, member, receipt

NEXT = "2020-12-P2"


@pytest.fixture
def settled(settled_once, tmp_path):
    return settled_once.copied(tmp_path / "lake")


@pytest.fixture(scope="module")
def settled_once(spark, tmp_path_factory):
    """Ten members; 1 pays for 2 and 3. One case of 90 fen and 7.2 fee -> 7 fen: pool 97, ten pay 10 fen, 3 fen
    remain."""
    joined = {2: date(2019, 5, 1), 3: date(2019, 4, 1)}
    people = [
        member(i, payer_id=1 if i in (2, 3) else i, joined_on=joined.get(i, date(2019, 6, 1)), waiting_ends_on=date(2019, 9, 1))
        for i in range(1, 11)
    ]
    lake = LakeFolder(spark, tmp_path_factory.mktemp("settled") / "lake")
    lake.load(people, [claim(1, 7, approved_aid_fen=90)])
    assert lake.settle().exit_code == 0
    return lake


def collect(lake, as_of, period=PERIOD):
    return lake.run("collect", "--period", period, "--as-of", as_of)


def statuses(lake, period=PERIOD):
    return {row["member_id"]: (row["status"], row["collected_fen"]) for row in lake.rows("settled/collections", period)}


def test_the_own_share_first_then_the_others_in_the_order_of_joining(settled):
    settled.write("source/receipts", [receipt(1, 1, 20)])
    assert collect(settled, "2020-12-15").exit_code == 0
    found = statuses(settled)
    assert [found[i] for i in (1, 3, 2)] == [("collected", 10), ("collected", 10), ("in_grace", 0)]


def test_ten_pieces_in_any_order_are_one_collection(settled, tmp_path):
    pieces = [receipt(i, i, 10, date(2020, 12, 14 + i % 3)) for i in range(4, 11)] + [receipt(20, 1, 12), receipt(21, 1, 18)]
    digests = []
    for order in (pieces, pieces[::-1]):
        for upto in (3, 6, len(order)):
            settled.write("source/receipts", order[:upto])
            ended = collect(settled, "2020-12-20")
            assert ended.exit_code == 0, ended.err
        digests.append(ended.document["plans"]["critical_illness"]["digest"])
    assert digests[0] == digests[1]
    assert set(statuses(settled).values()) == {("collected", 10)}
    again = collect(settled, "2020-12-20")
    assert (again.exit_code, again.document["state"]) == (0, "nothing new")
    rows = DeltaTable(str(settled.folder / "settled/collections")).to_pyarrow_table().num_rows
    assert rows == 10, "rows of earlier collections are left"


def test_money_that_meets_no_share_is_kept_with_its_reason(settled):
    settled.write("source/receipts", [
        receipt(1, 4, 25), receipt(2, 5, 9), receipt(3, 99, 10), receipt(4, 6, 10, date(2020, 12, 27)),
        receipt(5, 8, 10), receipt(5, 8, 10), receipt(6, 9, 0, outcome="failed"),
    ])  # fmt: skip
    ended = collect(settled, "2020-12-28")
    assert ended.exit_code == 0, ended.err
    held = {(r["receipt_id"], r["amount_at_stake_fen"], *r["reasons"]) for r in settled.rows("control/quarantine_receipts")}
    assert held == {(1, 15, "receipt_overpaid"), (2, 9, "receipt_not_enough"), (3, 10, "receipt_without_bill"),
                    (4, 10, "receipt_after_grace"), (5, 10, "receipt_duplicated")}  # fmt: skip
    journal = settled.rows("ledger/journal", job="collect")
    # What two rows with one id say came in is held until somebody says which is true.
    assert sum(r["amount_fen"] for r in journal if r["credit_account"] == "suspense") == 15 + 9 + 10 + 10 + 2 * 10
    assert sum(r["amount_fen"] for r in journal if r["credit_account"] == "members_receivable" and r["debit_account"] == "cash") == 10


def test_receipts_that_break_a_rule_are_held_and_their_money_is_booked(settled):
    """Before publicity, without a payer, without an id or a day: money that is somebody's. No amount: nothing."""
    settled.write("source/receipts", [
        receipt(1, 4, 10, date(2020, 12, 1)), receipt(2, None, 7), receipt(None, 5, 3), receipt(4, 6, 2, None),
        receipt(5, 8, -5), receipt(6, 8, 10**15), receipt(7, 9, 4, outcome="maybe"), receipt(8, 10, 10),
    ])  # fmt: skip
    ended = collect(settled, "2020-12-20")
    assert ended.exit_code == 0, ended.err
    held = {(r["receipt_id"], *r["reasons"]) for r in settled.rows("control/quarantine_receipts")}
    assert held == {
        (1, "receipt_before_publicity"), (2, "receipt_key_missing"), (None, "receipt_key_missing"),
        (4, "receipt_key_missing"), (5, "receipt_amount_out_of_range"), (6, "receipt_amount_out_of_range"),
        (7, "receipt_outcome_unknown"),
    }  # fmt: skip
    posted = [r for r in settled.rows("ledger/journal", job="collect") if r["credit_account"] == "suspense"]
    # What came before the books begin, or on no day, stands on their first day.
    assert {str(r["posted_on"]): r["amount_fen"] for r in posted} == {"2020-12-07": 10 + 2, "2020-12-14": 7 + 3}
    assert ended.document["receipts"]["without_share_fen"] == 22
    assert ended.document["receipts"]["money_fen"] == 22 + 10
    assert statuses(settled)[10] == ("collected", 10) and statuses(settled)[4] == ("in_grace", 0)


def test_a_plan_settled_after_the_others_were_closed_is_paid_from_what_they_left(settled):
    """Payer 1 paid 45 for 30 owed. A second plan, settled late, asks 10 of 1 and of 4, and of 21, who is helped."""
    settled.write("source/receipts", [receipt(1, 1, 45), *(receipt(i, i, 10) for i in range(4, 11))])
    assert collect(settled, "2020-12-26").exit_code == 0
    assert settled.run("close", "--period", PERIOD, "--as-of", "2020-12-26").exit_code == 0
    late = "senior_cancer"
    settled.write("source/members", [member(i, late) for i in (1, 4, 21)], mode="append")
    settled.write("source/approved_claims", [claim(9, 21, late, approved_aid_fen=27)], mode="append")
    # 27 and a fee of 2 (2.16): 29 over three is 10 each, and 1 remains.
    assert settled.settle().document["plans"][late]["pool"]["due_fen"] == 30
    settled.write("source/receipts", [receipt(20, 4, 10, date(2020, 12, 20))], mode="append")
    before = settled.rows("settled/collections", plan_id="critical_illness")
    ended = collect(settled, "2020-12-28")
    assert ended.exit_code == 0, ended.err
    found = {r["member_id"]: (r["status"], r["collected_fen"]) for r in settled.rows("settled/collections", plan_id=late)}
    assert found == {1: ("collected", 10), 4: ("collected", 10), 21: ("netted", 10)}
    assert settled.rows("settled/collections", plan_id="critical_illness") == before
    held = [(r["receipt_id"], r["amount_fen"], r["amount_at_stake_fen"]) for r in settled.rows("control/quarantine_receipts")]
    assert held == [(1, 45, 5)]
    # In: 45 + 70 + 10. The closed books have 115 of it, 15 in suspense; the late plan takes those over and has 10 more.
    assert posted_fen(settled, "critical_illness") == {("cash", "members_receivable"): 100, ("cash", "suspense"): 15}
    assert posted_fen(settled, late) == {
        ("cash", "members_receivable"): 20, ("cash", "suspense"): 5, ("suspense", "cash"): 15,
        ("benefits_payable", "members_receivable"): 10,
    }  # fmt: skip
    assert collect(settled, "2020-12-28").document["state"] == "nothing new"
    assert settled.run("close", "--period", PERIOD, "--as-of", "2020-12-28").exit_code == 0
    assert collect(settled, "2020-12-28").document["state"] == "nothing new"
    suspense = [r["carried_forward_fen"] for r in settled.rows("ledger/balances", account="suspense")]
    assert sorted(suspense) == [-15, 10], "5 fen are owed to payer 1 by both books together"


def posted_fen(lake, plan_id):
    """What a plan's collection moved between accounts, but for the aid that was paid and the fee."""
    found = {}
    for r in lake.rows("ledger/journal", job="collect", plan_id=plan_id):
        if r["reason"] not in ("aid_paid", "fee_received"):
            pair = (r["debit_account"], r["credit_account"])
            found[pair] = found.get(pair, 0) + r["amount_fen"]
    return found


def test_closed_books_whose_receipts_are_gone_are_told(settled):
    settled.write("source/receipts", [receipt(i, i, 30 if i == 1 else 10) for i in (1, *range(4, 11))])
    assert collect(settled, "2020-12-26").exit_code == 0
    assert settled.run("close", "--period", PERIOD, "--as-of", "2020-12-26").exit_code == 0
    settled.write("source/members", [member(i, "senior_cancer") for i in (1, 21)], mode="append")
    assert settled.settle().exit_code == 0
    settled.write("source/receipts", [receipt(i, i, 10) for i in range(5, 11)])
    told = collect(settled, "2020-12-26")
    assert (told.exit_code, "(40 fen are missing)" in told.err) == (4, True), told.err


def test_late_money_does_not_bring_back_a_lapse_that_a_later_period_was_settled_with(settled):
    paid = [receipt(i, i, 10) for i in range(5, 11)]
    settled.write("source/receipts", paid)
    assert collect(settled, "2020-12-26").exit_code == 0
    assert settled.settle(NEXT).exit_code == 0
    # P2 was made with everybody: money that came in time and is known only now still counts.
    settled.write("source/receipts", [*paid, receipt(20, 1, 30, date(2020, 12, 20))])
    assert collect(settled, "2020-12-27").exit_code == 0
    assert statuses(settled)[1] == ("collected", 10) and statuses(settled)[4] == ("lapsed", 0)
    assert settled.settle("2021-01-P1").document["plans"]["critical_illness"]["pool"]["covered_count"] == 9
    settled.write("source/receipts", [*paid, receipt(20, 1, 30, date(2020, 12, 20)), receipt(21, 4, 10, date(2020, 12, 21))])
    ended = collect(settled, "2021-01-08")
    assert ended.exit_code == 0, ended.err
    assert statuses(settled)[4] == ("lapsed", 0) and len(statuses(settled)) == 10
    held = [(r["receipt_id"], r["amount_at_stake_fen"], *r["reasons"]) for r in settled.rows("control/quarantine_receipts")]
    assert held == [(21, 10, "receipt_after_lapse")]
    posted = posted_fen(settled, "critical_illness")
    assert posted == {("cash", "members_receivable"): 90, ("cash", "suspense"): 10, ("bad_debt", "members_receivable"): 10}
    assert settled.settle("2021-01-P1").document["state"] == "already settled"
    assert collect(settled, "2021-01-08").document["state"] == "nothing new"


def test_who_was_helped_has_his_arrears_netted_and_who_was_not_lapses(settled):
    settled.write("source/receipts", [receipt(i, i, 10) for i in range(8, 11)])
    assert collect(settled, "2020-12-26").exit_code == 0
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
    covered = [row["quantity"] for row in told.document["summary"] if row["measure"] == "covered" and row["topic"] == "members"]
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
    payable = [{r["account"]: r for r in settled.rows("ledger/balances", p)}["benefits_payable"] for p in (PERIOD, NEXT)]
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
    assert out_of_turn.exit_code == 4 and f"Close {PERIOD} first" in out_of_turn.err
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
    assert more.exit_code == 4 and "closed" in more.err
    assert settled.rows("settled/collections") == before


def test_run_walks_the_days_and_resumes(settled):
    settled.write("source/receipts", [receipt(i, i, 30 if i == 1 else 10) for i in (1, *range(4, 11))])
    words = ("--from", PERIOD, "--to", NEXT)
    half = settled.run("run", *words, "--as-of", "2020-12-21")
    assert half.exit_code == 0, half.err
    assert [(s["job"], s["period"]) for s in half.document["steps"]] == [("collect", PERIOD), ("settle", NEXT)]
    whole = settled.run("run", *words, "--as-of", "2021-01-31")
    assert whole.exit_code == 0, whole.err
    assert [(s["job"], s["period"]) for s in whole.document["steps"]] == [
        ("collect", PERIOD), ("close", PERIOD), ("collect", NEXT), ("collect", NEXT), ("close", NEXT),
    ]  # fmt: skip
    again = settled.run("run", *words, "--as-of", "2021-01-31")
    assert (again.exit_code, again.document["steps"]) == (0, [])


@pytest.mark.parametrize("words, exit_code, told", [
    (("collect", "--period", NEXT, "--as-of", "2020-12-30"), 4, "Settle it first"),
    (("close", "--period", NEXT, "--as-of", "2021-01-30"), 4, "Settle it first"),
    (("run", "--from", NEXT, "--to", PERIOD), 2, "Swap them"),
    (("run", "--from", "2020-12-P3", "--to", "2020-12-P3"), 2, "2 periods a month"),
])  # fmt: skip
def test_what_cannot_be_done_says_what_to_do_first(settled, words, exit_code, told):
    ended = settled.run(*words)
    assert ended.exit_code == exit_code and told in ended.err
