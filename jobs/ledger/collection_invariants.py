"""What must hold after a collection, to the fen, on what was read back of one plan."""

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.collection.allocation import LAPSED, NETTED
from jobs.ledger.invariants import differ
from jobs.ledger.journal import (
    BENEFITS_PAYABLE,
    CASH,
    FEE_ACCRUED,
    MEMBERS_RECEIVABLE,
    NETTED_FROM_NEXT,
    SUSPENSE,
    Transfer,
    balance_fen,
    moved_fen,
    moved_for_fen,
)


@dataclass(frozen=True)
class CollectionReadBack:
    """One plan's period as stored: all its transfers, its pool and fee rows, and sums of the collections by status.

    `due_fen`, `collected_fen`: by status; `row_count` of all; `suspense_fen`: money held without a share;
    `netted_before_fen`: what arrears of the previous period took from this one's aid.
    """

    transfers: list[Transfer]
    pool: Mapping[str, int]
    fee: Mapping[str, int]
    row_count: int
    due_fen: Mapping[str, int]
    collected_fen: Mapping[str, int]
    suspense_fen: int
    netted_before_fen: int = 0


def breaches(stored: CollectionReadBack) -> list[str]:
    """Every breach, as a sentence with the arithmetic."""
    t = stored.transfers
    netted_fen = stored.collected_fen.get(NETTED, 0)
    in_money_fen = sum(stored.collected_fen.values()) - netted_fen
    owed_fen = sum(fen - stored.collected_fen[s] for s, fen in stored.due_fen.items() if s != LAPSED)
    received_fen = moved_fen(t, debit_account=FEE_ACCRUED)
    of_next_fen = moved_for_fen(t, NETTED_FROM_NEXT)
    unpaid_aid_fen = of_next_fen - stored.netted_before_fen - balance_fen(t, BENEFITS_PAYABLE)
    return [
        *differ("the collections", stored.row_count, "the assessments", stored.pool["covered_count"]),
        *differ(
            "the dues of the collections", sum(stored.due_fen.values()), "the pool's due_fen", stored.pool["due_fen"]
        ),
        *differ("members_receivable", balance_fen(t, MEMBERS_RECEIVABLE), "what members still owe", owed_fen),
        *differ("cash from members", moved_fen(t, CASH, MEMBERS_RECEIVABLE), "what was collected", in_money_fen),
        *differ("aid netted", moved_fen(t, BENEFITS_PAYABLE, MEMBERS_RECEIVABLE), "netted dues", netted_fen),
        *differ("suspense", moved_fen(t, CASH, SUSPENSE), "money without a share", stored.suspense_fen),
        *differ("the fee ledger's received_fen", stored.fee["received_fen"], "fee_accrued's debits", received_fen),
        *([] if unpaid_aid_fen >= 0 else [f"more aid was paid than was owed ({-unpaid_aid_fen:,} fen)"]),
    ]
