"""The corrections of a lake as other works need them: their rows, their residuals, the lapses they make void."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.correction.dispositions import ASKED, POOLED, REFUNDED
from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables
from jobs.ledger.correction_postings import PAID_IN_TIME
from jobs.ledger.journal import Transfer, moved_for_fen
from jobs.register.books import transfers_of
from jobs.register.publications import Publication, corrections, corrections_into, few_rows_of, rows_of
from jobs.rulebook.calendar import Calendar, Period

KEY = ("plan_id", "member_id")
POOLS, BENEFITS, ADJUSTMENTS = "settled/adjusted_pools", "settled/adjusted_benefits", "settled/adjustments"
REINSTATEMENTS, COLLECTIONS = "settled/reinstatements", "settled/adjustment_collections"


@dataclass(frozen=True)
class Corrections:
    """The corrections that one work takes into account, and their rows."""

    lake: Lake
    publications: tuple[Publication, ...] = ()

    def of(self, origins: Iterable[str], plan_ids: Collection[str] | None = None) -> "Corrections":
        """The corrections of these closed periods and plans; None: of all plans."""
        names = set(origins)
        chosen = [p for p in self.publications if p.origin_period in names]
        return Corrections(self.lake, tuple(p for p in chosen if plan_ids is None or p.plan_id in plan_ids))

    def into(self, period: str) -> "Corrections":
        """Those that were posted into the period."""
        return Corrections(self.lake, tuple(p for p in self.publications if p.period == period))

    def pool_rows(self) -> list[dict]:
        """Their rows of settled/adjusted_pools."""
        return few_rows_of(self.lake.small, POOLS, self.publications)

    def case_rows(self) -> list[dict]:
        """Their rows of settled/adjusted_benefits."""
        return few_rows_of(self.lake.small, BENEFITS, self.publications)

    def taken_back_fen(self) -> int:
        """What they took back of write-offs: by differences, and by money paid in time."""
        posted = transfers_of(self.lake.small, self.publications).values()
        paid_in_time_fen = sum(moved_for_fen(transfers, PAID_IN_TIME) for transfers in posted)
        return paid_in_time_fen - sum(row["written_off_fen"] for row in self.pool_rows())

    def member_rows(self) -> DataFrame:
        """Their rows of settled/adjustments."""
        return rows_of(self.lake, ADJUSTMENTS, self.publications)

    def adjusted_fen(self, plan_ids: Iterable[str]) -> dict[str, int]:
        """By plan, what they add to the residual brought forward."""
        fen = dict.fromkeys(plan_ids, 0)
        for row in self.pool_rows():
            if row["plan_id"] in fen:
                fen[row["plan_id"]] += row["adjusted_fen"]
        return fen

    def charged_dues(self, plan_ids: Collection[str]) -> dict[str, DataFrame]:
        """By plan with any, the dues they changed: plan_id, member_id, due_fen. Pooled parts were charged to no one."""
        plans = {p.plan_id for p in self.publications} & set(plan_ids)
        rows = self.member_rows().where(F.col("disposition") != POOLED) if plans else None
        charged = None if rows is None else rows.select(*KEY, F.col("delta_fen").alias("due_fen"))
        return {} if charged is None else {p: charged.where(F.col("plan_id") == p) for p in sorted(plans)}

    def without_reinstated(self, lapses: DataFrame) -> DataFrame:
        """The rows of settled/lapses that are not void."""
        if not self.publications:
            return lapses
        void = rows_of(self.lake, REINSTATEMENTS, self.publications)
        keys = void.select(*KEY, F.col("origin_period").alias("period")).distinct()
        return lapses.join(F.broadcast(keys), [*KEY, "period"], "left_anti")

    def digests(self, plan_ids: Collection[str]) -> list[list]:
        """What identifies them as an input of a run."""
        return [[p.period, p.plan_id, p.revision, p.digest] for p in self.publications if p.plan_id in plan_ids]


def corrections_until(lake: Lake, calendar: Calendar, period: Period | None) -> Corrections:
    """The corrections posted into the period and earlier ones; None: all."""
    every = corrections(lake.small)
    return Corrections(lake, tuple(p for p in every if period is None or calendar.period(p.period) <= period))


def transfers_of_corrections(small: SmallTables, period: str, plan_ids: Iterable[str]) -> dict[str, list[Transfer]]:
    """By plan, the transfers of the corrections into the period."""
    posted = transfers_of(small, corrections_into(small, period))
    return {p: posted.get(p, []) for p in plan_ids}


def asked_and_refunded(lake: Lake, period: str, plan_ids: Collection[str]) -> DataFrame | None:
    """The additional dues and refunds of the corrections into the period; None: it has no correction."""
    publications = [p for p in corrections_into(lake.small, period) if p.plan_id in plan_ids]
    if not publications:
        return None
    return rows_of(lake, ADJUSTMENTS, publications).where(F.col("disposition").isin(ASKED, REFUNDED))


def rows_by_plan(rows: Iterable[Mapping]) -> dict[str, list[Mapping]]:
    """The rows by plan."""
    grouped: dict[str, list[Mapping]] = {}
    for row in rows:
        grouped.setdefault(row["plan_id"], []).append(row)
    return grouped
