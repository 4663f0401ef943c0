"""The benefit of one case in a corrected period: aid that was paid counts until it is recovered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# Published markers of settled/adjusted_benefits.
ADDED, AID_CHANGED, STRUCK_OUT, RECOVERED = "added", "aid_changed", "struck_out", "recovered"


@dataclass(frozen=True)
class Case:
    """One case of the corrected period, in fen.

    `recomputed_fen`: its benefit from the sources as they are now; 0 if it does not count. `effective_fen`: its benefit
    so far, corrections included. `paid_fen`: from `paid_fen`. `recovered_fen`: all recovered aid (source/recoveries);
    `booked_fen`: the part of it that earlier corrections booked.
    """

    recomputed_fen: int
    effective_fen: int
    paid_fen: int
    recovered_fen: int
    booked_fen: int

    @property
    def benefit_fen(self) -> int:
        """The corrected benefit: never below the paid aid that is not recovered."""
        return max(self.recomputed_fen, self.paid_fen - self.recovered_fen)

    @property
    def newly_recovered_fen(self) -> int:
        """The recovered aid to book now; below zero where a recovery that was booked is no longer in the source.

        Only recoveries that reduce the benefit are booked. The unpaid part of the benefit is never negative afterwards.
        """
        booked_so_far_fen = min(self.booked_fen, self.recovered_fen)
        return max(booked_so_far_fen, self.paid_fen - self.benefit_fen) - self.booked_fen

    @property
    def marker(self) -> str:
        """Why the case is corrected."""
        if self.newly_recovered_fen > 0:
            return RECOVERED
        if self.effective_fen == 0 and self.benefit_fen > 0:
            return ADDED
        return STRUCK_OUT if self.benefit_fen == 0 else AID_CHANGED


CaseKey = tuple[str, str, int]  # period in which the case counts, plan, claim


def aid_changes(case_rows: Iterable[Mapping]) -> dict[CaseKey, int]:
    """What corrections (rows of settled/adjusted_benefits) changed of each case's benefit, in fen."""
    changes_fen: dict[CaseKey, int] = {}
    for row in case_rows:
        key = row["origin_period"], row["plan_id"], row["claim_id"]
        changes_fen[key] = changes_fen.get(key, 0) + row["delta_benefit_fen"]
    return changes_fen


def counting_cases(benefits: Iterable[Mapping], changes_fen: Mapping[CaseKey, int]) -> set[CaseKey]:
    """The cases that count, after all corrections: a case struck out by one may count in another period again.

    `benefits`: rows of settled/benefits. `changes_fen`: from `aid_changes`.
    """
    stored_fen = {(r["period"], r["plan_id"], r["claim_id"]): r["benefit_fen"] for r in benefits if r["counted"]}
    kept = {key for key, fen in stored_fen.items() if changes_fen.get(key, 0) >= 0 or fen + changes_fen[key] > 0}
    return kept | {key for key, fen in changes_fen.items() if key not in stored_fen and fen > 0}


def paid_fen(stored_fen: int, settled_corrections: Iterable[tuple[int, int]]) -> int:
    """The aid that was paid for a case, or will be.

    `stored_fen`: its benefit in the closed period. `settled_corrections`: (delta_benefit_fen, recovered_fen) of its
    corrections into periods that are settled: their collection pays the aid, even if it is corrected later. The aid of
    corrections into a period that is not settled yet can still be withdrawn.
    """
    return stored_fen + sum(delta_fen + recovered_fen for delta_fen, recovered_fen in settled_corrections)
