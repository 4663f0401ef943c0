"""Returned receipts: before the close the share is unpaid again; after it the return is held and reported."""

from datetime import date

from tests.collected import collect, held, statuses
from tests.lakes import PERIOD, receipt

NEXT = "2020-12-P2"


def returned(number, payer_id, fen, day):
    return receipt(number, payer_id, fen, day, outcome="returned")


def moved_fen(lake, debit, credit, period=PERIOD):
    rows = lake.rows("ledger/journal", period, job="collect", debit_account=debit, credit_account=credit)
    return {str(row["posted_on"])[5:]: row["amount_fen"] for row in rows}


def test_a_return_makes_its_share_unpaid_before_the_close_and_is_held_after_it(settled):
    """Payer 4: 10 returned. 5: returned and paid again. 6: 15 (5 too much) returned in two parts. 8: more returned than
    paid. 9: returned but never paid. 1: 12 of 30 for three members returned, so two shares are unpaid."""
    paid = [receipt(i, i, 30 if i == 1 else 15 if i == 6 else 10) for i in (1, 4, 5, 6, 7, 8, 10)]
    back = [
        returned(21, 4, 10, date(2020, 12, 16)),
        returned(22, 5, 10, date(2020, 12, 16)), receipt(23, 5, 10, date(2020, 12, 18)),
        returned(24, 6, 8, date(2020, 12, 15)), returned(25, 6, 7, date(2020, 12, 27)),
        returned(26, 8, 12, date(2020, 12, 16)),
        returned(27, 9, 4, date(2020, 12, 16)),
        returned(28, 1, 12, date(2020, 12, 16)),
        receipt(29, 7, 3, date(2020, 12, 15), outcome="failed"),
    ]  # fmt: skip
    settled.write("source/receipts", paid + back)
    before = collect(settled, "2020-12-14")
    assert before.exit_code == 0, before.err
    assert set(statuses(settled).values()) == {("collected", 10), ("in_grace", 0)}
    assert statuses(settled)[4] == ("collected", 10)
    ended = collect(settled, "2020-12-20")
    assert ended.exit_code == 0, ended.err
    assert [i for i, (status, _) in statuses(settled).items() if status == "collected"] == [1, 5, 7, 10]
    assert held(settled) == {
        (1, 8, "receipt_not_enough"), (6, 7, "receipt_not_enough"), (26, 2, "receipt_returned_too_much"),
        (27, 4, "receipt_returned_too_much"), (29, 3, "receipt_amount_out_of_range"),
    }  # fmt: skip
    assert ended.document["receipts"]["money_fen"] == 18 + 10 + 7 + 10 + 10
    # The money returned to 5 was replaced: his due is paid, so no unpaid due was booked.
    assert moved_fen(settled, "members_receivable", "cash") == {"12-15": 8, "12-16": 12 + 10 + 10}
    assert moved_fen(settled, "suspense", "cash") == {"12-16": 10}
    fee = settled.rows("ledger/fee")[0]
    assert fee["received_fen"] == 7 * 40 // 100, "the fee received follows from what is in"
    final = collect(settled, "2020-12-28")
    assert final.exit_code == 0, final.err
    assert {i for i, (status, _) in statuses(settled).items() if status == "lapsed"} == {2, 3, 4, 6, 8, 9}
    journal = settled.rows("ledger/journal")
    balance = lambda account: sum(  # noqa: E731
        r["amount_fen"] * ((r["debit_account"] == account) - (r["credit_account"] == account)) for r in journal
    )
    assert balance("members_receivable") == 0 and balance("suspense") == -8 and balance("fee_income") == -2
    again = collect(settled, "2020-12-28")
    assert (again.exit_code, again.document["state"]) == (0, "nothing new")
    closed = settled.run("close", "--period", PERIOD, "--as-of", "2020-12-28")
    assert closed.exit_code == 0, closed.err
    rows = settled.rows("settled/collections")
    late = [
        returned(41, 7, 10, date(2020, 12, 20)), returned(42, 10, 10, date(2020, 12, 30)),
        returned(43, 7, 5, None), returned(21, 4, 10, date(2020, 12, 16)),  # without a day; a copy of a booked one
    ]  # fmt: skip
    settled.write("source/receipts", late, mode="append")
    assert settled.settle(NEXT).exit_code == 0
    for state in ("collected", "nothing new"):
        following = collect(settled, "2021-01-05", NEXT)
        assert (following.exit_code, following.document["state"]) == (0, state), following.err
        assert "4 returns of 2020-12-P1 came after its close" in following.err and "0.25 yuan" in following.err
        assert {row for row in held(settled) if "receipt_after_close" in row} == {
            (41, 10, "receipt_after_close"), (42, 10, "receipt_after_close"),
            (43, 5, "receipt_key_missing", "receipt_after_close"), (21, 0, "receipt_after_close", "receipt_repeated"),
        }  # fmt: skip
    assert settled.rows("settled/collections") == rows


def test_a_return_of_money_in_closed_books_is_held(closed):
    """Payer 1 paid 45 for 30 owed in a closed plan; a second plan is settled late; then 20 of the 45 are returned."""
    from tests.lakes import claim, member

    late = "senior_cancer"
    closed.write("source/members", [member(i, late) for i in (1, 4, 21)], mode="append")
    closed.write("source/approved_claims", [claim(9, 21, late, approved_aid_fen=27)], mode="append")
    assert closed.settle().exit_code == 0
    closed.write("source/receipts", [returned(30, 1, 20, date(2020, 12, 20))], mode="append")
    ended = collect(closed, "2020-12-28")
    assert ended.exit_code == 0, ended.err
    assert held(closed) == {(30, 5, "receipt_after_close")}
    late_rows = closed.rows("settled/collections", plan_id=late)
    assert {r["member_id"]: r["status"] for r in late_rows} == {1: "lapsed", 4: "lapsed", 21: "netted"}


def test_a_return_of_a_later_day_is_held_though_the_collection_had_its_file(settled):
    """Collected and closed as of 28 December; the return is of the 30th."""
    paid = [receipt(i, i, 30 if i == 1 else 10) for i in (1, 4, 5, 6, 7, 8, 9, 10)]
    settled.write("source/receipts", [*paid, returned(41, 7, 10, date(2020, 12, 30))])
    for command in ("collect", "close"):
        ended = settled.run(command, "--period", PERIOD, "--as-of", "2020-12-28")
        assert ended.exit_code == 0, ended.err
    assert settled.settle(NEXT).exit_code == 0
    for as_of, is_late in (("2020-12-29", False), ("2021-01-05", True)):
        following = collect(settled, as_of, NEXT)
        assert following.exit_code == 0, following.err
        assert ("1 returns of 2020-12-P1 came after its close" in following.err) == is_late
    assert held(settled) == {(41, 10, "receipt_after_close")}
