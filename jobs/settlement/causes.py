"""Why a share changed from one period to the next, split into causes that add up to the change, to the fen.

The causes are put in one after the other, and the share is rounded after each: cases (as many as now, each asking what
one asked before), aid per case (aid and fee less what the platform bears above the per-case cap), residual (what was
brought forward), members (the covered members of each tier), rules (weights and rounding). The last share is now's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.money import SHARE_ROUNDING

CAUSES = ("cases", "aid_per_case", "residual", "members", "rules")


@dataclass(frozen=True)
class ShareTerms:
    """What one period's share of one plan is made from. `asked_fen`: benefits + fee - borne above the per-case cap."""

    case_count: int
    asked_fen: int
    brought_forward_fen: int
    covered_count: Mapping[str, int]
    weight_ppm: Mapping[str, int]
    rounding: str


def causes_of_change(before: ShareTerms, now: ShareTerms, tier: str) -> dict[str, int]:
    """By cause, how much of the change of a tier's share it is, in fen; they add up to share now less share before.

    The tier has covered members and a weight in both periods. Without cases before there is no aid a case asked: then
    all that is asked is due to the cases.
    """
    cases_fen = (before.asked_fen * now.case_count, before.case_count) if before.case_count else (now.asked_fen, 1)
    steps = [
        _share(before, tier),
        _share(before, tier, cases_fen),
        _share(before, tier, (now.asked_fen, 1)),
        _share(before, tier, (now.asked_fen, 1), now.brought_forward_fen),
        _share(before, tier, (now.asked_fen, 1), now.brought_forward_fen, now.covered_count),
        _share(now, tier),
    ]
    return {cause: steps[i + 1] - steps[i] for i, cause in enumerate(CAUSES)}


def _share(
    terms: ShareTerms,
    tier: str,
    asked: tuple[int, int] | None = None,
    brought_forward_fen: int | None = None,
    covered_count: Mapping[str, int] | None = None,
) -> int:
    """The share under the terms, with what is given in their place; `asked` is a fraction of fen."""
    asked_fen, parts = asked or (terms.asked_fen, 1)
    forward_fen = terms.brought_forward_fen if brought_forward_fen is None else brought_forward_fen
    covered = terms.covered_count if covered_count is None else covered_count
    basis = sum(count * terms.weight_ppm.get(name, 0) for name, count in covered.items())
    pool = max(asked_fen - forward_fen * parts, 0)
    return SHARE_ROUNDING[terms.rounding](pool * terms.weight_ppm[tier], basis * parts) if basis else 0
