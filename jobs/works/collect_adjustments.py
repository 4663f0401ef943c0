"""The corrections posted into a period, in its collection: additional dues, refunds, and their transfers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.collection.days import CollectionDays
from jobs.correction.additional_dues import (
    REFUND_OUTCOME,
    WRITTEN_OFF,
    adjustment_collections,
    refunds_as_receipts,
)
from jobs.correction.dispositions import ASKED, REFUNDED
from jobs.gate.receipts import ReceiptGate
from jobs.lake.lake import Lake
from jobs.ledger.adjustment_postings import AdjustmentTotals
from jobs.ledger.journal import Transfer
from jobs.register.publications import Publication, corrections_into, rows_of
from jobs.works.corrections import ADJUSTMENTS, transfers_of_corrections


@dataclass(frozen=True)
class AdjustmentSums:
    """One plan's additional dues as stored, and `met_fen`, all that they met."""

    totals: AdjustmentTotals

    @property
    def met_fen(self) -> int:
        return sum(self.totals.met_fen.values())


@dataclass(frozen=True)
class PeriodCorrections:
    """The corrections into the period, of the plans being collected. False: there is none."""

    lake: Lake
    period: str
    publications: tuple[Publication, ...]
    plan_ids: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.publications)

    @property
    def digests(self) -> dict[str, list[str]]:
        """By plan, what identifies them as an input of the collection."""
        digests: dict[str, list[str]] = {}
        for act in self.publications:
            digests.setdefault(act.plan_id, []).append(act.digest)
        return digests

    @cached_property
    def transfers(self) -> dict[str, list[Transfer]]:
        """By plan, the transfers that they posted."""
        return transfers_of_corrections(self.lake.small, self.period, self.plan_ids)

    def asked(self) -> DataFrame | None:
        """The additional dues; None: no correction."""
        return self._rows(ASKED) if self else None

    def with_refunds(self, receipts: ReceiptGate, bills: DataFrame, days: CollectionDays) -> ReceiptGate:
        """The receipts and the refunds that count as money of their payers, from the deduction day on."""
        if not self or not days.is_deducting:
            return receipts
        refunds = self._refunds(bills, days).select(*receipts.in_time.columns)
        return replace(receipts, in_time=receipts.in_time.unionByName(refunds))

    def refunds_as_money_fen(self, bills: DataFrame, days: CollectionDays) -> int:
        """The sum of the refunds that count as money of their payers."""
        if not self or not days.is_deducting:
            return 0
        return self._refunds(bills, days).agg(F.sum("amount_fen")).first()[0] or 0

    def _refunds(self, bills: DataFrame, days: CollectionDays) -> DataFrame:
        asked = self._rows(ASKED).select("payer_id", F.col("delta_fen").alias("due_fen"))
        owed = bills.select("payer_id", "due_fen").unionByName(asked).groupBy("payer_id")
        owed_fen = owed.agg(F.sum("due_fen").alias("owed_fen"))
        return refunds_as_receipts(self._rows(REFUNDED), owed_fen, self.period, days.deduction_on)

    def collections(self, additional: DataFrame, days: CollectionDays) -> DataFrame:
        """The rows of settled/adjustment_collections. `additional`: from the allocation."""
        return adjustment_collections(additional, self._rows(REFUNDED), days)

    def _rows(self, disposition: str) -> DataFrame:
        rows = rows_of(self.lake, ADJUSTMENTS, self.publications)
        columns = ("plan_id", "origin_period", "revision", "member_id", "payer_id", "delta_fen")
        return rows.where(F.col("disposition") == disposition).select(*columns)


def corrections_of_period(lake: Lake, period: str, plan_ids: tuple[str, ...]) -> PeriodCorrections:
    """The corrections into the period."""
    acts = tuple(act for act in corrections_into(lake.small, period) if act.plan_id in plan_ids)
    return PeriodCorrections(lake, period, acts, plan_ids)


def without_refunds(excess: DataFrame) -> tuple[DataFrame, int]:
    """The unapplied cash of receipts, and the sum that counted as refunds and met nothing: it is paid out."""
    is_refund = F.col("outcome") == REFUND_OUTCOME
    unmet_fen = excess.where(is_refund).agg(F.sum("excess_fen")).first()[0] or 0
    return excess.where(~is_refund), unmet_fen


def sums_of_adjustments(stored: DataFrame, plan_ids: tuple[str, ...]) -> dict[str, AdjustmentSums]:
    """By plan, the sums of the stored rows of settled/adjustment_collections that are additional dues."""
    groups = (
        stored.where(F.col("disposition") == ASKED)
        .groupBy("plan_id", "status", "collected_on")
        .agg(F.sum("met_fen").alias("met_fen"), F.sum("delta_fen").alias("delta_fen"))
        .collect()
    )
    met: dict[str, dict[date, int]] = {p: {} for p in plan_ids}
    lost: dict[str, int] = dict.fromkeys(plan_ids, 0)
    for group in groups:
        if group.met_fen:
            met[group.plan_id][group.collected_on] = group.met_fen
        if group.status == WRITTEN_OFF:
            lost[group.plan_id] += group.delta_fen
    return {p: AdjustmentSums(AdjustmentTotals(met[p], lost[p])) for p in plan_ids}


def none_collected(plan_ids: tuple[str, ...]) -> Mapping[str, AdjustmentSums]:
    """The sums of a period without corrections."""
    return {p: AdjustmentSums(AdjustmentTotals()) for p in plan_ids}
