"""How many memberships one collection may end: a file of receipts that is missing looks like nobody having paid."""

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.money import ceiling_count


@dataclass(frozen=True)
class LapseCount:
    """What a final collection would end. By plan: `lapsing_count` memberships of `owing_count`, the members assessed
    with a due above zero.

    `is_any_money_in`: whether any receipt of the period says that money came in.
    """

    lapsing_count: Mapping[str, int]
    owing_count: Mapping[str, int]
    is_any_money_in: bool

    @property
    def lapsing_in_all(self) -> int:
        return sum(self.lapsing_count.values())

    @property
    def owing_in_all(self) -> int:
        return sum(self.owing_count.values())

    @property
    def told(self) -> str:
        """The counts in words, in all and per plan."""
        plans = ", ".join(f"{p} {self.lapsing_count[p]:,} of {n:,}" for p, n in sorted(self.owing_count.items()))
        return f"{self.lapsing_in_all:,} of {self.owing_in_all:,} members with a due would lapse ({plans})"


def why_too_many_lapse(
    lapsing: LapseCount, ceiling_ppm: int, floor_rows: int, accepted_count: int | None
) -> str | None:
    """Why the collection needs the operator's consent; None: it needs none, or has it.

    Up to `floor_rows` lapses, or up to `ceiling_ppm` of the members with a due, need none, unless no money came in at
    all. `accepted_count`: up to how many lapses in all the operator consents to; None: to nothing.
    """
    if not lapsing.owing_in_all or (accepted_count is not None and lapsing.lapsing_in_all <= accepted_count):
        return None
    if not lapsing.is_any_money_in:
        return f"no receipt says that any money came in, and {lapsing.told}"
    most = ceiling_count(lapsing.owing_in_all, ceiling_ppm, floor_rows)
    if lapsing.lapsing_in_all > most:
        return f"{lapsing.told}; the conf's lapse_ceiling_ppm lets {most:,} pass"
    return None
