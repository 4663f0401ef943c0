"""Why a share changed from one period to the next: causes that add up to the change, to the fen.

The earlier period's terms are replaced by the later period's one at a time, in the order of CAUSES, and the share is
rounded after each step; a cause is the difference of two steps. `cases`: the number of cases, at the earlier cost per
case. `aid_per_case`: the cost per case. `residual`: the residual brought forward. `members`: the covered members of
each tier. `rules`: tier weights and rounding.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.money import SHARE_ROUNDING

CAUSES = ("cases", "aid_per_case", "residual", "members", "rules")


@dataclass(frozen=True)
class ShareTerms:
    """What determines one period's share of one plan. `cost_fen`: benefits + fee - sponsored above the per-case cap."""

    case_count: int
    cost_fen: int
    brought_forward_fen: int
    covered_count: Mapping[str, int]
    weight_ppm: Mapping[str, int]
    rounding: str


def causes_of_change(before: ShareTerms, now: ShareTerms, tier: str) -> dict[str, int]:
    """The change of a tier's share in fen, by cause; the causes add up to share now - share before.

    The tier must have covered members and a weight in both periods. If there were no cases before, there is no cost per
    case, and the whole cost counts under `cases`.
    """
    now_fen = (now.cost_fen, 1)
    now_cases_fen = (before.cost_fen * now.case_count, before.case_count) if before.case_count else now_fen
    steps = [
        _share_fen(before, tier),
        _share_fen(before, tier, now_cases_fen),
        _share_fen(before, tier, now_fen),
        _share_fen(before, tier, now_fen, now.brought_forward_fen),
        _share_fen(before, tier, now_fen, now.brought_forward_fen, now.covered_count),
        _share_fen(now, tier),
    ]
    return {cause: steps[i + 1] - steps[i] for i, cause in enumerate(CAUSES)}


def _share_fen(
    terms: ShareTerms,
    tier: str,
    cost_fen: tuple[int, int] | None = None,
    brought_forward_fen: int | None = None,
    covered_count: Mapping[str, int] | None = None,
) -> int:
    """The share under the terms; arguments that are not None replace a term. `cost_fen`: (numerator, denominator)."""
    numerator_fen, denominator = cost_fen or (terms.cost_fen, 1)
    residual_fen = terms.brought_forward_fen if brought_forward_fen is None else brought_forward_fen
    covered = terms.covered_count if covered_count is None else covered_count
    total_weight = sum(count * terms.weight_ppm.get(name, 0) for name, count in covered.items())
    if not total_weight:
        return 0
    scaled_pool_fen = max(numerator_fen - residual_fen * denominator, 0)  # the pool x denominator
    return SHARE_ROUNDING[terms.rounding](scaled_pool_fen * terms.weight_ppm[tier], total_weight * denominator)
