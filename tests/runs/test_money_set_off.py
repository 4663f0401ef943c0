"""Set-off of arrears from aid: only from the member's own aid, and never more than the aid."""

from collections import Counter
from datetime import date

from tests.collected import collect, statuses
from tests.lakes import PERIOD, claim, member, receipt

NEXT = "2020-12-P2"


def aid_paid_fen(lake, period=PERIOD):
    return sum(r["amount_fen"] for r in lake.rows("ledger/journal", period, job="collect", reason="aid_paid"))


def test_arrears_are_set_off_per_member_up_to_the_aid(lake):
    """Aids of 999 for 1, who pays, and of 5 for 2, who owes his share of 11.

    1,004 + 80 of fee, of which 979 are above the cap of 10 per member for the case of 1: 105 over ten are 11 each.
    """
    lake.load([member(i) for i in range(1, 11)], [claim(1, 1, approved_aid_fen=999), claim(2, 2, approved_aid_fen=5)])
    due_fen = lake.settle().document["plans"]["critical_illness"]["pool"]["due_fen"] // 10
    lake.write("source/receipts", [receipt(i, i, due_fen) for i in (1, *range(3, 11))])
    ended = collect(lake, "2020-12-14")
    assert ended.exit_code == 0, ended.err
    assert aid_paid_fen(lake) == 999
    ended = collect(lake, "2020-12-26")
    assert ended.exit_code == 0, ended.err
    assert statuses(lake)[2] == ("lapsed", 5) and statuses(lake)[1] == ("collected", due_fen)
    assert aid_paid_fen(lake) == 999
    journal = lake.rows("ledger/journal", job="collect")
    moved = Counter()
    for r in journal:
        if r["credit_account"] == "members_receivable":
            moved[r["reason"]] += r["amount_fen"]
    assert moved == {"collected": 9 * 11, "netted": 5, "given_up": 6} and due_fen == 11
    assert [r["member_id"] for r in lake.rows("settled/lapses")] == [2]
    closed = lake.run("close", "--period", PERIOD, "--as-of", "2020-12-26")
    assert closed.exit_code == 0, closed.err
    balances = {r["account"]: r["carried_forward_fen"] for r in lake.rows("ledger/balances")}
    assert balances["benefits_payable"] == 0 and balances["members_receivable"] == 0


def test_arrears_are_set_off_from_the_next_period_s_aid_up_to_its_amount(settled):
    """4 owes 10 of P1 when his aid of 6 is public in P2: 6 are set off, 4 are written off, and P2 pays him nothing."""
    more = {**claim(2, 4, approved_aid_fen=6), "publicity_period": NEXT}
    settled.write("source/approved_claims", [more], mode="append")
    settled.write("source/receipts", [receipt(i, i, 30 if i == 1 else 10) for i in (1, *range(5, 11))])
    assert settled.settle(NEXT).exit_code == 0
    ended = collect(settled, "2020-12-26")
    assert ended.exit_code == 0, ended.err
    assert statuses(settled)[4] == ("lapsed", 6)
    shares = {r["payer_id"]: r["due_fen"] for r in settled.rows("settled/bills", NEXT)}
    paid = [receipt(50 + i, i, fen, date(2020, 12, 28), NEXT) for i, fen in shares.items() if i != 4 and fen]
    settled.write("source/receipts", paid, mode="append")
    ended = collect(settled, "2021-01-12", NEXT)
    assert ended.exit_code == 0, ended.err
    assert aid_paid_fen(settled, NEXT) == 0
    for period in (PERIOD, NEXT):
        ended = settled.run("close", "--period", period, "--as-of", "2021-01-12")
        assert ended.exit_code == 0, ended.err


def test_written_off_arrears_are_set_off_from_later_aid(settled):
    """4 lapses for 10 of P1 (fee part 1) and is helped with 300 in January: 290 are paid, 10 are set off."""
    january = "2021-01-P1"
    more = {**claim(2, 4, approved_aid_fen=300), "publicity_period": january}
    settled.write("source/approved_claims", [more], mode="append")
    settled.write("source/receipts", [receipt(i, i, 30 if i == 1 else 10) for i in (1, *range(5, 11))])
    assert collect(settled, "2020-12-26").exit_code == 0
    assert statuses(settled)[4] == ("lapsed", 0)
    for period in (NEXT, january):
        ended = settled.settle(period)
        assert ended.exit_code == 0, ended.err
    dues = {r["payer_id"]: r["due_fen"] for r in settled.rows("settled/bills", january)}
    assert 4 not in dues
    on = date(2021, 1, 14)
    settled.write("source/receipts", [receipt(100 + i, i, fen, on, january) for i, fen in dues.items()], mode="append")
    ended = collect(settled, "2021-01-14", january)
    assert ended.exit_code == 0, ended.err
    assert aid_paid_fen(settled, january) == 290
    moved = {
        (r["debit_account"], r["credit_account"]): r["amount_fen"]
        for r in settled.rows("ledger/journal", january, job="collect")
        if r["reference"] == "arrears of 2020-12-P1"
    }
    assert moved == {
        ("benefits_payable", "fee_accrued"): 1, ("benefits_payable", "bad_debt"): 9, ("fee_accrued", "fee_income"): 1,
        ("platform_funding", "cash"): 9,
    }  # fmt: skip
    assert collect(settled, "2021-01-14", january).document["state"] == "nothing new"
    for period, day in ((PERIOD, "2020-12-26"), (NEXT, "2021-01-12"), (january, "2021-01-26")):
        assert collect(settled, day, period).exit_code == 0
        ended = settled.run("close", "--period", period, "--as-of", day)
        assert ended.exit_code == 0, ended.err
    balances = {r["account"]: r["carried_forward_fen"] for r in settled.rows("ledger/balances", january)}
    assert balances["bad_debt"] == balances["platform_funding"] == balances["benefits_payable"] == 0
