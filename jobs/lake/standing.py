"""What of a period's collection stands: plans that are closed, and lapses that something later was made from."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.lake.lake import Lake
from jobs.lake.ledger import transfers_of
from jobs.lake.publications import Publication, published, published_in, rows_of
from jobs.lake.runs import input_versions_of
from jobs.settlement.calendar import Calendar, Period
from jobs.settlement.collection import LAPSED, NETTED
from jobs.settlement.journal import CASH, SUSPENSE, balance_fen, moved_fen

KEY = ["plan_id", "member_id"]
COLLECTION = (*KEY, "due_fen", "collected_fen", "status", "collected_on")


@dataclass(frozen=True)
class Standing:
    """By plan: `closed`, the collections of closed plans; `lapsed`, those of open plans whose lapses stand; `settled`,
    the settlements of both.

    `met_fen`, `suspense_fen`: what of the period's receipts met shares of closed plans, and what stands in suspense in
    their books.
    """

    lake: Lake
    settled: Mapping[str, Publication]
    closed: Mapping[str, Publication]
    lapsed: Mapping[str, Publication]
    met_fen: int
    suspense_fen: int

    def __bool__(self) -> bool:
        return bool(self.closed or self.lapsed)

    def lapsed_rows(self) -> DataFrame:
        """The rows of settled/collections of memberships that lapsed for good. Key: plan_id, member_id."""
        rows = rows_of(self.lake, "settled/collections", list(self.lapsed.values()))
        return rows.where(F.col("status") == LAPSED).select(*COLLECTION)

    def payers_of_lapsed(self) -> DataFrame:
        """One row per payer of such a membership: payer_id, lapsed_plan (the first one with it)."""
        shares = self._payers().join(self.lapsed_rows(), KEY, "left_semi")
        return shares.groupBy("payer_id").agg(F.min("plan_id").alias("lapsed_plan"))

    def met(self) -> DataFrame:
        """One row per payer whose money met shares that stand: payer_id, met_fen."""
        of_closed = rows_of(self.lake, "settled/collections", list(self.closed.values()))
        in_money = of_closed.where(F.col("status") != NETTED).select(*COLLECTION).unionByName(self.lapsed_rows())
        met = self._payers().join(in_money.where("collected_fen > 0").select(*KEY, "collected_fen"), KEY)
        return met.groupBy("payer_id").agg(F.sum("collected_fen").alias("met_fen"))

    def _payers(self) -> DataFrame:
        return rows_of(self.lake, "settled/assessments", list(self.settled.values())).select(*KEY, "payer_id")


def standing_of(lake: Lake, calendar: Calendar, period: Period, open_plans: Collection[str]) -> Standing:
    """What stands of the period for the collection of the plans that are open."""
    settled, collected = (published_in(lake, job, str(period)) for job in ("settle", "collect"))
    closed = {p: collected[p] for p in published_in(lake, "close", str(period)) if p not in open_plans}
    used = _plans_with_lapses_in_use(lake, calendar, period)
    lapsed = {p: collected[p] for p in open_plans if p in collected and p in used and _is_final(lake, collected[p])}
    posted = [t for of_plan in transfers_of(lake, list(closed.values())).values() for t in of_plan]
    cash_fen = moved_fen(posted, debit_account=CASH) - moved_fen(posted, SUSPENSE, CASH)
    suspense_fen = -balance_fen(posted, SUSPENSE)
    return Standing(
        lake, {p: settled[p] for p in (*closed, *lapsed)}, closed, lapsed, cash_fen - suspense_fen, suspense_fen
    )


def _plans_with_lapses_in_use(lake: Lake, calendar: Calendar, period: Period) -> set[str]:
    """The plans of which a later period was settled without those whose cover the period's lapses ended, or was
    collected to its end, counting them as ended."""
    ends_on = calendar.grace_ends_on(period)
    later = lambda of: calendar.period(of) > period  # noqa: E731
    public_on = lambda of: calendar.publicity_on(calendar.period(of))  # noqa: E731
    settled = {plan_id for of, plan_id in published(lake, "settle") if later(of) and public_on(of) >= ends_on}
    collected = {
        plan_id for (of, plan_id), found in published(lake, "collect").items() if later(of) and _is_final(lake, found)
    }
    return settled | collected


def _is_final(lake: Lake, collection: Publication) -> bool:
    return input_versions_of(lake, collection.run_id)["stage"] == "final"
