"""The fee ledger of a period, computed from its transfers: fee accrued, sponsored, received, outstanding, used."""

from jobs.ledger.journal import (
    FEE_ACCRUED,
    FEE_INCOME,
    GIVEN_UP,
    MEMBERS_RECEIVABLE,
    POOL,
    SPONSOR_RECEIVABLE,
    Transfer,
    balance_fen,
    moved_fen,
    net_moved_fen,
)
from jobs.money import pro_rata
from schemas.codes import COST_CATEGORIES


def fee_row(transfers: list[Transfer], brought_forward_fen: int) -> dict:
    """The row of ledger/fee after the given transfers. One row per period and plan.

    `transfers`: all of the period's. `brought_forward_fen`: the credit balance of `pool` before them.
    accrued = received + sponsored + outstanding + written off: the rest that is neither received nor sponsored is
    outstanding until unpaid dues are written off, and is then written off with them.
    """
    accrued_fen = moved_fen(transfers, credit_account=FEE_ACCRUED)
    due_fen = moved_fen(transfers, MEMBERS_RECEIVABLE, POOL)
    sponsored_money_fen = moved_fen(transfers, debit_account=SPONSOR_RECEIVABLE)
    sponsored_fen = sponsored_part_fen(accrued_fen, sponsored_money_fen, due_fen, brought_forward_fen)
    received_fen = net_moved_fen(transfers, FEE_ACCRUED, FEE_INCOME)
    rest_fen = accrued_fen - sponsored_fen - received_fen
    is_written_off = any(transfer.reason == GIVEN_UP for transfer in transfers)
    used_fen = {category: moved_fen(transfers, debit_account=f"use_{category}") for category in COST_CATEGORIES}
    return {
        "accrued_fen": accrued_fen,
        "sponsored_fen": sponsored_fen,
        "received_fen": received_fen,
        "outstanding_fen": 0 if is_written_off else rest_fen,
        "written_off_fen": rest_fen if is_written_off else 0,
        **{f"used_{category}_fen": fen for category, fen in used_fen.items()},
        "result_fen": received_fen - sum(used_fen.values()),
    }


def sponsored_part_fen(fee_fen: int, sponsored_fen: int, due_fen: int, brought_forward_fen: int) -> int:
    """The sponsored part of a fee: fee x sponsored / (due + sponsored + brought forward), rounded down."""
    return pro_rata(fee_fen, sponsored_fen, due_fen + sponsored_fen + brought_forward_fen)


def pool_balance_after_fen(transfers: list[Transfer], brought_forward_fen: int) -> int:
    """The credit balance of `pool` after the transfers; in consistent books, the residual carried forward."""
    return brought_forward_fen - balance_fen(transfers, POOL)
