"""Additional dues: what corrections ask of a payer in the collection of the open period, after all of its shares."""

from collections.abc import Iterable

# Published statuses of settled/adjustment_collections.
MET, IN_GRACE, WRITTEN_OFF, REFUNDED = "collected", "in_grace", "written_off", "refunded"


def whole_dues_met(money_fen: int, owed_before_fen: int, dues_fen: Iterable[int]) -> list[int]:
    """What one payer's money meets of each additional due, in their order: the whole due or nothing.

    `money_fen`: his receipts in time, and his refunds as far as he owes. `owed_before_fen`: his shares of the period,
    which come first. A due that is not met ends it, as it does for shares: later, smaller dues are not met before it.
    """
    met_fen, needed_fen = [], owed_before_fen
    for due_fen in dues_fen:
        needed_fen += due_fen
        met_fen.append(due_fen if money_fen >= needed_fen else 0)
    return met_fen


def refund_as_money_fen(refund_fen: int, owed_fen: int) -> int:
    """The part of a payer's refund that counts as money of his: as much as he owes in the period, dues included."""
    return min(refund_fen, owed_fen)
