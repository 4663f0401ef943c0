"""The balances of a period that is closed: what every account carries forward, and what must hold."""

from collections.abc import Mapping

from jobs.collection.allocation import LAPSED, NETTED
from jobs.ledger.fee import pool_balance_after_fen
from jobs.ledger.invariants import differ
from jobs.ledger.journal import (
    BENEFITS_PAYABLE,
    CASH,
    GIVEN_UP,
    MEMBERS_RECEIVABLE,
    NETTED_FROM_NEXT,
    Transfer,
    balance_fen,
    moved_fen,
    moved_for_fen,
)


def balance_rows(transfers: list[Transfer], accounts: list[str], brought_forward_fen: Mapping[str, int]) -> list[dict]:
    """The rows of ledger/balances of one plan. One row per account of the chart; balances debit positive, in fen."""
    rows = []
    for account in accounts:
        debit_fen, credit_fen = (
            moved_fen(transfers, debit_account=account),
            moved_fen(transfers, credit_account=account),
        )
        brought_fen = brought_forward_fen.get(account, 0)
        rows.append(
            {
                "account": account,
                "brought_forward_fen": brought_fen,
                "debit_fen": debit_fen,
                "credit_fen": credit_fen,
                "carried_forward_fen": brought_fen + debit_fen - credit_fen,
            }
        )
    return rows


def closing_breaches(
    transfers: list[Transfer],
    balances: list[dict],
    pool: Mapping[str, int],
    collected: Mapping[str, tuple[int, int]],
    shortfall_borne_by: str,
) -> list[str]:
    """Every reason why one plan's period cannot be closed, as a sentence with the arithmetic.

    `collected`: dues and money by status, from settled/collections.
    """
    money_fen = sum(fen for status, (_, fen) in collected.items() if status != NETTED)
    given_up_fen = sum(due - fen for status, (due, fen) in collected.items() if status == LAPSED)
    borne_fen = given_up_fen if shortfall_borne_by == "next_period" else 0
    pool_fen = pool_balance_after_fen(transfers, pool["brought_forward_fen"])
    payable_fen = sum(row["carried_forward_fen"] for row in balances if row["account"] == BENEFITS_PAYABLE)
    known = {row["account"] for row in balances}
    unknown = {account for t in transfers for account in (t.debit_account, t.credit_account)} - known
    return [
        *[f"account {account} is not in the chart of accounts" for account in sorted(unknown)],
        *differ("the trial balance", sum(row["carried_forward_fen"] for row in balances), "nothing", 0),
        *differ("members_receivable", balance_fen(transfers, MEMBERS_RECEIVABLE), "nothing", 0),
        *differ(
            "benefits_payable",
            payable_fen,
            "what was netted from the next period's aid",
            moved_for_fen(transfers, NETTED_FROM_NEXT),
        ),
        *differ("cash from members", moved_fen(transfers, CASH, MEMBERS_RECEIVABLE), "what was collected", money_fen),
        *differ("dues given up", moved_for_fen(transfers, GIVEN_UP), "what lapsed members owe", given_up_fen),
        *differ(
            "the credit balance of pool", pool_fen, "what is carried forward", pool["carried_forward_fen"] - borne_fen
        ),
    ]
