"""The identities of a correction, each to the fen, per plan: what must agree in the stored rows of its tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.correction.dispositions import DISPOSITIONS
from jobs.correction.pools import POOL_COLUMNS
from jobs.ledger.invariants import mismatch, named_breaches
from jobs.ledger.journal import POOL, Transfer, balance_fen


@dataclass(frozen=True)
class CorrectionReadBack:
    """One plan's correction as stored.

    `pool`: its row of settled/adjusted_pools. `parts_fen`: sums of settled/adjustments by disposition. `benefit_fen`,
    `sponsored_fen`: sums of the deltas of settled/adjusted_benefits. `effective`, `recomputed`: the closed period's
    pool before the correction, and as recomputed. `returned_to_pool_fen`: the aid part of write-offs taken back, where
    the next period bears write-offs. `transfers`: the correction's entries.
    """

    pool: Mapping[str, int]
    parts_fen: Mapping[str, int]
    benefit_fen: int
    sponsored_fen: int
    effective: Mapping[str, int]
    recomputed: Mapping[str, int]
    returned_to_pool_fen: int
    transfers: Sequence[Transfer]


def differences_are_conserved(stored: CorrectionReadBack) -> list[str]:
    """C1: dues and sponsored amounts change by as much as benefits, fee and residual."""
    pool = stored.pool
    funds_fen = pool["delta_due_fen"] + pool["delta_case_sponsored_fen"] + pool["delta_member_sponsored_fen"]
    uses_fen = pool["delta_benefit_fen"] + pool["delta_fee_fen"] + pool["delta_carried_forward_fen"]
    return mismatch("delta dues and sponsored amounts", funds_fen, "delta benefits, fee and residual", uses_fen)


def dispositions_agree_with_the_pool(stored: CorrectionReadBack) -> list[str]:
    """C2: the members' differences, by disposition, add up to the pool's; so do those of the cases."""
    pool = stored.pool
    total_fen = sum(pool[f"{name}_fen"] for name in DISPOSITIONS)
    by_name = [
        breach
        for name in DISPOSITIONS
        for breach in mismatch(
            f"the adjustments {name}", stored.parts_fen.get(name, 0), "the pool's", pool[f"{name}_fen"]
        )
    ]
    return [
        *by_name,
        *mismatch("asked + refunded + written off + pooled", total_fen, "delta_due_fen", pool["delta_due_fen"]),
        *mismatch("the cases' deltas", stored.benefit_fen, "delta_benefit_fen", pool["delta_benefit_fen"]),
        *mismatch(
            "the cases' sponsored deltas", stored.sponsored_fen, "delta_case_sponsored_fen",
            pool["delta_case_sponsored_fen"],
        ),
    ]  # fmt: skip


def pool_account_takes_the_adjusted_amount(stored: CorrectionReadBack) -> list[str]:
    """C3: adjusted = net credit to `pool` = delta of the residual - pooled (+ aid returned to the pool)."""
    pool = stored.pool
    expected_fen = pool["delta_carried_forward_fen"] - pool["pooled_fen"] + stored.returned_to_pool_fen
    return [
        *mismatch("adjusted_fen", pool["adjusted_fen"], "delta of the residual - pooled", expected_fen),
        *mismatch("the net credit to pool", -balance_fen(list(stored.transfers), POOL), "adjusted_fen",
                  pool["adjusted_fen"]),
    ]  # fmt: skip


def differences_lead_to_the_recomputed_pool(stored: CorrectionReadBack) -> list[str]:
    """C5, by column: the pool so far + the correction's delta = the pool as recomputed."""
    return [
        breach
        for name in POOL_COLUMNS
        for breach in mismatch(
            f"{name} so far + its delta", stored.effective[name] + stored.pool[f"delta_{name}"], "as recomputed",
            stored.recomputed[name],
        )
    ]  # fmt: skip


IDENTITIES = (
    differences_are_conserved,
    dispositions_agree_with_the_pool,
    pool_account_takes_the_adjusted_amount,
    differences_lead_to_the_recomputed_pool,
)


def correction_breaches(stored: CorrectionReadBack) -> list[str]:
    """One sentence per breach, after the name of its identity; empty: all hold."""
    return named_breaches(IDENTITIES, stored)


def brought_forward_breaches(
    pool: Mapping[str, int], carried_forward_fen: int, corrections_fen: Sequence[int], written_off_fen: int = 0
) -> list[str]:
    """C4: the open period brings forward the residual before it and all that was corrected into it.

    `pool`: its row of settled/pools. `corrections_fen`: adjusted_fen of every correction into it. `written_off_fen`:
    write-offs of earlier periods that reached it, where the next period bears them.
    """
    adjusted_fen = sum(corrections_fen)
    expected_fen = carried_forward_fen + adjusted_fen - written_off_fen
    return [
        f"open_period_brings_the_corrections_forward: {breach}"
        for breach in (
            *mismatch("adjusted_fen", pool["adjusted_fen"], "the corrections into the period", adjusted_fen),
            *mismatch("brought_forward_fen", pool["brought_forward_fen"],
                      "the residual before it + the corrections", expected_fen),
        )
    ]  # fmt: skip
