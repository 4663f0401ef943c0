"""Closing a period: fee expenditure is split to the fen, and every account is checked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.ledger.balances import balance_rows, closing_breaches
from jobs.ledger.fee_expenditure import expenditure_by_plan_fen, to_post_fen
from jobs.ledger.journal import Transfer
from jobs.money import split
from jobs.rulebook import load_platform

names = st.text("abc", min_size=1, max_size=3)


@given(st.integers(0, 10**15), st.dictionaries(names, st.integers(0, 10**12), min_size=1))
def test_a_split_distributes_exactly_the_amount(amount_fen, weights):
    parts = split(amount_fen, weights)
    assert sum(parts.values()) == amount_fen
    assert set(parts) == set(weights)
    assert all(part >= 0 for part in parts.values())


def test_a_split_is_by_weight():
    assert split(100, {"a": 1, "b": 2}) == {"a": 33, "b": 67}
    assert split(7, {"a": 0, "b": 0}) == {"a": 7, "b": 0}


def test_the_periods_of_a_month_use_up_its_costs_to_the_fen():
    parts = [to_post_fen({"technology": 101}, 0, [number], [1, 2], {})["technology"] for number in (1, 2)]
    assert parts == [50, 51]


def test_costs_that_arrive_after_a_close_are_posted_in_the_next_period():
    """P1 was closed with costs of 101 and a visit of 8; then 99 and a visit of 5 arrive, and P2 has a visit of 3."""
    first = to_post_fen({"technology": 101}, 8, [1], [1, 2], {})
    assert first == {"investigation": 8, "technology": 50, "staff_and_premises": 0}
    assert to_post_fen({"technology": 200}, 8 + 5 + 3, [1, 2], [1, 2], first) == {
        "investigation": 8, "technology": 150, "staff_and_premises": 0,
    }  # fmt: skip
    assert to_post_fen({"technology": 101}, 0, [2], [2], {})["technology"] == 101, "the first month has P2 alone"
    assert to_post_fen({"technology": 20}, 0, [1, 2], [1, 2], first)["technology"] == 0, "what is put down stays"


def test_a_plan_closed_later_takes_only_the_costs_not_yet_posted():
    used = expenditure_by_plan_fen({"technology": 50}, {}, {"x": 3, "y": 1})
    assert used == {
        "x": {"investigation": 0, "technology": 37, "staff_and_premises": 0},
        "y": {"investigation": 0, "technology": 13, "staff_and_premises": 0},
    }
    rest = to_post_fen({"technology": 101}, 0, [1], [1, 2], {"technology": 37})
    assert expenditure_by_plan_fen(rest, {}, {"y": 1})["y"]["technology"] == 13


def test_a_visit_is_charged_to_the_plan_of_its_claim_or_else_to_all_plans():
    used = expenditure_by_plan_fen({"investigation": 18}, {"x": 10}, {"x": 1, "y": 1})
    assert {plan_id: amounts["investigation"] for plan_id, amounts in used.items()} == {"x": 14, "y": 4}
    # No more is posted than there is: the rest of the plan's visits is already in other books.
    used = expenditure_by_plan_fen({"investigation": 6}, {"x": 10, "y": 2}, {"x": 1, "y": 1})
    assert {plan_id: amounts["investigation"] for plan_id, amounts in used.items()} == {"x": 5, "y": 1}


SETTLED = [
    Transfer("pool", "benefits_payable", 1_000, "benefits", ""),
    Transfer("pool", "fee_accrued", 80, "fee", ""),
    Transfer("members_receivable", "pool", 1_100, "due", ""),
]
PAID = [
    Transfer("cash", "members_receivable", 1_090, "collected", ""),
    Transfer("bad_debt", "members_receivable", 10, "given_up", ""),
    Transfer("benefits_payable", "cash", 1_000, "aid_paid", ""),
]
POOL = {"brought_forward_fen": 0, "adjusted_fen": 0, "carried_forward_fen": 20}
COLLECTED = {"collected": (1_090, 1_090), "lapsed": (10, 0)}
ACCOUNTS = [account.account for account in load_platform("xianghubao").accounts]


def breaches(transfers, collected=COLLECTED, pool=POOL):
    return closing_breaches(transfers, balance_rows(transfers, ACCOUNTS, {}), pool, collected, "platform")


def test_a_period_whose_books_agree_can_be_closed():
    assert breaches([*SETTLED, *PAID]) == []


@pytest.mark.parametrize("changed, expected", [
    ({"transfers": SETTLED}, [
        "members_receivable: 1,100, but receivable after a close: 0",
        "benefits_payable: -1,000, but arrears set off from the next period's aid: 0",
        "cash from members: 0, but collected dues: 1,090",
        "dues written off: 0, but dues of lapsed members: 10",
    ]),
    ({"collected": {**COLLECTED, "collected": (1_100, 1_100)}},
     ["cash from members: 1,090, but collected dues: 1,100"]),
    ({"collected": {**COLLECTED, "lapsed": (9, 0)}}, ["dues written off: 10, but dues of lapsed members: 9"]),
    ({"pool": {**POOL, "carried_forward_fen": 21}},
     ["the credit balance of pool: 20, but the residual carried forward: 21"]),
    ({"transfers": [*SETTLED, *PAID, Transfer("petty_cash", "pool", 1, "?", "")]}, [
        "account petty_cash is not in the chart of accounts",
        "the trial balance: -1, but balanced books: 0",
        "the credit balance of pool: 21, but the residual carried forward: 20",
    ]),
])  # fmt: skip
def test_each_breach_is_reported_with_its_arithmetic_and_no_other(changed, expected):
    sentences = breaches(**{"transfers": [*SETTLED, *PAID], **changed})
    assert [sentence.split(" (")[0] for sentence in sentences] == expected


def test_balances_roll_forward():
    rows = {row["account"]: row for row in balance_rows(SETTLED, ACCOUNTS, {"pool": -5, "cash": 7})}
    assert rows["pool"] == {
        "account": "pool", "brought_forward_fen": -5, "debit_fen": 1_080, "credit_fen": 1_100,
        "carried_forward_fen": -25,
    }  # fmt: skip
    assert rows["cash"]["carried_forward_fen"] == 7
