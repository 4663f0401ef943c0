"""The fee ledger of a period: accrued, borne by the platform, received, outstanding. From the journal alone."""

from jobs.ledger.journal import (
    FEE_ACCRUED,
    FEE_INCOME,
    GIVEN_UP,
    MEMBERS_RECEIVABLE,
    POOL,
    SPONSOR_RECEIVABLE,
    USES,
    Transfer,
    balance_fen,
    moved_fen,
)
from jobs.money import pro_rata


def fee_row(transfers: list[Transfer], brought_forward_fen: int) -> dict:
    """The row of ledger/fee as the transfers of the period leave it. One row per period and plan; amounts in fen.

    `brought_forward_fen` is the credit balance of `pool` before the period's transfers. What is neither
    sponsored nor received is outstanding while members still owe, and written off once their dues are given up.
    accrued = received + sponsored + outstanding + written off.
    """
    accrued_fen = moved_fen(transfers, credit_account=FEE_ACCRUED)
    due_fen = moved_fen(transfers, MEMBERS_RECEIVABLE, POOL)
    borne_fen = moved_fen(transfers, debit_account=SPONSOR_RECEIVABLE)
    sponsored_fen = sponsored_part_fen(accrued_fen, borne_fen, due_fen, brought_forward_fen)
    received_fen = moved_fen(transfers, credit_account=FEE_INCOME)
    rest_fen = accrued_fen - sponsored_fen - received_fen
    is_given_up = any(transfer.reason == GIVEN_UP for transfer in transfers)
    used_fen = {category: moved_fen(transfers, debit_account=f"use_{category}") for category in USES}
    return {
        "accrued_fen": accrued_fen,
        "sponsored_fen": sponsored_fen,
        "received_fen": received_fen,
        "outstanding_fen": 0 if is_given_up else rest_fen,
        "written_off_fen": rest_fen if is_given_up else 0,
        **{f"used_{category}_fen": fen for category, fen in used_fen.items()},
        "result_fen": received_fen - sum(used_fen.values()),
    }


def sponsored_part_fen(fee_fen: int, sponsored_fen: int, due_fen: int, brought_forward_fen: int) -> int:
    """The part of a fee that goes with sponsored money: fee x sponsored / (due + sponsored + brought forward), rounded
    down."""
    return pro_rata(fee_fen, sponsored_fen, due_fen + sponsored_fen + brought_forward_fen)


def pool_balance_after_fen(transfers: list[Transfer], brought_forward_fen: int) -> int:
    """The credit balance of `pool` after the transfers: it must be what is carried forward."""
    return brought_forward_fen - balance_fen(transfers, POOL)
