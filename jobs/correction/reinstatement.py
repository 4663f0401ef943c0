"""Reinstatement of members whose lapse for a corrected period was wrong."""

from collections.abc import Mapping

from jobs.ledger.correction_postings import PAID_IN_TIME

NOTHING_OWED = "nothing_owed"  # published reason


def money_by_holder(needs_fen: Mapping[str, int], held_fen: Mapping[str, int]) -> dict[tuple[str, str | None], int]:
    """What each plan takes in for one payer, by (plan, plan in whose suspense the money is); None: in no books.

    `needs_fen`: by plan. `held_fen`: by plan, his receipts in time that are in its suspense. A plan takes from its own
    suspense first, then the plans in their order from the suspense of others in their order.
    """
    needs, held = dict(needs_fen), dict(held_fen)
    taken: dict[tuple[str, str | None], int] = {}
    pairs = [(plan, plan) for plan in sorted(needs)] + [(p, h) for p in sorted(needs) for h in sorted(held) if p != h]
    for plan, holder in pairs:
        fen = min(needs[plan], held.get(holder, 0))
        if fen:
            taken[plan, holder] = fen
            needs[plan], held[holder] = needs[plan] - fen, held[holder] - fen
    return taken | {(plan, None): fen for plan, fen in needs.items() if fen}


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
