"""Why a share changed from one period to the next: causes, or parts, that add up to the change, to the fen.

The earlier period's terms are replaced by the later period's one at a time, in the order of CAUSES, and the share is
rounded after each step; a cause is the difference of two steps. `cases`: the number of cases, at the earlier cost per
case. `aid_per_case`: the cost per case. `residual`: the residual brought forward. `members`: the covered members of
each tier. `rules`: tier weights and rounding.

PARTS split the same change by the columns of the pool: `cases` + `aid_per_case` = `benefits` + `fee` + `sponsor`,
`residual` = `brought_forward`, `rules` = `weights` + `rounding`. `sponsor`: what the platform bears above the per-case
cap. `rounding`: another rounding policy; the fen that one policy adds is in the part that moves the share.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from jobs.money import SHARE_ROUNDING

CAUSES = ("cases", "aid_per_case", "residual", "members", "rules")
COST_PARTS = ("benefits", "fee", "sponsor")
PARTS = (*COST_PARTS, "brought_forward", "members", "weights", "rounding")


@dataclass(frozen=True)
class ShareTerms:
    """What determines one period's share of one plan. `cost_fen`: benefits + fee - sponsored above the per-case cap."""

    case_count: int
    cost_fen: int
    brought_forward_fen: int
    covered_count: Mapping[str, int]
    weight_ppm: Mapping[str, int]
    rounding: str


def terms_of(pool: Mapping, rates: Collection[Mapping]) -> ShareTerms:
    """The terms of a row of settled/pools and its rows of settled/rates."""
    return ShareTerms(
        case_count=pool["case_count"],
        cost_fen=sum(_costs_fen(pool).values()),
        brought_forward_fen=pool["brought_forward_fen"],
        covered_count={rate["tier"]: rate["covered_count"] for rate in rates},
        weight_ppm={rate["tier"]: rate["weight_ppm"] for rate in rates},
        rounding=pool["rounding"],
    )


def parts_of_change(
    pools: tuple[Mapping, Mapping], rates: tuple[Collection[Mapping], Collection[Mapping]], tier: str
) -> dict[str, int]:
    """The change of a tier's share in fen, by part; the parts add up to share now - share before.

    `pools`, `rates`: of the earlier and of the later period, as for `terms_of`. The tier must be in both.
    """
    before, now = (terms_of(pool, of_pool) for pool, of_pool in zip(pools, rates, strict=True))
    costs_before_fen, costs_now_fen = map(_costs_fen, pools)
    steps = [before]
    for part in COST_PARTS:
        changed_fen = costs_now_fen[part] - costs_before_fen[part]
        steps.append(replace(steps[-1], cost_fen=steps[-1].cost_fen + changed_fen))
    steps.append(replace(steps[-1], brought_forward_fen=now.brought_forward_fen))
    steps.append(replace(steps[-1], covered_count=now.covered_count))
    steps.append(replace(steps[-1], weight_ppm=now.weight_ppm))
    steps.append(now)
    shares_fen = [_share_fen(terms, tier) for terms in steps]
    return {part: shares_fen[i + 1] - shares_fen[i] for i, part in enumerate(PARTS)}


def _costs_fen(pool: Mapping) -> dict[str, int]:
    return {"benefits": pool["benefit_fen"], "fee": pool["fee_fen"], "sponsor": -pool["case_sponsored_fen"]}


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
