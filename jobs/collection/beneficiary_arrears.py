"""Earlier arrears of beneficiaries: dues that were written off, less what aid has paid of them since.

The set-off and the lapse at the grace limit are in `jobs.collection.set_off_and_lapse.collections`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from jobs.collection.set_off_and_lapse import LAPSED, set_off_fen_of


def arrears_after(
    periods: Iterable[str], rows: Mapping[str, Mapping], aid_fen: Mapping[str, int], grace_ends_on: Mapping[str, date]
) -> dict[str, int]:
    """What one member still owes a plan after the periods (in order), by period, in fen.

    By period: `rows`, his rows of settled/collections; `aid_fen`, his aid. Aid pays first the due of its own period,
    then, where the period before ended later, what that one set off, then older arrears, the oldest first.
    """
    owed_fen: dict[str, int] = {}
    names = list(periods)
    for name, previous in zip(names, [None, *names], strict=False):
        own_fen = set_off_fen_of(rows.get(name), grace_ends_on[name]) if aid_fen.get(name) else 0
        before_fen = 0
        if previous is not None and not aid_fen.get(previous):
            before_fen = set_off_fen_of(rows.get(previous), grace_ends_on[previous])
        left_fen = aid_fen.get(name, 0) - own_fen - before_fen
        for origin, fen in taken_from(left_fen, owed_fen).items():
            owed_fen[origin] -= fen
        row = rows.get(name)
        if row is not None and row["status"] == LAPSED:
            owed_fen[name] = row["due_fen"] - row["collected_fen"]
    return {origin: fen for origin, fen in owed_fen.items() if fen > 0}


def periods_read(periods: Sequence[str], lapsed_in: Collection[str], aided_in: Collection[str]) -> set[str]:
    """The periods of which `arrears_after` reads a member's row of settled/collections: those of his lapses and of his
    aid, and the one before each of his aid. `periods` are in order."""
    before = dict(zip(periods[1:], periods, strict=False))
    return {*lapsed_in, *aided_in, *(before[name] for name in aided_in if name in before)}


def taken_from(aid_fen: int, owed_fen: Mapping[str, int]) -> dict[str, int]:
    """How much of each period's arrears the aid pays, the oldest first."""
    taken: dict[str, int] = {}
    for origin, fen in owed_fen.items():
        part_fen = min(fen, aid_fen - sum(taken.values()))
        if part_fen > 0:
            taken[origin] = part_fen
    return taken
