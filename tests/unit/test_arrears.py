"""Earlier arrears are set off from later aid once, to the fen; the money goes to the party that bore the write-off."""

from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.collection.beneficiary_arrears import arrears_after, periods_read, taken_from
from jobs.collection.days import CollectionDays
from jobs.ledger.arrears_postings import WriteOff, taken_back_transfers, write_off_of
from jobs.ledger.collection_postings import CollectionTotals, ReturnedTotals, collection_transfers
from jobs.ledger.journal import Transfer, balance_fen, moved_fen

NAMES = ("2020-12-P1", "2020-12-P2", "2021-01-P1")
LIMITS = {name: date(2020, 12, 26) + timedelta(days=16 * number) for number, name in enumerate(NAMES)}
DAYS = CollectionDays(date(2020, 12, 7), date(2020, 12, 14), date(2020, 12, 26), date(2020, 12, 31))
POOL = {"fee_fen": 7, "due_fen": 100, "brought_forward_fen": 0, "case_sponsored_fen": 0, "member_sponsored_fen": 0,
        "benefit_fen": 90}  # fmt: skip


def lapsed(due_fen, set_off_fen=0, name=NAMES[0]):
    on = LIMITS[name] if set_off_fen else None
    return {"due_fen": due_fen, "collected_fen": set_off_fen, "collected_on": on, "status": "lapsed"}


@pytest.mark.parametrize("rows, aid_fen, owed_fen", [
    ({NAMES[0]: lapsed(10)}, {}, {NAMES[0]: 10}),
    ({NAMES[0]: lapsed(10)}, {NAMES[1]: 300}, {}),
    ({NAMES[0]: lapsed(10)}, {NAMES[1]: 4}, {NAMES[0]: 6}),
    ({NAMES[0]: lapsed(10), NAMES[1]: lapsed(7, 4, NAMES[1])}, {NAMES[1]: 4}, {NAMES[0]: 10, NAMES[1]: 3}),
    # The first period already set off 6 from the aid of the second: those 6 are not paid again.
    ({NAMES[0]: lapsed(10, 6)}, {NAMES[1]: 6}, {NAMES[0]: 4}),
    ({NAMES[0]: lapsed(10), NAMES[1]: lapsed(7)}, {NAMES[2]: 12}, {NAMES[1]: 5}),
])  # fmt: skip
def test_arrears_owed_are_the_due_less_all_payments(rows, aid_fen, owed_fen):
    assert arrears_after(NAMES, rows, aid_fen, LIMITS) == owed_fen


def test_the_periods_read_are_enough():
    """Each of three periods without a row, or with one lapsed or netted, with or without a set-off; each with aid or
    without: 5 x 5 x 5 x 2 x 2 x 2 histories."""
    choices = [None, *product(("lapsed", "netted"), (0, 6))]
    for chosen, aided in product(product(choices, repeat=3), product((0, 8), repeat=3)):
        rows = {
            name: {**lapsed(10, choice[1], name), "status": choice[0]}
            for name, choice in zip(NAMES, chosen, strict=True)
            if choice is not None
        }
        aid_fen = {name: fen for name, fen in zip(NAMES, aided, strict=True) if fen}
        lapsed_in = [name for name, row in rows.items() if row["status"] == "lapsed"]
        read = {name: row for name, row in rows.items() if name in periods_read(NAMES, lapsed_in, aid_fen)}
        assert arrears_after(NAMES, read, aid_fen, LIMITS) == arrears_after(NAMES, rows, aid_fen, LIMITS)


def test_aid_pays_the_oldest_arrears_first():
    assert taken_from(12, {"a": 10, "b": 7}) == {"a": 10, "b": 2}
    assert taken_from(0, {"a": 10}) == taken_from(-3, {"a": 10}) == {}


@given(st.integers(0, 50), st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_partial_reversals_of_a_write_off_add_up_to_it(fee_fen, parts_fen):
    due_fen = sum(parts_fen)
    posted = [
        Transfer("fee_accrued", "members_receivable", min(fee_fen, due_fen), "given_up", ""),
        Transfer("bad_debt", "members_receivable", due_fen - min(fee_fen, due_fen), "given_up", ""),
        Transfer("cash", "platform_funding", due_fen - min(fee_fen, due_fen), "funding", ""),
    ]
    later = []
    for part_fen in parts_fen:
        write_off = write_off_of("P", posted, later)
        later += taken_back_transfers({"P": part_fen}, {"P": write_off}, "platform")
    assert moved_fen(later, debit_account="benefits_payable") == due_fen
    for account in ("bad_debt", "platform_funding"):
        assert balance_fen([*posted, *later], account) == 0
    assert -balance_fen(later, "fee_income") == min(fee_fen, due_fen)


def test_a_write_off_borne_by_the_next_period_is_reversed_to_its_pool():
    transfers = taken_back_transfers({"P": 10}, {"P": WriteOff(10, 1, 0)}, "next_period")
    assert {t[:3] for t in transfers} == {
        ("benefits_payable", "fee_accrued", 1), ("benefits_payable", "pool", 9), ("fee_accrued", "fee_income", 1),
    }  # fmt: skip


def test_returned_money_leaves_no_fee_received():
    """Ten members owe 10 each: 100 came on the 14th, 50 of it was returned, on the 16th and after the grace limit."""
    on = lambda day: date(2020, 12, day)  # noqa: E731
    returned = ReturnedTotals({on(14): 50}, {on(16): 20, on(28): 30}, {on(15): 4}, {on(17): 4})
    totals = CollectionTotals(collected_fen={on(14): 50}, written_off_fen=50, returned=returned)
    posted = collection_transfers(POOL, totals, DAYS, "platform")
    transfers = [transfer for _, transfer in posted]
    income = {day.day: t.amount_fen for day, t in posted if t.debit_account == "fee_income"}
    assert income == {16: 2, 26: 2}, "7 x 80 / 100 = 5.6 and 7 x 50 / 100 = 3.5, rounded down"
    assert balance_fen(transfers, "fee_income") == -3 and balance_fen(transfers, "suspense") == 0
    assert balance_fen(transfers, "members_receivable") == -100
    assert balance_fen(transfers, "fee_accrued") == 7
