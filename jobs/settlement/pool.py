"""The amount of the pool of one period and plan."""

from dataclasses import dataclass

from jobs.money import fee_on


@dataclass(frozen=True)
class Pool:
    """The amount that one plan's members share in a period, and its components.

    `brought_forward_fen`: the residual of the previous period; positive if it charged too much. `case_sponsored_fen`:
    the parts of cases above the rule `per_case_cap`.
    """

    case_count: int
    benefit_fen: int
    fee_fen: int
    brought_forward_fen: int
    case_sponsored_fen: int

    @property
    def pool_fen(self) -> int:
        """The amount to share: benefits and fee, less the residual brought forward and the sponsored parts."""
        return self.benefit_fen + self.fee_fen - self.brought_forward_fen - self.case_sponsored_fen


def pool_of(case_count: int, benefit_fen: int, case_sponsored_fen: int, fee_ppm: int, brought_forward_fen: int) -> Pool:
    """The pool with its fee: the rule `fee_rate` on the sum of the counted benefits, rounded half up."""
    return Pool(case_count, benefit_fen, fee_on(benefit_fen, fee_ppm), brought_forward_fen, case_sponsored_fen)
