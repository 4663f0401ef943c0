"""The fee of a period: how much of it is sponsored and received, and its row of the ledger, computed from transfers."""

from collections.abc import Mapping

from jobs.ledger.journal import (
    ADJUSTMENTS_RECEIVABLE,
    BENEFITS_PAYABLE,
    FEE_ACCRUED,
    FEE_CORRECTED,
    FEE_INCOME,
    FEE_SPONSORED_CORRECTED,
    MEMBERS_RECEIVABLE,
    POOL,
    SPONSOR_RECEIVABLE,
    SPONSORED_CORRECTED,
    TAKEN_BACK,
    Transfer,
    balance_fen,
    moved_fen,
    net_moved_fen,
)
from jobs.money import pro_rata
from schemas.codes import COST_CATEGORIES

FEE_CORRECTIONS = (FEE_CORRECTED, TAKEN_BACK)  # transfers from pool to fee_accrued that are no fee of the period


def fee_row(transfers: list[Transfer], brought_forward_fen: int) -> dict:
    """The row of ledger/fee after the given transfers. One row per period and plan.

    `transfers`: all of the period's. `brought_forward_fen`: the credit balance of `pool` before its settlement, so with
    the corrections posted into the period. accrued = received + sponsored + outstanding + written off. The sponsored
    part is known from the settlement on; the written-off part is the fee in dues that were written off, less what aid
    or a correction took back later. With corrections of earlier periods any part can be below zero.
    """
    own_fee_fen = moved_fen([t for t in transfers if t.reason not in FEE_CORRECTIONS], POOL, FEE_ACCRUED)
    due_fen = moved_fen(transfers, MEMBERS_RECEIVABLE, POOL)
    own = [t for t in transfers if t.reason != SPONSORED_CORRECTED]
    sponsored_fen = sponsored_part_fen(
        own_fee_fen, moved_fen(own, SPONSOR_RECEIVABLE, POOL), due_fen, brought_forward_fen
    )
    accrued_fen = own_fee_fen + corrected_fee_fen(transfers)
    sponsored_fen += _corrected_fen(transfers, FEE_SPONSORED_CORRECTED, FEE_ACCRUED, SPONSOR_RECEIVABLE)
    received_fen = net_moved_fen(transfers, FEE_ACCRUED, FEE_INCOME)
    written_off_fen = sum(net_moved_fen(transfers, FEE_ACCRUED, a) for a in (MEMBERS_RECEIVABLE, BENEFITS_PAYABLE))
    written_off_fen -= sum(
        _corrected_fen(transfers, TAKEN_BACK, a, FEE_ACCRUED) for a in (POOL, ADJUSTMENTS_RECEIVABLE)
    )
    used_fen = {category: moved_fen(transfers, debit_account=f"use_{category}") for category in COST_CATEGORIES}
    return {
        "accrued_fen": accrued_fen,
        "sponsored_fen": sponsored_fen,
        "received_fen": received_fen,
        "outstanding_fen": accrued_fen - sponsored_fen - received_fen - written_off_fen,
        "written_off_fen": written_off_fen,
        **{f"used_{category}_fen": fen for category, fen in used_fen.items()},
        "result_fen": received_fen - sum(used_fen.values()),
    }


def corrected_fee_fen(transfers: list[Transfer]) -> int:
    """The fee that corrections of earlier periods accrued."""
    return _corrected_fen(transfers, FEE_CORRECTED, POOL, FEE_ACCRUED)


def _corrected_fen(transfers: list[Transfer], reason: str, debit_account: str, credit_account: str) -> int:
    return net_moved_fen([t for t in transfers if t.reason == reason], debit_account, credit_account)


def fee_received_fen(pool: Mapping[str, int], received_fen: int) -> int:
    """The part of the fee earned once `received_fen` of the dues are met, by cash or set-off.

    fee x (sponsored + brought forward + received) / (due + sponsored + brought forward), rounded down, less the
    sponsored part; never below zero. Where the divisor is not positive, everything that is not sponsored is earned at
    once. Source: the fee is income only when it is received.
    """
    fee_fen, sponsored_fen = pool["fee_fen"], sponsored_fen_of(pool)
    available_fen = sponsored_fen + pool["brought_forward_fen"] + received_fen
    total_fen = sponsored_fen + pool["brought_forward_fen"] + pool["due_fen"]
    available_fee_fen = pro_rata(fee_fen, available_fen, total_fen) if total_fen > 0 else fee_fen
    return max(available_fee_fen - sponsored_fee_fen(pool), 0)


def sponsored_fen_of(pool: Mapping[str, int]) -> int:
    """What the platform sponsors of a pool. `pool`: columns of settled/pools."""
    return pool["case_sponsored_fen"] + pool["member_sponsored_fen"]


def sponsored_fee_fen(pool: Mapping[str, int]) -> int:
    """The sponsored part of a pool's fee. `pool`: columns of settled/pools."""
    return sponsored_part_fen(pool["fee_fen"], sponsored_fen_of(pool), pool["due_fen"], pool["brought_forward_fen"])


def sponsored_part_fen(fee_fen: int, sponsored_fen: int, due_fen: int, brought_forward_fen: int) -> int:
    """The sponsored part of a fee: fee x sponsored / (due + sponsored + brought forward), rounded down."""
    return pro_rata(fee_fen, sponsored_fen, due_fen + sponsored_fen + brought_forward_fen)


def pool_balance_after_fen(transfers: list[Transfer], brought_forward_fen: int) -> int:
    """The credit balance of `pool` after the transfers; in consistent books, the residual carried forward."""
    return brought_forward_fen - balance_fen(transfers, POOL)
