"""The stored rows of one member in one plan and period, and what follows from them by the rules of the day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from jobs.money import Apportionment, above_allowance, apportion, case_allowance
from jobs.rulebook.rules import Plan, SharingRules
from jobs.settlement.pool import Pool, pool_of


@dataclass(frozen=True)
class CorrectionFacts:
    """What corrections say of one member in one plan and period; each row has `because`, the operator's reason.

    `corrected`: his rows of settled/adjustments whose origin is the period; `void`: his rows of settled/reinstatements
    for it. `adjusted`: his rows of settled/adjustments posted into the period; `outcomes`: by (period, origin_period,
    revision, disposition), what its collection made of them. `billed`: additional dues and refunds of his payer.
    """

    corrected: Sequence[Mapping] = ()
    void: Sequence[Mapping] = ()
    adjusted: Sequence[Mapping] = ()
    outcomes: Mapping[tuple, Mapping] = field(default_factory=dict)
    billed: Sequence[Mapping] = ()

    def __bool__(self) -> bool:
        return bool(self.corrected or self.void or self.adjusted)


@dataclass(frozen=True)
class MemberFacts:
    """The stored rows that concern one member in one plan and period.

    `spells`: the member's rows of source/members in the version that the settlement read; `held`: those in quarantine,
    with `reasons`; `released`: those whose release the settlement used. `lapsed_on`: local days of lapses published
    before the settlement; `lapsed_since`: of lapses published, or published again, after it. `benefits`: the plan's
    rows of settled/benefits. `brought_forward_fen`: the residual of the previous period; None if its pool does not show
    it. `borne_fen`: the member's dues earlier in the calendar year. `members_before`: the assessed members before this
    one in the lot for one fen more; None if no member pays it. `assessment`, `collection`, `bill`: the member's rows,
    or None. `source_gone`: why the version of source/members that the settlement read is gone; `spells` is then empty
    and cover cannot be proved.
    """

    plan: Plan
    period: str
    publicity_on: date
    spells: Sequence[Mapping]
    held: Sequence[Mapping]
    lapsed_on: list[date]
    lapsed_since: list[date]
    pool: Mapping
    rates: Sequence[Mapping]
    benefits: Sequence[Mapping]
    brought_forward_fen: int | None
    borne_fen: int
    members_before: int | None
    helped: bool
    assessment: Mapping | None = None
    collection: Mapping | None = None
    bill: Mapping | None = None
    lapses: Sequence[Mapping] = field(default_factory=list)
    source_gone: str | None = None
    released: Sequence[Mapping] = field(default_factory=list)
    corrections: CorrectionFacts = field(default_factory=CorrectionFacts)

    @cached_property
    def rules(self) -> SharingRules:
        """The plan's sharing rules in force on the publicity day."""
        return self.plan.sharing_on(self.publicity_on)

    @cached_property
    def expected_pool(self) -> Pool:
        """The pool of the period, computed again from its benefits."""
        before_fen = self.pool["brought_forward_fen"] if self.brought_forward_fen is None else self.brought_forward_fen
        return pool_of(
            case_count=sum(row["counted"] for row in self.benefits),
            benefit_fen=sum(row["benefit_fen"] for row in self.benefits),
            case_sponsored_fen=self.case_sponsored_fen,
            fee_ppm=self.rules.fee_rate_ppm,
            brought_forward_fen=before_fen,
        )

    @cached_property
    def case_sponsored_fen(self) -> int:
        """The parts of cases above the rule `per_case_cap`, computed again from the benefits and covered members."""
        cap_fen, fee_ppm = self.rules.per_case_cap_fen, self.rules.fee_rate_ppm
        if cap_fen is None:
            return 0
        covered, weights = _covered_and_weights(self.rates, self.rules)
        allowance_fen = case_allowance(cap_fen, covered, weights)
        return sum(above_allowance(r["benefit_fen"], fee_ppm, allowance_fen) for r in self.benefits if r["counted"])

    @cached_property
    def shares(self) -> Apportionment:
        """The stored pool, divided again by the rules."""
        return shares_of(self.pool, self.rates, self.rules)

    @property
    def relevant_lapses(self) -> list[date]:
        """The days of the lapses that the settlement had to take into account.

        A lapse published after the settlement may be one that was published before it, too. Such lapses are left out
        for a member with an assessment, and counted for a member without.
        """
        return self.lapsed_on if self.assessment is not None else [*self.lapsed_on, *self.lapsed_since]


def shares_of(pool: Mapping, rates: Sequence[Mapping], rules: SharingRules) -> Apportionment:
    """A stored pool divided over the covered members of each stored tier by the rules."""
    covered, weights = _covered_and_weights(rates, rules)
    return apportion(pool["pool_fen"], covered, weights, rules.rounding)


def _covered_and_weights(rates: Sequence[Mapping], rules: SharingRules) -> tuple[dict[str, int], dict[str, int]]:
    """The covered members of each stored tier, and the tier's weight by the rules."""
    covered = {rate["tier"]: rate["covered_count"] for rate in rates}
    return covered, {tier: rules.weights_ppm.get(tier, 0) for tier in covered}
