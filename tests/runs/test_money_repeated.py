"""Receipts loaded twice: copies count once; different receipts with one id are held until one of them is released."""

import json
from datetime import date

from tests.collected import collect, held, posted_fen, statuses
from tests.lakes import PERIOD, receipt

NEXT = "2020-12-P2"
EARLY = date(2020, 12, 22)  # both periods are public
PAID = [receipt(1, 1, 30), *(receipt(i, i, 10) for i in range(4, 11))]


def test_a_file_loaded_twice_counts_once(settled):
    settled.write("source/receipts", PAID + [receipt(20, 6, 0, outcome="failed")])
    once = collect(settled, "2020-12-20").document
    assert not settled.exists("control/quarantine_receipts")
    settled.write("source/receipts", (PAID + [receipt(20, 6, 0, outcome="failed")]) * 2)
    ended = collect(settled, "2020-12-20")
    assert ended.exit_code == 0, ended.err
    assert ended.document["plans"] == once["plans"], "the same digest, shares, fee"
    assert ended.document["receipts"] == {
        "rows": 18, "money_fen": 100, "held": {"receipt_repeated": 9}, "without_share_fen": 0,
    }  # fmt: skip
    assert held(settled) == {(i, 0, "receipt_repeated") for i in (1, *range(4, 11), 20)}
    assert set(statuses(settled).values()) == {("collected", 10)}
    assert posted_fen(settled, "critical_illness") == {("cash", "members_receivable"): 100}
    # Once the copies are gone, nothing is held.
    settled.write("source/receipts", PAID + [receipt(20, 6, 0, outcome="failed")])
    assert collect(settled, "2020-12-20").document["state"] == "collected"
    assert held(settled) == set()


def test_copies_of_a_held_row_are_not_booked_again(settled):
    """Id 5: three rows, two of them equal. No id: two equal rows and another. A late receipt and its copy."""
    settled.write("source/receipts", [
        receipt(5, 8, 10), receipt(5, 8, 10), receipt(5, 8, 7), receipt(None, 4, 3), receipt(None, 4, 3),
        receipt(None, 4, 2), receipt(6, 9, 4, date(2020, 12, 27)), receipt(6, 9, 4, date(2020, 12, 27)),
        receipt(7, 10, 10), receipt(7, 10, 10), receipt(8, 5, -1), receipt(8, 5, -1),
    ])  # fmt: skip
    ended = collect(settled, "2020-12-28")
    assert ended.exit_code == 0, ended.err
    assert held(settled) == {
        (5, 10, "receipt_duplicated"), (5, 0, "receipt_duplicated", "receipt_repeated"), (5, 7, "receipt_duplicated"),
        (None, 3, "receipt_key_missing"), (None, 0, "receipt_key_missing", "receipt_repeated"),
        (None, 2, "receipt_key_missing"), (6, 4, "receipt_after_grace"), (6, 0, "receipt_repeated"),
        (7, 0, "receipt_repeated"), (8, -1, "receipt_amount_out_of_range"),
        (8, 0, "receipt_amount_out_of_range", "receipt_repeated"),
    }  # fmt: skip
    assert posted_fen(settled, "critical_illness")["cash", "suspense"] == 10 + 7 + 3 + 2 + 4
    assert statuses(settled)[10] == ("collected", 10) and statuses(settled)[8] == ("lapsed", 0)


def test_an_id_in_two_periods_is_held_in_both_and_booked_once_in_each(settled):
    """Id 4 occurs in both periods; later also without a period, and that receipt is in no books."""
    assert settled.settle(NEXT).exit_code == 0
    ours = [receipt(4, 4, 10, EARLY), receipt(5, 5, 10, EARLY)]
    settled.write("source/receipts", ours)
    assert collect(settled, "2020-12-22").exit_code == 0
    assert statuses(settled)[4] == ("collected", 10)
    clash = [*ours, receipt(4, 4, 10, EARLY, NEXT), receipt(4, 4, 10, EARLY, NEXT), receipt(6, 6, 1, EARLY, NEXT)]
    settled.write("source/receipts", clash)
    ended = collect(settled, "2020-12-22")
    assert ended.document["state"] == "collected", "the pinned receipts include the clash"
    assert ended.document["receipts"]["held"] == {"receipt_duplicated": 1}
    assert held(settled) == {(4, 10, "receipt_duplicated")}
    assert statuses(settled)[4] == ("in_grace", 0) and statuses(settled)[5] == ("collected", 10)
    assert posted_fen(settled, "critical_illness")["cash", "suspense"] == 10
    assert collect(settled, "2020-12-22", NEXT).exit_code == 0
    rows = settled.rows("control/quarantine_receipts", NEXT)
    assert sorted((r["receipt_id"], r["amount_at_stake_fen"], *r["reasons"]) for r in rows) == [
        (4, 0, "receipt_duplicated", "receipt_repeated"), (4, 10, "receipt_duplicated"), (6, 1, "receipt_overpaid"),
    ]  # fmt: skip
    suspense = [r["amount_fen"] for r in settled.rows("ledger/journal", NEXT, credit_account="suspense")]
    assert sum(suspense) == 10 + 1
    # The owner gives the second row another id: both rows are sound, and the next collection counts them.
    settled.write("source/receipts", [*ours, receipt(40, 4, 10, EARLY, NEXT)])
    assert collect(settled, "2020-12-22").document["state"] == "collected"
    assert statuses(settled)[4] == ("collected", 10) and held(settled) == set()
    settled.write("source/receipts", [*ours, receipt(4, 4, 10, EARLY, None)])
    assert collect(settled, "2020-12-22").exit_code == 0
    assert held(settled) == {(4, 10, "receipt_duplicated")}, (
        "the other receipt has no period: neither is known to be true"
    )


def test_a_receipt_of_another_period_counts_from_its_day_on(settled):
    """A collection as of the 20th ignores receipts of the 21st."""
    settled.write("source/receipts", [receipt(4, 4, 10), receipt(4, 4, 10, date(2020, 12, 21), NEXT)])
    assert collect(settled, "2020-12-20").exit_code == 0
    assert statuses(settled)[4] == ("collected", 10)
    assert collect(settled, "2020-12-21").exit_code == 0
    assert statuses(settled)[4] == ("in_grace", 0)


def test_closed_books_do_not_change_when_a_later_period_uses_an_id_again(settled):
    settled.write("source/receipts", PAID)
    assert collect(settled, "2020-12-26").exit_code == 0
    late = receipt(4, 4, 6, date(2020, 12, 28), NEXT)
    settled.write("source/receipts", [*PAID, {**late, "attempted_on": EARLY}])
    close = lambda: settled.run("close", "--period", PERIOD, "--as-of", "2020-12-26")  # noqa: E731
    refused = close()
    assert (refused.exit_code, "have changed" in refused.err) == (4, True), (
        "the period is open: a collection now would give another result"
    )
    settled.write("source/receipts", PAID)
    assert close().exit_code == 0
    before = {name: settled.rows(name) for name in ("settled/collections", "ledger/journal", "control/publications")}
    # An id that the later period uses again, and a copy: neither is in the closed books.
    settled.write("source/receipts", [*PAID, PAID[-1], late])
    again = collect(settled, "2020-12-29")
    assert (again.exit_code, again.document["state"]) == (0, "nothing new"), again.err
    assert settled.settle(NEXT).exit_code == 0
    assert collect(settled, "2020-12-29", NEXT).exit_code == 0
    (row,) = settled.rows("control/quarantine_receipts", NEXT)
    assert (row["receipt_id"], row["amount_at_stake_fen"], row["reasons"]) == (4, 6, ["receipt_duplicated"])
    assert {name: settled.rows(name) for name in before} == before


def test_more_held_receipts_than_the_ceiling_stop_the_collection(settled):
    """30 of 60 are before publicity: more than a fifth and more than the floor of 20 rows. Copies do not count."""
    bad = [receipt(100 + i, 4, 1, date(2020, 12, 1)) for i in range(30)]
    good = [
        receipt(200 + i, 424_242, 1) for i in range(30)
    ]  # of a payer without a bill: in suspense, and not counted as bad
    settled.write("source/receipts", bad + good)
    ended = collect(settled, "2020-12-20")
    assert ended.exit_code == 3, ended.err
    assert "30 of 60 receipts would be held (receipt_before_publicity 30), 10 more than" in ended.err
    (run,) = settled.rows("control/runs", job="collect")
    assert run["state"] == "refused" and "30 of 60" in json.loads(run["settings"])["messages"][0]
    (judged,) = settled.rows("control/quality", id="receipts_quarantined_rate")
    assert (judged["severity"], judged["unexpected_count"], judged["success"]) == ("critical", 10, False)
    assert not settled.exists("settled/collections") and not settled.exists("control/quarantine_receipts")
    settled.write("source/receipts", bad[:20] + good[:1])  # the floor
    assert collect(settled, "2020-12-20").exit_code == 0
    settled.write("source/receipts", bad[:1] + good * 25)
    assert collect(settled, "2020-12-20").exit_code == 0, "720 copies are no reason to stop"
