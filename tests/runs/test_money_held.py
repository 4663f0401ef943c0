"""Receipts without a period, and final shares that later receipts do not change.

The reasons for holding a single receipt are in test_money_families.py.
"""

from datetime import date

from tests.collected import collect, held, posted_fen, statuses
from tests.lakes import PERIOD, claim, member, receipt
from tests.platforms import write_platform

NEXT = "2020-12-P2"


def test_receipts_of_unknown_periods_are_held_until_the_source_is_corrected(settled):
    ours = receipt(1, 10, 10)
    settled.write("source/receipts", [ours, receipt(2, 4, 10, period=None), receipt(3, 5, 7, period="2020-12-P9")])
    ended = collect(settled, "2020-12-20")
    assert (ended.exit_code, ended.document["receipts"]["held"]) == (0, {"receipt_period_unknown": 2}), ended.err
    held_now = lambda: {  # noqa: E731
        (r["receipt_id"], r["period"], r["amount_at_stake_fen"], r["first_seen_period"], *r["reasons"])
        for period in (None, PERIOD, "2020-12-P9")
        for r in settled.rows("control/quarantine_receipts", period)
    }
    unknown = {(2, None, 10, PERIOD, "receipt_period_unknown"), (3, "2020-12-P9", 7, PERIOD, "receipt_period_unknown")}
    assert held_now() == unknown
    again = collect(settled, "2020-12-20")
    assert (again.document["state"], held_now()) == ("nothing new", unknown) and "2 rows are of no period" in again.err
    settled.write("source/receipts", [ours, receipt(2, 4, 10), receipt(3, 5, 7, period="2020-12-P9")])
    assert collect(settled, "2020-12-20").exit_code == 0
    assert statuses(settled)[4] == ("collected", 10)
    assert {row[0] for row in held_now()} == {3}


def test_with_partial_deduction_each_receipt_is_booked_on_its_day(settled, tmp_path):
    """Payer 1 (own share, then 3, then 2, each of 10) pays 12 and 3; payer 4 pays 4 of 10; six others pay all."""
    plans = {"critical_illness": {}}
    conf = write_platform(tmp_path / "platforms", "xianghubao", plans, "2019-01-P2", deducts="any_part")
    settled.write("source/receipts", [
        receipt(1, 1, 12), receipt(2, 1, 3, date(2020, 12, 16)), receipt(3, 4, 4, date(2020, 12, 18)),
        *(receipt(i, i, 10) for i in range(5, 11)),
    ])  # fmt: skip
    words = ("--period", PERIOD, "--conf", str(conf))
    assert settled.run("collect", *words, "--as-of", "2020-12-20").exit_code == 0
    by_member = statuses(settled)
    assert [by_member[i] for i in (1, 3, 2, 4)] == [
        ("collected", 10),
        ("in_grace", 5),
        ("in_grace", 0),
        ("in_grace", 4),
    ]
    by_day = {str(r["posted_on"])[-2:]: r["amount_fen"] for r in settled.rows("ledger/journal", reason="collected")}
    assert by_day == {"14": 10 + 60, "16": 5, "18": 4}
    assert settled.run("collect", *words, "--as-of", "2020-12-26").exit_code == 0
    assert sorted(row["member_id"] for row in settled.rows("settled/lapses")) == [2, 3, 4]
    posted = posted_fen(settled, "critical_illness")
    # Of the 21 fen written off 2 are fee, the rest of 7 (see below); the platform pays in the other 19.
    assert posted == {
        ("cash", "members_receivable"): 79, ("fee_accrued", "members_receivable"): 2,
        ("bad_debt", "members_receivable"): 5 + 10 + 6 - 2, ("cash", "platform_funding"): 19,
    }  # fmt: skip
    (fee,) = settled.rows("ledger/fee")
    assert (fee["received_fen"], fee["written_off_fen"]) == (5, 2), "7 x 79 / 100 = 5.53, rounded down"


def test_a_plan_settled_after_the_others_were_closed_gets_their_unapplied_cash(closed):
    """Payer 1 paid 45 for 30 owed. A second plan, settled late, charges 10 each to 1, 4 and 21; 21 is helped."""
    late = "senior_cancer"
    closed.write("source/members", [member(i, late) for i in (1, 4, 21)], mode="append")
    closed.write("source/approved_claims", [claim(9, 21, late, approved_aid_fen=27)], mode="append")
    # 27 and a fee of 2 (2.16): 29 over three is 10 each, and 1 is carried.
    assert closed.settle().document["plans"][late]["pool"]["due_fen"] == 30
    closed.write("source/receipts", [receipt(20, 4, 10, date(2020, 12, 20))], mode="append")
    before = closed.rows("settled/collections", plan_id="critical_illness")
    ended = collect(closed, "2020-12-28")
    assert ended.exit_code == 0, ended.err
    late_rows = closed.rows("settled/collections", plan_id=late)
    assert {r["member_id"]: (r["status"], r["collected_fen"]) for r in late_rows} == {
        1: ("collected", 10),
        4: ("collected", 10),
        21: ("netted", 10),
    }
    assert closed.rows("settled/collections", plan_id="critical_illness") == before
    (row,) = closed.rows("control/quarantine_receipts")
    assert (row["receipt_id"], row["amount_fen"], row["amount_at_stake_fen"]) == (1, 45, 5)
    # Receipts: 45 + 70 + 10. The closed books hold 115, of which 15 in suspense; the late plan takes over those 15 and
    # receives 10 more.
    assert posted_fen(closed, "critical_illness") == {("cash", "members_receivable"): 100, ("cash", "suspense"): 15}
    assert posted_fen(closed, late) == {
        ("cash", "members_receivable"): 20, ("cash", "suspense"): 5, ("suspense", "cash"): 15,
        ("benefits_payable", "members_receivable"): 10,
    }  # fmt: skip
    assert collect(closed, "2020-12-28").document["state"] == "nothing new"
    assert closed.run("close", "--period", PERIOD, "--as-of", "2020-12-28").exit_code == 0
    assert collect(closed, "2020-12-28").document["state"] == "nothing new"
    suspense = [r["carried_forward_fen"] for r in closed.rows("ledger/balances", account="suspense")]
    assert sorted(suspense) == [-15, 10], "5 fen are owed to payer 1 by both books together"


def test_missing_receipts_of_closed_books_are_refused(closed):
    closed.write("source/members", [member(i, "senior_cancer") for i in (1, 21)], mode="append")
    assert closed.settle().exit_code == 0
    closed.write("source/receipts", [receipt(i, i, 10) for i in range(5, 11)])
    refused = collect(closed, "2020-12-26")
    assert (refused.exit_code, "(40 fen are missing)" in refused.err) == (4, True), refused.err
    # Shares of 100 fen were collected: 30 from payer 1 and 10 from payer 4, whose receipts are gone; 60 remain.


def test_a_lapse_that_a_later_settlement_used_is_final(settled):
    paid = [receipt(i, i, 10) for i in range(5, 11)]
    settled.write("source/receipts", paid)
    assert collect(settled, "2020-12-26").exit_code == 0
    assert settled.settle(NEXT).exit_code == 0
    # P2 was settled before the lapse was known: a timely receipt that is loaded only now still counts.
    late = [receipt(20, 1, 30, date(2020, 12, 20))]
    settled.write("source/receipts", [*paid, *late])
    assert collect(settled, "2020-12-27").exit_code == 0
    assert statuses(settled)[1] == ("collected", 10) and statuses(settled)[4] == ("lapsed", 0)
    assert settled.settle("2021-01-P1").document["plans"]["critical_illness"]["pool"]["covered_count"] == 9
    settled.write("source/receipts", [*paid, *late, receipt(21, 4, 10, date(2020, 12, 21))])
    ended = collect(settled, "2021-01-08")
    assert ended.exit_code == 0, ended.err
    assert statuses(settled)[4] == ("lapsed", 0) and len(statuses(settled)) == 10
    assert held(settled) == {(21, 10, "receipt_after_lapse")}
    posted = posted_fen(settled, "critical_illness")
    assert posted == {
        ("cash", "members_receivable"): 90,
        ("cash", "suspense"): 10,
        # Fee received: 7 x 90 / 100 = 6.3, rounded down; the other 1 is written off with the due of 10.
        ("fee_accrued", "members_receivable"): 1,
        ("bad_debt", "members_receivable"): 10 - 1,
        ("cash", "platform_funding"): 9,
    }
    assert settled.settle("2021-01-P1").document["state"] == "already settled"
    assert collect(settled, "2021-01-08").document["state"] == "nothing new"


def test_a_lapse_that_no_later_settlement_used_is_reversed_by_timely_receipts(settled):
    """All later periods are settled early, with all members; then some receipts are loaded, then all of them."""
    for period in (NEXT, "2021-01-P1"):
        assert settled.settle(period).document["plans"]["critical_illness"]["pool"]["covered_count"] == 10
    paid = [receipt(1, 1, 30), *(receipt(i, i, 10) for i in range(4, 11))]
    settled.write("source/receipts", paid[:1])
    assert collect(settled, "2021-01-08").exit_code == 0
    assert statuses(settled)[4] == ("lapsed", 0)
    settled.write("source/receipts", paid)
    assert collect(settled, "2021-01-08").exit_code == 0
    assert set(statuses(settled).values()) == {("collected", 10)}
    assert settled.rows("settled/lapses") == []
    assert not settled.exists("control/quarantine_receipts"), "nothing was ever held"


def test_a_period_with_uncollected_receipts_is_not_closed(settled):
    paid = [receipt(1, 1, 30), *(receipt(i, i, 10) for i in range(5, 11))]
    settled.write("source/receipts", paid)
    assert collect(settled, "2020-12-26").exit_code == 0
    close = lambda day: settled.run("close", "--period", PERIOD, "--as-of", day)  # noqa: E731
    settled.write("source/receipts", [*paid, receipt(4, 4, 10, date(2020, 12, 25))])
    refused = close("2020-12-26")
    assert (refused.exit_code, "have changed" in refused.err) == (4, True), refused.err
    assert "fentan collect --period 2020-12-P1 --as-of 2020-12-26" in refused.err
    # `run` avoids this: it collects again on the last day.
    ended = settled.run("run", "--from", PERIOD, "--to", PERIOD, "--as-of", "2020-12-26")
    assert [(s["job"], s["state"]) for s in ended.document["steps"]] == [("collect", "collected"), ("close", "closed")]
    assert statuses(settled)[4] == ("collected", 10)
