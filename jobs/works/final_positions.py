"""Which parts of a period's collection are final: closed plans, and lapses that a later settlement relied on."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.collection.set_off_and_lapse import LAPSED, is_set_off
from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables
from jobs.ledger.journal import SUSPENSE, balance_fen, cash_received_fen
from jobs.register.books import transfers_of
from jobs.register.publications import Publication, published, published_in, rows_of
from jobs.register.runs import input_versions_of
from jobs.rulebook.calendar import Calendar, Period
from jobs.spark.by_plan import by_plan

KEY = ["plan_id", "member_id"]
COLLECTION = (*KEY, "due_fen", "collected_fen", "status", "collected_on")


@dataclass(frozen=True)
class FinalPositions:
    """The final part of a period's collection. Maps are by plan.

    `closed`: collections of closed plans. `lapsed`: collections of open plans that may contain final lapses. `settled`:
    the settlements of both. `later`: later settlements, which already exclude the members lapsed here.
    `allocated_fen`, `suspense_fen`: the period's receipts in the books of closed plans, allocated to shares or in
    suspense. `grace_ends_on`: the day of set-offs, before which all cash came that met a share.
    """

    lake: Lake
    settled: Mapping[str, Publication]
    closed: Mapping[str, Publication]
    lapsed: Mapping[str, Publication]
    later: Mapping[str, list[Publication]]
    allocated_fen: int
    suspense_fen: int
    grace_ends_on: date

    def __bool__(self) -> bool:
        return bool(self.closed or self.lapsed)

    @cached_property
    def final_lapses(self) -> DataFrame:
        """The rows of settled/collections whose lapse is final: some later settlement did not assess the member.

        Key: plan_id, member_id.
        """
        rows = rows_of(self.lake, "settled/collections", list(self.lapsed.values()))
        lapsed = rows.where(F.col("status") == LAPSED).select(*COLLECTION)
        later = [publication for p in self.lapsed for publication in self.later[p]]
        assessed = rows_of(self.lake, "settled/assessments", later).join(lapsed, KEY, "left_semi").groupBy(*KEY)
        later_count = by_plan({plan_id: F.lit(len(self.later[plan_id])) for plan_id in self.lapsed}, F.lit(0))
        with_count = lapsed.join(assessed.agg(F.count(F.lit(1)).alias("assessed_count")), KEY, "left")
        final_lapses = with_count.where(F.coalesce("assessed_count", F.lit(0)) < later_count)
        return final_lapses.select(*COLLECTION).localCheckpoint()

    def payers_of_lapsed(self) -> DataFrame:
        """One row per payer with a final lapse: payer_id, lapsed_plan (the first), lapsed_due_fen (the smallest)."""
        shares = self._payers().join(self.final_lapses.select(*KEY, "due_fen"), KEY)
        return shares.groupBy("payer_id").agg(
            F.min("plan_id").alias("lapsed_plan"), F.min("due_fen").alias("lapsed_due_fen")
        )

    def payers_of_closed(self) -> DataFrame:
        """One row per payer with a bill of a closed plan: payer_id, closed_due_fen."""
        bills = rows_of(self.lake, "settled/bills", [self.settled[p] for p in self.closed])
        return bills.groupBy("payer_id").agg(F.sum("due_fen").alias("closed_due_fen"))

    def allocated_by_payer(self) -> DataFrame:
        """One row per payer whose receipts are already allocated to final shares: payer_id, met_fen."""
        closed_rows = rows_of(self.lake, "settled/collections", list(self.closed.values()))
        final_rows = closed_rows.select(*COLLECTION).unionByName(self.final_lapses)
        paid_in_cash = final_rows.where("collected_fen > 0").where(~is_set_off(self.grace_ends_on))
        allocated = self._payers().join(paid_in_cash.select(*KEY, "collected_fen"), KEY)
        return allocated.groupBy("payer_id").agg(F.sum("collected_fen").alias("met_fen"))

    def _payers(self) -> DataFrame:
        return rows_of(self.lake, "settled/assessments", list(self.settled.values())).select(*KEY, "payer_id")


def final_positions_of(lake: Lake, calendar: Calendar, period: Period, open_plans: Collection[str]) -> FinalPositions:
    """The positions that a new collection of the open plans must leave as they are."""
    small = lake.small
    settled, collected = (published_in(small, job, str(period)) for job in ("settle", "collect"))
    closed = {p: collected[p] for p in published_in(small, "close", str(period)) if p not in open_plans}
    later = _later_settlements(small, calendar, period)
    lapsed = {p: collected[p] for p in open_plans if p in collected and p in later and _is_final(small, collected[p])}
    posted = [t for transfers in transfers_of(small, list(closed.values())).values() for t in transfers]
    cash_fen = cash_received_fen(posted)
    suspense_fen = -balance_fen(posted, SUSPENSE)
    return FinalPositions(
        lake,
        {p: settled[p] for p in (*closed, *lapsed)},
        closed,
        lapsed,
        later,
        cash_fen - suspense_fen,
        suspense_fen,
        calendar.grace_ends_on(period),
    )


def overlapping_collections(small: SmallTables, calendar: Calendar, period: Period) -> list[Publication]:
    """The collections of earlier periods whose grace limit comes after the period's publicity day."""
    publicity_on = calendar.publicity_on(period)
    return [
        publication
        for (name, _), publication in published(small, "collect").items()
        if (earlier := calendar.period(name)) < period and calendar.grace_ends_on(earlier) > publicity_on
    ]


def _later_settlements(small: SmallTables, calendar: Calendar, period: Period) -> dict[str, list[Publication]]:
    """Settlements of later periods, by plan, that became public after the period's lapses and exclude their members."""
    grace_ends_on = calendar.grace_ends_on(period)
    settlements: dict[str, list[Publication]] = {}
    for (name, plan_id), publication in published(small, "settle").items():
        later = calendar.period(name)
        if later > period and calendar.publicity_on(later) >= grace_ends_on:
            settlements.setdefault(plan_id, []).append(publication)
    return settlements


def _is_final(small: SmallTables, collection: Publication) -> bool:
    return input_versions_of(small, collection.run_id)["stage"] == "final"
