"""Invariants of a collection: what must agree to the fen in one plan's stored rows before they are published."""

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.collection.set_off_and_lapse import LAPSED, NETTED
from jobs.ledger.invariants import mismatch
from jobs.ledger.journal import (
    BENEFITS_PAYABLE,
    CASH,
    FEE_ACCRUED,
    FEE_INCOME,
    MEMBERS_RECEIVABLE,
    NETTED_FROM_NEXT,
    RETURNED,
    SUSPENSE,
    Transfer,
    balance_fen,
    moved_fen,
    moved_for_fen,
    net_moved_fen,
)


@dataclass(frozen=True)
class CollectionReadBack:
    """One plan's period as stored: all its transfers, its pool and fee rows, and totals of settled/collections.

    `row_count`: rows of settled/collections. `due_fen`, `collected_fen`: sums by status. `suspense_fen`: unapplied
    cash. `netted_before_fen`: aid of this period against which arrears of the previous period were set off.
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
    """One sentence per failed invariant, with both amounts; empty: all hold.

    Aid paid must not exceed the benefits less the arrears set off from them, in this period or the previous one.
    """
    t = stored.transfers
    set_off_fen = stored.collected_fen.get(NETTED, 0)
    cash_fen = sum(stored.collected_fen.values()) - set_off_fen
    receivable_fen = sum(
        due - stored.collected_fen[status] for status, due in stored.due_fen.items() if status != LAPSED
    )
    fee_received_fen = net_moved_fen(t, FEE_ACCRUED, FEE_INCOME)
    returned_fen = moved_fen([x for x in t if x.reason == RETURNED], SUSPENSE, CASH)
    set_off_next_fen = moved_for_fen(t, NETTED_FROM_NEXT)
    unpaid_aid_fen = set_off_next_fen - stored.netted_before_fen - balance_fen(t, BENEFITS_PAYABLE)
    return [
        *mismatch("the collections", stored.row_count, "the assessments", stored.pool["covered_count"]),
        *mismatch(
            "the dues of the collections", sum(stored.due_fen.values()), "the pool's due_fen", stored.pool["due_fen"]
        ),
        *mismatch("members_receivable", balance_fen(t, MEMBERS_RECEIVABLE), "dues not collected yet", receivable_fen),
        *mismatch("cash from members", net_moved_fen(t, CASH, MEMBERS_RECEIVABLE), "collected dues", cash_fen),
        *mismatch("aid set off", moved_fen(t, BENEFITS_PAYABLE, MEMBERS_RECEIVABLE), "dues set off", set_off_fen),
        *mismatch("suspense", moved_fen(t, CASH, SUSPENSE) - returned_fen, "unapplied cash", stored.suspense_fen),
        *mismatch(
            "the fee ledger's received_fen",
            stored.fee["received_fen"],
            "what fee_accrued paid to fee_income",
            fee_received_fen,
        ),
        *([] if unpaid_aid_fen >= 0 else [f"more aid was paid than was owed ({-unpaid_aid_fen:,} fen)"]),
    ]
