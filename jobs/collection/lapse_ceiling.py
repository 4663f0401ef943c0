"""The ceiling on lapses: a final collection that ends too many memberships needs the operator's consent.

It guards against a missing file of receipts, which looks as if no one had paid.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.money import ceiling_count


@dataclass(frozen=True)
class LapseCount:
    """The memberships that a final collection would end.

    By plan: `lapsing_count` of the `owing_count` members with a due above zero. `has_cash_receipts`: whether any
    receipt of the period reports cash received.
    """

    lapsing_count: Mapping[str, int]
    owing_count: Mapping[str, int]
    has_cash_receipts: bool

    @property
    def lapsing_total(self) -> int:
        """Lapsing memberships over all plans."""
        return sum(self.lapsing_count.values())

    @property
    def owing_total(self) -> int:
        """Members with a due over all plans."""
        return sum(self.owing_count.values())

    @property
    def summary(self) -> str:
        """The counts as text: the total, then each plan."""
        plans = ", ".join(f"{p} {self.lapsing_count[p]:,} of {n:,}" for p, n in sorted(self.owing_count.items()))
        return f"{self.lapsing_total:,} of {self.owing_total:,} members with a due would lapse ({plans})"


def lapse_ceiling_breach(
    lapses: LapseCount, ceiling_ppm: int, floor_rows: int, accepted_count: int | None
) -> str | None:
    """Why the collection needs the operator's consent, as text; None: it needs none, or has it.

    Without consent, `ceiling_ppm` (conf: lapse_ceiling_ppm) of the members with a due may lapse, and at least
    `floor_rows`; none if no cash came in at all. `accepted_count`: the number of lapses the operator consents to.
    """
    if not lapses.owing_total or (accepted_count is not None and lapses.lapsing_total <= accepted_count):
        return None
    if not lapses.has_cash_receipts:
        return f"no receipt says that any money came in, and {lapses.summary}"
    allowed_count = ceiling_count(lapses.owing_total, ceiling_ppm, floor_rows)
    if lapses.lapsing_total > allowed_count:
        return f"{lapses.summary}; the conf's lapse_ceiling_ppm allows {allowed_count:,}"
    return None
