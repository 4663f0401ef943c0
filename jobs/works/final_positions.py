"""What of a period's collection stands: plans that are closed, and lapses that something later was made from."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.collection.allocation import LAPSED, NETTED
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
    """By plan: `closed`, the collections of closed plans; `lapsed`, those of open plans whose lapses may stand;
    `settled`, the settlements of both; `later`, the settlements that heed the period's lapses.

    `met_fen`, `suspense_fen`: what of the period's receipts met shares of closed plans, and what stands in suspense in
    their books.
    """

    lake: Lake
    settled: Mapping[str, Publication]
    closed: Mapping[str, Publication]
    lapsed: Mapping[str, Publication]
    later: Mapping[str, list[Publication]]
    met_fen: int
    suspense_fen: int

    def __bool__(self) -> bool:
        return bool(self.closed or self.lapsed)

    @cached_property
    def lapsed_rows(self) -> DataFrame:
        """The rows of settled/collections of memberships that lapsed for good: some later settlement is without them.

        Key: plan_id, member_id.
        """
        rows = rows_of(self.lake, "settled/collections", list(self.lapsed.values()))
        lapsed = rows.where(F.col("status") == LAPSED).select(*COLLECTION)
        later = [publication for p in self.lapsed for publication in self.later[p]]
        shared = rows_of(self.lake, "settled/assessments", later).join(lapsed, KEY, "left_semi").groupBy(*KEY)
        later_count = by_plan({plan_id: F.lit(len(self.later[plan_id])) for plan_id in self.lapsed}, F.lit(0))
        with_count = lapsed.join(shared.agg(F.count(F.lit(1)).alias("shared_count")), KEY, "left")
        for_good = with_count.where(F.coalesce("shared_count", F.lit(0)) < later_count)
        return for_good.select(*COLLECTION).localCheckpoint()

    def payers_of_lapsed(self) -> DataFrame:
        """One row per payer of such a membership: payer_id, lapsed_plan (the first one), lapsed_due_fen (the least)."""
        shares = self._payers().join(self.lapsed_rows.select(*KEY, "due_fen"), KEY)
        return shares.groupBy("payer_id").agg(
            F.min("plan_id").alias("lapsed_plan"), F.min("due_fen").alias("lapsed_due_fen")
        )

    def payers_of_closed(self) -> DataFrame:
        """One row per payer with a bill of a closed plan: payer_id, closed_due_fen."""
        bills = rows_of(self.lake, "settled/bills", [self.settled[p] for p in self.closed])
        return bills.groupBy("payer_id").agg(F.sum("due_fen").alias("closed_due_fen"))

    def met(self) -> DataFrame:
        """One row per payer whose money met shares that stand: payer_id, met_fen."""
        of_closed = rows_of(self.lake, "settled/collections", list(self.closed.values()))
        in_money = of_closed.where(F.col("status") != NETTED).select(*COLLECTION).unionByName(self.lapsed_rows)
        met = self._payers().join(in_money.where("collected_fen > 0").select(*KEY, "collected_fen"), KEY)
        return met.groupBy("payer_id").agg(F.sum("collected_fen").alias("met_fen"))

    def _payers(self) -> DataFrame:
        return rows_of(self.lake, "settled/assessments", list(self.settled.values())).select(*KEY, "payer_id")


def standing_of(lake: Lake, calendar: Calendar, period: Period, open_plans: Collection[str]) -> FinalPositions:
    """What stands of the period for the collection of the plans that are open."""
    small = lake.small
    settled, collected = (published_in(small, job, str(period)) for job in ("settle", "collect"))
    closed = {p: collected[p] for p in published_in(small, "close", str(period)) if p not in open_plans}
    later = _heeding_lapses(small, calendar, period)
    lapsed = {p: collected[p] for p in open_plans if p in collected and p in later and _is_final(small, collected[p])}
    posted = [t for of_plan in transfers_of(small, list(closed.values())).values() for t in of_plan]
    cash_fen = cash_received_fen(posted)
    suspense_fen = -balance_fen(posted, SUSPENSE)
    return FinalPositions(
        lake, {p: settled[p] for p in (*closed, *lapsed)}, closed, lapsed, later, cash_fen - suspense_fen, suspense_fen
    )


def overlapping(small: SmallTables, calendar: Calendar, period: Period) -> list[Publication]:
    """The collections of earlier periods whose grace limit comes after the period's publicity day."""
    publicity_on, of = calendar.publicity_on(period), calendar.period
    return [
        publication
        for (name, _), publication in published(small, "collect").items()
        if of(name) < period and calendar.grace_ends_on(of(name)) > publicity_on
    ]


def _heeding_lapses(small: SmallTables, calendar: Calendar, period: Period) -> dict[str, list[Publication]]:
    """The settlements of later periods, by plan, that are without those whose cover the period's lapses ended."""
    ends_on = calendar.grace_ends_on(period)
    found: dict[str, list[Publication]] = {}
    for (name, plan_id), publication in published(small, "settle").items():
        later = calendar.period(name)
        if later > period and calendar.publicity_on(later) >= ends_on:
            found.setdefault(plan_id, []).append(publication)
    return found


def _is_final(small: SmallTables, collection: Publication) -> bool:
    return input_versions_of(small, collection.run_id)["stage"] == "final"
