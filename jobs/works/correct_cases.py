"""The cases of a closed period that is settled again: a few thousand rows, judged one by one as whole numbers."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pyspark.sql import DataFrame

from jobs.correction.cases import Case, aid_changes, counting_cases, paid_fen
from jobs.lake.small import matching
from jobs.register.publications import few_rows_of
from jobs.works.correct_pinning import PinnedCorrection
from schemas import TABLES

BENEFITS = TABLES["settled/benefits"]
Key = tuple[str, int]  # plan, claim


@dataclass
class CorrectedCases:
    """The cases, known once `with_paid_aid` has seen those of the sources. Maps are by plan and claim."""

    pinned: PinnedCorrection
    cases: dict[Key, Case] = field(default_factory=dict)
    members: dict[Key, int] = field(default_factory=dict)
    sponsored_fen: dict[Key, int] = field(default_factory=dict)

    def with_paid_aid(self, before_cap: DataFrame) -> DataFrame:
        """The benefits that count now, from those of the sources: aid that was paid counts until it is recovered."""
        lake = self.pinned.lake
        recomputed = {(row.plan_id, row.claim_id): row.asDict() for row in before_cap.collect()}
        settled = [self.pinned.settled[p] for p in self.pinned.plan_ids]
        stored = {(r["plan_id"], r["claim_id"]): r for r in few_rows_of(lake.small, BENEFITS.name, settled)}
        elsewhere = self._counted_elsewhere([claim for _, claim in recomputed])
        rows = []
        for key in sorted({*recomputed, *self._learn(recomputed, stored, elsewhere)}):
            case, row = self.cases[key], recomputed.get(key) or stored.get(key) or _bare(key, self.members[key])
            is_counted = key in recomputed and recomputed[key]["counted"] and key not in elsewhere
            counts = is_counted or case.benefit_fen > 0
            marker = row["marker"] if is_counted or not counts else None
            rows.append({**row, "benefit_fen": case.benefit_fen, "counted": counts, "marker": marker})
        return lake.frame(BENEFITS, rows).select(*before_cap.columns)

    def rows(self, sponsored_fen: Mapping[Key, int]) -> dict[str, list[dict]]:
        """By plan, the rows of settled/adjusted_benefits. `sponsored_fen`: by case, as recomputed."""
        rows: dict[str, list[dict]] = {p: [] for p in self.pinned.plan_ids}
        for key, case in sorted(self.cases.items()):
            row = {
                "origin_period": self.pinned.origin_name,
                "revision": self.pinned.revision[key[0]],
                "claim_id": key[1],
                "member_id": self.members[key],
                "delta_benefit_fen": case.benefit_fen - case.effective_fen,
                "delta_sponsored_fen": sponsored_fen.get(key, 0) - self.sponsored_fen[key],
                "recovered_fen": case.newly_recovered_fen,
                "marker": case.marker,
            }
            if row["delta_benefit_fen"] or row["delta_sponsored_fen"] or row["recovered_fen"]:
                rows[key[0]].append(row)
        return rows

    def _learn(
        self, recomputed: Mapping[Key, dict], stored: Mapping[Key, dict], elsewhere: Collection[Key]
    ) -> Collection[Key]:
        """Makes every case of the period known, and returns those with aid."""
        changes: dict[Key, list[dict]] = {}
        for row in self.pinned.of_origin.case_rows():
            changes.setdefault((row["plan_id"], row["claim_id"]), []).append(row)
        recovered_fen: dict[int, int] = {}
        for row in self.pinned.recoveries:
            recovered_fen[row["claim_id"]] = recovered_fen.get(row["claim_id"], 0) + row["amount_fen"]
        into = str(self.pinned.request.period)
        for key in {*recomputed, *stored, *changes}:
            now, before, of_case = recomputed.get(key), stored.get(key), changes.get(key, [])
            stored_fen = before["benefit_fen"] if before else 0
            settled = [(r["delta_benefit_fen"], r["recovered_fen"]) for r in of_case if r["period"] != into]
            self.cases[key] = Case(
                recomputed_fen=now["benefit_fen"] if now and now["counted"] and key not in elsewhere else 0,
                effective_fen=stored_fen + sum(row["delta_benefit_fen"] for row in of_case),
                paid_fen=paid_fen(stored_fen, settled),
                recovered_fen=recovered_fen.get(key[1], 0),
                booked_fen=sum(row["recovered_fen"] for row in of_case),
            )
            self.members[key] = (now or before or of_case[0])["member_id"]
            self.sponsored_fen[key] = (before["sponsored_fen"] if before else 0) + sum(
                row["delta_sponsored_fen"] for row in of_case
            )
        return [key for key, case in self.cases.items() if case.benefit_fen > 0]

    def _counted_elsewhere(self, claim_ids: Collection[int]) -> set[Key]:
        """The claims that counted in another period: they stay there."""
        if not claim_ids:
            return set()
        history, small = self.pinned.origin.history, self.pinned.lake.small
        others = [p for plan_id in self.pinned.plan_ids for p in history.publications.get(plan_id, ())]
        rows = few_rows_of(small, BENEFITS.name, others, matching(claim_id=set(claim_ids)))
        changes = aid_changes(self.pinned.every.case_rows())
        counting = counting_cases(rows, changes)
        return {(plan_id, claim_id) for period, plan_id, claim_id in counting if period != self.pinned.origin_name}


def _bare(key: Key, member_id: int) -> dict:
    """A case that is no longer in a source and only in corrections."""
    return {"plan_id": key[0], "claim_id": key[1], "member_id": member_id, "marker": None}
