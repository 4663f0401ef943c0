"""The days of a period's collection."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class CollectionDays:
    """The days of a period's collection, and its cut-off `as_of`.

    Receipts count from the publicity day until 00:00 of `grace_ends_on`, up to and including the day `as_of`. At the
    grace limit, unpaid dues are set off or lapse. Source: `grace_days_before_next_deduction` in calendar.yaml.
    """

    publicity_on: date
    deduction_on: date
    grace_ends_on: date
    as_of: date

    @property
    def is_final(self) -> bool:
        """Whether the cut-off has reached the grace limit."""
        return self.as_of >= self.grace_ends_on

    @property
    def is_deducting(self) -> bool:
        """Whether the cut-off has reached the deduction day."""
        return self.as_of >= self.deduction_on
