"""The pool of a corrected period: its value so far, its recomputed value, and the difference."""

from collections.abc import Iterable, Mapping

# The columns of settled/pools that a correction changes; settled/adjusted_pools has delta_ + each of them.
POOL_COLUMNS = (
    "case_count", "benefit_fen", "fee_fen", "case_sponsored_fen", "billed_fen", "member_sponsored_fen", "due_fen",
    "carried_forward_fen",
)  # fmt: skip
# The residual brought forward is kept as it was settled: it is part of every sum, and never differs.
BROUGHT_FORWARD = "brought_forward_fen"


def effective_pool(stored: Mapping[str, int], corrections: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The pool so far: the closed period's row, and the deltas of every correction of it (settled/adjusted_pools)."""
    rows = list(corrections)
    columns = {name: stored[name] + sum(row[f"delta_{name}"] for row in rows) for name in POOL_COLUMNS}
    return {**columns, BROUGHT_FORWARD: stored[BROUGHT_FORWARD]}


def pool_deltas(effective: Mapping[str, int], recomputed: Mapping[str, int]) -> dict[str, int]:
    """The columns delta_... of settled/adjusted_pools: recomputed less effective."""
    return {f"delta_{name}": recomputed[name] - effective[name] for name in POOL_COLUMNS}
