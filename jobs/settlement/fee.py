"""The fee ledger of a period: accrued, borne by the platform, received, outstanding. From the journal alone."""

from jobs.settlement.journal import (
    FEE_ACCRUED,
    MEMBERS_RECEIVABLE,
    POOL,
    SPONSOR_RECEIVABLE,
    Transfer,
    balance_fen,
)
from jobs.settlement.money import pro_rata


def fee_row(transfers: list[Transfer], brought_forward_fen: int) -> dict:
    """The row of ledger/fee as it stands at settlement. One row per period and plan; amounts in fen.

    `brought_forward_fen` is the credit balance of `pool` before the period's transfers. The part of the fee that goes
    with sponsored money is fee x sponsored / (due + sponsored + brought forward), rounded down; nothing has been
    received, written off or used yet. accrued = received + sponsored + outstanding + written off.
    """
    accrued_fen = -balance_fen(transfers, FEE_ACCRUED)
    due_fen = balance_fen(transfers, MEMBERS_RECEIVABLE)
    borne_fen = balance_fen(transfers, SPONSOR_RECEIVABLE)
    sponsored_fen = pro_rata(accrued_fen, borne_fen, due_fen + borne_fen + brought_forward_fen)
    return {
        "accrued_fen": accrued_fen,
        "sponsored_fen": sponsored_fen,
        "received_fen": 0,
        "outstanding_fen": accrued_fen - sponsored_fen,
        "written_off_fen": 0,
        "used_investigation_fen": 0,
        "used_technology_fen": 0,
        "used_staff_and_premises_fen": 0,
        "result_fen": 0,
    }


def pool_balance_after_fen(transfers: list[Transfer], brought_forward_fen: int) -> int:
    """The credit balance of `pool` after the transfers: it must be what is carried forward."""
    return brought_forward_fen - balance_fen(transfers, POOL)
