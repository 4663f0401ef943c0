"""The close of a period's books: balances carried forward, and the checks before a period is closed."""

from collections.abc import Mapping

from jobs.collection.set_off_and_lapse import LAPSED, NETTED
from jobs.ledger.fee import pool_balance_after_fen
from jobs.ledger.invariants import mismatch
from jobs.ledger.journal import (
    ADDITIONAL_DUE_GIVEN_UP,
    BENEFITS_PAYABLE,
    CASH,
    FEE_ACCRUED,
    GIVEN_UP,
    MEMBERS_RECEIVABLE,
    NETTED_FROM_NEXT,
    POOL,
    TAKEN_BACK,
    Transfer,
    balance_fen,
    moved_fen,
    moved_for_fen,
    net_moved_fen,
)


def balance_rows(transfers: list[Transfer], accounts: list[str], brought_forward_fen: Mapping[str, int]) -> list[dict]:
    """The rows of ledger/balances for one plan. One row per account of the chart (conf: accounts.yaml).

    `brought_forward_fen`: by account, the balance at the previous close; missing means 0. Balances are debit positive.
    """
    rows = []
    for account in accounts:
        debit_fen = moved_fen(transfers, debit_account=account)
        credit_fen = moved_fen(transfers, credit_account=account)
        opening_fen = brought_forward_fen.get(account, 0)
        rows.append(
            {
                "account": account,
                "brought_forward_fen": opening_fen,
                "debit_fen": debit_fen,
                "credit_fen": credit_fen,
                "carried_forward_fen": opening_fen + debit_fen - credit_fen,
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
    """Why one plan's period cannot be closed: one sentence per failed check, with both amounts. Empty: it can.

    `balances`: from `balance_rows`. `pool`: its row of settled/pools. `collected`: by status, (due_fen, collected_fen)
    of settled/collections. `shortfall_borne_by`: the platform's setting of that name. After the grace limit every due
    is collected, set off or written off, so no receivable is left.
    """
    cash_fen = sum(fen for status, (_, fen) in collected.items() if status != NETTED)
    unpaid_fen = sum(due - fen for status, (due, fen) in collected.items() if status == LAPSED)
    unpaid_aid_fen = unpaid_fen - moved_fen(transfers, FEE_ACCRUED, MEMBERS_RECEIVABLE)
    charged_to_pool_fen = unpaid_aid_fen if shortfall_borne_by == "next_period" else 0
    # Write-offs that a later aid took back, and additional dues of corrections that were never paid.
    charged_to_pool_fen -= moved_fen([t for t in transfers if t.reason == TAKEN_BACK], BENEFITS_PAYABLE, POOL)
    charged_to_pool_fen += moved_fen([t for t in transfers if t.reason == ADDITIONAL_DUE_GIVEN_UP], POOL)
    residual_fen = pool["carried_forward_fen"] - charged_to_pool_fen
    # The corrections into the period are among its transfers: they make the difference between the two.
    pool_fen = pool_balance_after_fen(transfers, pool["brought_forward_fen"] - pool["adjusted_fen"])
    trial_fen = sum(row["carried_forward_fen"] for row in balances)
    payable_fen = sum(row["carried_forward_fen"] for row in balances if row["account"] == BENEFITS_PAYABLE)
    chart = {row["account"] for row in balances}
    outside_chart = {account for t in transfers for account in (t.debit_account, t.credit_account)} - chart
    set_off_next_fen = moved_for_fen(transfers, NETTED_FROM_NEXT)
    written_off_fen = moved_for_fen(transfers, GIVEN_UP)
    return [
        *[f"account {account} is not in the chart of accounts" for account in sorted(outside_chart)],
        *mismatch("the trial balance", trial_fen, "balanced books", 0),
        *mismatch("members_receivable", balance_fen(transfers, MEMBERS_RECEIVABLE), "receivable after a close", 0),
        *mismatch("benefits_payable", payable_fen, "arrears set off from the next period's aid", set_off_next_fen),
        *mismatch("cash from members", net_moved_fen(transfers, CASH, MEMBERS_RECEIVABLE), "collected dues", cash_fen),
        *mismatch("dues written off", written_off_fen, "dues of lapsed members", unpaid_fen),
        *mismatch("the credit balance of pool", pool_fen, "the residual carried forward", residual_fen),
    ]
