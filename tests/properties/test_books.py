"""The books of a plan over random periods: every identity of its accounts holds after each close, to the fen."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.collection.days import CollectionDays
from jobs.ledger.balances import balance_rows, closing_breaches
from jobs.ledger.collection_postings import CollectionTotals, collection_transfers
from jobs.ledger.fee import fee_row
from jobs.ledger.fee_expenditure import expenditure_transfers
from jobs.ledger.identities import IDENTITIES, closed_books, identity_breaches
from jobs.ledger.journal import Transfer, settlement_transfers
from jobs.rulebook import load_platform
from tests.properties.test_ledger import TERMS, settled_pool

PUBLICITY, DEDUCTION, GRACE = date(2020, 12, 7), date(2020, 12, 14), date(2020, 12, 26)
ACCOUNTS = [account.account for account in load_platform("xianghubao").accounts]
COSTS = ("investigation", "technology", "staff_and_premises")
SMALL = {"benefit_fen": st.integers(0, 300), "covered": st.fixed_dictionaries({"standard": st.integers(1, 90)})}
PPM = st.one_of(st.just(0), st.just(1_000_000), st.integers(0, 1_000_000))


@st.composite
def terms_of_periods(draw) -> list[dict]:
    """Up to four periods, with large amounts, or amounts so small that rounding and residuals exceed fee and aid."""
    periods = draw(st.lists(TERMS, min_size=1, max_size=4))
    return [terms | {key: draw(small) for key, small in SMALL.items()} if draw(st.booleans()) else terms
            for terms in periods]  # fmt: skip


@dataclass(frozen=True)
class PeriodsAndOutcomes:
    """Periods, and for each its outcome after the settlement as parts of its dues and its aid."""

    periods: list[dict]
    outcomes: list[dict]
    borne_by: str
    on_collected_money: bool


OUTCOMES = st.fixed_dictionaries(
    {
        "paid_ppm": PPM,
        "set_off_ppm": PPM,
        "set_off_next_ppm": PPM,
        "paid_on": st.lists(st.integers(0, 18), min_size=1, max_size=3),
        "suspense_fen": st.dictionaries(st.integers(0, 25), st.integers(1, 10**6), max_size=2),
        "taken_over_fen": st.one_of(st.just(0), st.integers(0, 10**6)),
        "costs": st.fixed_dictionaries({category: st.integers(0, 10**8) for category in COSTS}),
    }
)


@st.composite
def lives(draw) -> PeriodsAndOutcomes:
    periods = draw(terms_of_periods())
    outcomes = [draw(OUTCOMES) for _ in periods]
    return PeriodsAndOutcomes(
        periods, outcomes, draw(st.sampled_from(("platform", "next_period"))), draw(st.booleans())
    )


def collected_of(pool: dict, outcome: dict, set_off_before_fen: int, next_aid_fen: int) -> CollectionTotals:
    """A final collection: each due is paid in cash, set off from aid of this or the next period, or written off."""
    due_fen = pool["due_fen"]
    cash_fen = due_fen * outcome["paid_ppm"] // 1_000_000
    own_aid_fen = pool["benefit_fen"] - set_off_before_fen
    set_off_fen = min(due_fen - cash_fen, own_aid_fen) * outcome["set_off_ppm"] // 1_000_000
    unpaid_fen = due_fen - cash_fen - set_off_fen
    set_off_next_fen = min(unpaid_fen, next_aid_fen) * outcome["set_off_next_ppm"] // 1_000_000
    by_day, left_fen = Counter(), cash_fen
    for day in outcome["paid_on"]:
        part_fen = left_fen // 2
        by_day[PUBLICITY + timedelta(days=day)] += part_fen
        left_fen -= part_fen
    by_day[DEDUCTION] += left_fen
    return CollectionTotals(
        collected_fen={day: fen for day, fen in by_day.items() if fen},
        suspense_fen={PUBLICITY + timedelta(days=day): fen for day, fen in outcome["suspense_fen"].items()},
        helped_due_fen=set_off_fen,
        netted_fen=set_off_fen,
        netted_from_next_fen=set_off_next_fen,
        netted_before_fen=set_off_before_fen,
        written_off_fen=unpaid_fen - set_off_next_fen,
    )


def balances_of(transfers: list[Transfer]) -> Counter:
    """Debit less credit, by account, computed without the code under test."""
    balances = Counter(dict.fromkeys(ACCOUNTS, 0))
    for debit, credit, fen, *_ in transfers:
        assert fen > 0
        balances[debit] += fen
        balances[credit] -= fen
    return balances


def periods_of(life: PeriodsAndOutcomes):
    """Yields for each period: pool, collection totals, transfers of the settlement, and outcome."""
    written_off_later_fen, set_off_before_fen, brought_fen = 0, 0, 0
    for number, (terms, outcome) in enumerate(zip(life.periods, life.outcomes, strict=True)):
        pool = settled_pool(terms, brought_fen)
        next_aid_fen = life.periods[number + 1]["benefit_fen"] if number + 1 < len(life.periods) else 0
        totals = collected_of(pool, outcome, set_off_before_fen, next_aid_fen)
        settled = settlement_transfers(pool)
        brought_fen = pool["carried_forward_fen"] - written_off_later_fen
        set_off_before_fen = totals.netted_from_next_fen
        yield pool, totals, settled, outcome
        charged = collection_transfers(pool, totals, days(GRACE + timedelta(days=9)), life.borne_by)
        # Amounts charged to the pool here are known after the next settlement and count in the one after it.
        written_off_later_fen = sum(t.amount_fen for _, t in charged if t[:2] == ("pool", "members_receivable"))
        if life.on_collected_money:  # less the dues unpaid on the next publicity day
            brought_fen -= totals.written_off_fen // 2


def days(as_of: date) -> CollectionDays:
    return CollectionDays(PUBLICITY, DEDUCTION, GRACE, as_of)


@settings(max_examples=400, deadline=None)
@given(lives())
def test_the_identities_hold_after_every_close(life):
    books, rows, fees = [], [], []
    for pool, totals, settled, outcome in periods_of(life):
        posted = collection_transfers(pool, totals, days(date(2021, 1, 12)), life.borne_by, outcome["taken_over_fen"])
        period = [*settled, *(transfer for _, transfer in posted), *expenditure_transfers(outcome["costs"])]
        brought = {row["account"]: row["carried_forward_fen"] for row in rows}
        rows = balance_rows(period, ACCOUNTS, brought)
        fee = fee_row(period, pool["brought_forward_fen"])
        assert identity_breaches(closed_books(rows, fee, fees)) == []
        cash_fen, unpaid_fen = sum(totals.collected_fen.values()), totals.written_off_fen
        statuses = {"collected": (cash_fen, cash_fen), "lapsed": (unpaid_fen, 0)}
        breaches = closing_breaches(period, rows, pool, statuses, life.borne_by)
        assert [b for b in breaches if not b.startswith("benefits_payable")] == []
        fees.append(fee)
        books += period
        check_plainly(balances_of(books), fees, life.borne_by)


def check_plainly(balance: Counter, fees: list[dict], borne_by: str) -> None:
    """The identities again, written out by account."""
    assert sum(balance.values()) == 0
    outstanding_fen = sum(fee["outstanding_fen"] for fee in fees)
    assert balance["sponsor_receivable"] == balance["members_receivable"] == 0
    assert -balance["fee_accrued"] == outstanding_fen >= 0
    assert -balance["platform_funding"] == balance["bad_debt"] >= 0
    assert borne_by == "platform" or balance["bad_debt"] == 0
    owed = ("benefits_payable", "suspense", "fee_income", "pool")
    assert balance["cash"] == -sum(balance[account] for account in owed) + outstanding_fen
    assert balance["cash"] >= 0 or max(balance["pool"], balance["benefits_payable"], balance["suspense"]) > 0
    assert -balance["fee_income"] + balance["operating_cash"] == sum(fee["result_fen"] for fee in fees)


@settings(max_examples=200, deadline=None)
@given(lives())
def test_every_day_the_fee_is_conserved_and_from_the_deduction_day_the_sponsor_owes_nothing(life):
    for pool, totals, settled, _ in periods_of(life):
        received_fen = 0
        for as_of in (PUBLICITY + timedelta(days=day) for day in range(22)):
            posted = [t for _, t in collection_transfers(pool, totals, days(as_of), life.borne_by)]
            fee = fee_row([*settled, *posted], pool["brought_forward_fen"])
            parts = [fee[f"{part}_fen"] for part in ("received", "sponsored", "outstanding", "written_off")]
            assert sum(parts) == fee["accrued_fen"] == pool["fee_fen"] and min(parts) >= 0
            assert fee["received_fen"] >= received_fen
            assert fee["written_off_fen"] <= totals.written_off_fen
            received_fen = fee["received_fen"]
            balance = balances_of([*settled, *posted])
            if as_of >= DEDUCTION:
                assert balance["sponsor_receivable"] == 0
                assert -balance["fee_accrued"] == fee["outstanding_fen"]


POOL = {
    "benefit_fen": 1_000, "fee_fen": 80, "brought_forward_fen": 20, "case_sponsored_fen": 580,
    "member_sponsored_fen": 0, "due_fen": 480, "carried_forward_fen": 0,
}  # fmt: skip


def closed(borne_by: str = "platform", **changed):
    """480 due + 580 sponsored + 20 brought forward = 1,080, of which 80 are fee; 400 are paid, 80 written off."""
    totals = CollectionTotals(collected_fen={DEDUCTION: 400}, written_off_fen=80)
    posted = collection_transfers(POOL, totals, days(GRACE), borne_by)
    period = [*settlement_transfers(POOL), *(t for _, t in posted), *expenditure_transfers({"technology": 7})]
    opening = {"pool": -20, "cash": 20}
    return closed_books(
        [row | {"carried_forward_fen": row["carried_forward_fen"] + changed.get(row["account"], 0)}
         for row in balance_rows(period, ACCOUNTS, opening)], fee_row(period, 20), [],
    )  # fmt: skip


def test_the_postings_of_one_period_with_sponsor_and_write_off():
    """Fee: sponsored 80 x 580 / 1,080 = 42.96 -> 42; received 80 x 1,000 / 1,080 = 74.07 -> 74 - 42 = 32; 6 are left.

    The platform pays 580 - 42 = 538; of the 80 written off 6 are fee and 74 aid, which the platform pays in.
    Cash: 20 + 400 + 538 + 74 - 1,000 = 32 = the fee received; nothing is carried, for 1,000 + 80 = 480 + 580 + 20.
    """
    books = closed()
    assert {account: fen for account, fen in books.balances_fen.items() if fen} == {
        "cash": 32, "fee_income": -32, "bad_debt": 74, "platform_funding": -74,
        "use_technology": 7, "operating_cash": -7,
    }  # fmt: skip
    parts = ("accrued", "sponsored", "received", "outstanding", "written_off", "result")
    assert [books.fee[f"{part}_fen"] for part in parts] == [80, 42, 32, 0, 6, 25]
    assert identity_breaches(books) == []
    # If the next period bears it, the 74 are charged to the pool: 74 less in cash, and a pool balance of 74.
    later = closed("next_period").balances_fen
    assert (later["cash"], later["pool"], later["bad_debt"], later["platform_funding"]) == (32 - 74, 74, 0, 0)


@pytest.mark.parametrize(("changed", "identities"), [
    ({"fee_accrued": -1}, {"fee_accrued_is_the_outstanding_fee"}),
    ({"sponsor_receivable": 1}, {"sponsor_owes_nothing"}),
    ({"members_receivable": 1}, {"members_owe_nothing"}),
    ({"platform_funding": -1}, {"bad_debt_is_funded"}),
    ({"bad_debt": 1}, {"bad_debt_is_funded"}),
    ({"cash": 1}, {"cash_is_owed_earned_or_carried"}),
    ({"cash": -33}, {"cash_is_owed_earned_or_carried", "cash_below_zero_has_a_cause"}),
    ({"operating_cash": 1}, {"fee_result_is_income_less_costs"}),
])  # fmt: skip
def test_each_identity_names_the_account_with_a_difference_of_one_fen(changed, identities):
    breaches = identity_breaches(closed(**changed))
    assert {breach.split(":")[0] for breach in breaches} == identities
    assert identities <= {identity.__name__ for identity in IDENTITIES}


def test_a_missing_part_of_the_fee_is_reported():
    books = closed()
    books.fee["received_fen"] -= 1
    assert "fee_is_conserved: received + sponsored" in identity_breaches(books)[0]


def test_a_fee_above_all_receipts_is_written_off_up_to_the_due_and_the_rest_stays_outstanding():
    """149 over 100 members, half up, is 1 each: aid 47, fee 4, -98 brought forward; T = 100 - 98 = 2, less than 4."""
    pool = POOL | {"benefit_fen": 47, "fee_fen": 4, "brought_forward_fen": -98, "case_sponsored_fen": 0,
                   "due_fen": 100, "carried_forward_fen": -49}  # fmt: skip
    totals = CollectionTotals(collected_fen={DEDUCTION: 99}, written_off_fen=1)
    posted = collection_transfers(pool, totals, days(GRACE), "platform")
    period = [*settlement_transfers(pool), *(t for _, t in posted)]
    fee = fee_row(period, -98)
    # Received: 4 x (99 - 98) / 2 = 2; of the other 2 the unpaid due of 1 covers 1.
    assert [fee[f"{part}_fen"] for part in ("received", "written_off", "outstanding")] == [2, 1, 1]
    rows = balance_rows(period, ACCOUNTS, {"pool": 98, "cash": -98})
    assert identity_breaches(closed_books(rows, fee, [])) == []
