"""What the tables hold of one member in one plan and period, and what the rules of the day make of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from jobs.money import Apportionment, apportion
from jobs.rulebook.rules import Plan, SharingRules
from jobs.settlement.pool import Pool, pool_of


@dataclass(frozen=True)
class MemberFacts:
    """What the tables hold of one member in one plan and period.

    `spells`: his rows of source/members, as the settlement read them; `held`: those that it held in quarantine, with
    `reasons`. `lapsed_on`: local days of lapses that the settlement knew; `lapsed_since`: of lapses that were published
    after it, perhaps again. `benefits`: the plan's rows of settled/benefits. `brought_forward_fen`: what the period
    before carried on; None where that is not told by its pool. `borne_fen`: his dues earlier in the calendar year.
    `members_before`: how many of the members assessed come before him in the choice of one fen more; None where nobody
    pays it. `assessment`, `collection`, `bill`: his rows, or None.
    """

    plan: Plan
    period: str
    publicity_on: date
    spells: list[Mapping]
    held: list[Mapping]
    lapsed_on: list[date]
    lapsed_since: list[date]
    pool: Mapping
    rates: list[Mapping]
    benefits: list[Mapping]
    brought_forward_fen: int | None
    borne_fen: int
    members_before: int | None
    helped: bool
    assessment: Mapping | None = None
    collection: Mapping | None = None
    bill: Mapping | None = None
    lapses: list[Mapping] = field(default_factory=list)

    @cached_property
    def rules(self) -> SharingRules:
        """The rules of sharing in force on the publicity day."""
        return self.plan.sharing_on(self.publicity_on)

    @cached_property
    def expected_pool(self) -> Pool:
        """What the period asks, computed again from its benefits."""
        before_fen = self.pool["brought_forward_fen"] if self.brought_forward_fen is None else self.brought_forward_fen
        return pool_of(
            case_count=sum(row["counted"] for row in self.benefits),
            benefit_fen=sum(row["benefit_fen"] for row in self.benefits),
            case_sponsored_fen=sum(row["sponsored_fen"] for row in self.benefits),
            fee_ppm=self.rules.fee_rate_ppm,
            brought_forward_fen=before_fen,
        )

    @cached_property
    def shares(self) -> Apportionment:
        """The pool as it is stored, divided again by the rules."""
        return shares_of(self.pool, self.rates, self.rules)

    @property
    def heeded_lapses(self) -> list[date]:
        """The days of the lapses by which the settlement is judged.

        What was published after it may have been published before, too, and be published again: who is assessed is
        judged without, who is not, with it.
        """
        return self.lapsed_on if self.assessment is not None else [*self.lapsed_on, *self.lapsed_since]


def shares_of(pool: Mapping, rates: list[Mapping], rules: SharingRules) -> Apportionment:
    """A stored pool divided over the covered members of each stored tier by the rules."""
    covered = {rate["tier"]: rate["covered_count"] for rate in rates}
    weights = {tier: rules.weights_ppm.get(tier, 0) for tier in covered}
    return apportion(pool["pool_fen"], covered, weights, rules.rounding)
