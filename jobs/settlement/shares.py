"""The share of each member: the pool divided over the tiers by `jobs.money.apportion`, and what it leaves over."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from jobs.money import SHARE_ROUNDING, Apportionment, apportion, fee_part
from jobs.rulebook.rules import SharingRules
from jobs.settlement.pool import Pool


@dataclass(frozen=True)
class Sharing:
    """A pool divided over the covered members of one plan. Maps are by tier.

    `weight_ppm`: rule `tier_weights`. `rounding`: rule `rounding`. `shares`: the result of the division.
    """

    pool: Pool
    covered_count: Mapping[str, int]
    weight_ppm: Mapping[str, int]
    rounding: str
    shares: Apportionment

    @property
    def carried_forward_fen(self) -> int:
        """The residual: what is billed above the pool, negative if less."""
        return self.shares.billed_fen - self.pool.pool_fen


def shares_of(pool: Pool, covered_count: Mapping[str, int], rules: SharingRules) -> Sharing:
    """The pool divided over the covered members (`covered_count`, by tier) of a plan with these rules."""
    weights = {tier: rules.weights_ppm[tier] for tier in covered_count}
    shares = apportion(pool.pool_fen, covered_count, weights, rules.rounding)
    return Sharing(pool, covered_count, weights, rules.rounding, shares)


def pool_row(sharing: Sharing, member_sponsored_fen: int, rule_version: str, adjusted_fen: int = 0) -> dict:
    """The row of settled/pools. One row per period and plan.

    `adjusted_fen`: the part of the residual brought forward that corrections of earlier periods made.
    """
    pool = sharing.pool
    return {
        "case_count": pool.case_count,
        "benefit_fen": pool.benefit_fen,
        "fee_fen": pool.fee_fen,
        "brought_forward_fen": pool.brought_forward_fen,
        "adjusted_fen": adjusted_fen,
        "case_sponsored_fen": pool.case_sponsored_fen,
        "pool_fen": pool.pool_fen,
        "covered_count": sum(sharing.covered_count.values()),
        "billed_fen": sharing.shares.billed_fen,
        "member_sponsored_fen": member_sponsored_fen,
        "due_fen": sharing.shares.billed_fen - member_sponsored_fen,
        "carried_forward_fen": sharing.carried_forward_fen,
        "rounding": sharing.rounding,
        "rule_version": rule_version,
    }


def rate_rows(sharing: Sharing, billed_fen: Mapping[str, int]) -> list[dict]:
    """The rows of settled/rates. One row per period, plan and tier with covered members.

    `billed_fen`: by tier, the sum of the assessed shares; under `exact` rounding it can exceed share x covered.
    """
    return [
        {
            "tier": tier,
            "covered_count": covered_count,
            "weight_ppm": sharing.weight_ppm[tier],
            "share_fen": sharing.shares.share_fen[tier],
            "share_aid_fen": sharing.shares.share_fen[tier] - _fee_part(sharing, tier),
            "share_fee_fen": _fee_part(sharing, tier),
            "billed_fen": billed_fen[tier],
        }
        for tier, covered_count in sorted(sharing.covered_count.items())
    ]


def _fee_part(sharing: Sharing, tier: str) -> int:
    return fee_part(sharing.shares.share_fen[tier], sharing.pool.fee_fen, sharing.pool.benefit_fen)


def charges_by_rounding(pool: Mapping, rates: Collection[Mapping]) -> dict[str, dict]:
    """What each policy of `rounding` would charge for a pool: by policy, the shares, the amount billed, the residual.

    `pool`: a row of settled/pools. `rates`: its rows of settled/rates.
    """
    covered = {rate["tier"]: rate["covered_count"] for rate in rates}
    weights = {rate["tier"]: rate["weight_ppm"] for rate in rates}
    divided = {policy: apportion(pool["pool_fen"], covered, weights, policy) for policy in SHARE_ROUNDING}
    return {
        policy: {
            "share_fen": dict(shares.share_fen),
            "one_fen_more_count": shares.one_fen_more_count,
            "billed_fen": shares.billed_fen,
            "carried_forward_fen": shares.billed_fen - pool["pool_fen"],
        }
        for policy, shares in divided.items()
    }
