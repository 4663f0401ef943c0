"""Reinstatement of members whose lapse for a corrected period was wrong."""

from jobs.ledger.correction_postings import PAID_IN_TIME

NOTHING_OWED = "nothing_owed"  # published reason


def reinstatement(
    due_fen: int, written_off_fen: int, recomputed_due_fen: int, is_paid_in_time: bool
) -> tuple[str, int] | None:
    """Why the lapse of one member for the corrected period is void, and the money to take in; None: it counts.

    `due_fen`: his due of that period, which lapsed. `written_off_fen`: what is written off of it and of additional dues
    of the period, and not taken back. `recomputed_due_fen`: the due from the sources as they are now.
    `is_paid_in_time`: receipts made in time and known now meet the due. The money takes back the write-off of the due,
    never more: an excess stays where it is.
    """
    if is_paid_in_time:
        return PAID_IN_TIME, min(written_off_fen, due_fen)
    return (NOTHING_OWED, 0) if recomputed_due_fen == 0 else None
