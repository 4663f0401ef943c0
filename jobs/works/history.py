"""History for a settlement: other published periods, their residuals, benefits that counted, rates of the year."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.base.errors import Refused
from jobs.base.progress import announce
from jobs.correction.cases import aid_changes, counting_cases
from jobs.lake.lake import Lake
from jobs.lake.small import matching
from jobs.lake.sources import has_receipts
from jobs.ledger.journal import MEMBERS_RECEIVABLE, POOL
from jobs.register.publications import Publication, few_rows_of, published, rows_of
from jobs.register.runs import settings_of
from jobs.rulebook.calendar import Calendar, Period
from jobs.works.corrections import Corrections, corrections_until
from schemas import TABLES

CASES = TABLES["settled/adjusted_benefits"]
COUNTED = (
    T.StructType()
    .add("plan_id", "string")
    .add("member_id", "long")
    .add("claim_id", "long")
    .add("illness_code", "string")
    .add("period", "string")
)


@dataclass(frozen=True)
class History:
    """The settlements in force of all other periods, by plan, oldest first.

    May contain later periods when an old one is settled or compared again; methods about earlier ones filter them out.
    `settled`: the settlements of the period itself, by plan. `corrections`: those posted into the period and earlier
    ones.
    """

    lake: Lake
    calendar: Calendar
    period: Period
    publications: Mapping[str, tuple[Publication, ...]]
    settled: Mapping[str, Publication] = field(default_factory=dict)
    corrections: Corrections | None = None

    def predecessor(self, plan_id: str) -> Publication | None:
        """The settlement of the plan's previous period; None if the period is the plan's first in the lake.

        Raises Refused if the plan has other settlements, but none of its previous period.
        """
        settlements = self.publications.get(plan_id, ())
        if not settlements or (plan_id in self.settled and self.is_before_first(plan_id)):
            return None
        previous = self.calendar.previous(self.period)
        for settlement in settlements:
            if previous is not None and settlement.period == str(previous):
                return settlement
        raise Refused(_out_of_order(plan_id, self.period, previous, settlements))

    def is_before_first(self, plan_id: str) -> bool:
        """Whether the plan has settlements of other periods, and all of them are later than this period."""
        settlements = self.publications.get(plan_id, ())
        return bool(settlements) and not any(self._is_earlier(p) for p in settlements)

    def brought_forward_fen(self, plan_ids: Iterable[str]) -> dict[str, int]:
        """The residual of each plan's previous period and what corrections into this one made of it; 0 for the first
        period settled in the lake."""
        predecessors = {plan_id: self.predecessor(plan_id) for plan_id in plan_ids}
        pools, adjusted_fen = self.previous_pools, self.adjusted_fen(predecessors)
        return {p: pools[p]["carried_forward_fen"] + adjusted_fen[p] if predecessors[p] else 0 for p in predecessors}

    def adjusted_fen(self, plan_ids: Iterable[str]) -> dict[str, int]:
        """By plan, what corrections into this period add to the residual that it brings forward."""
        if self.corrections is None:
            return dict.fromkeys(plan_ids, 0)
        return self.corrections.into(str(self.period)).adjusted_fen(plan_ids)

    def corrections_of(self, plan_ids: Collection[str], periods: Iterable[Period]) -> Corrections:
        """The corrections of these closed periods and plans."""
        known = self.corrections or Corrections(self.lake)
        return known.of((str(period) for period in periods), plan_ids)

    @cached_property
    def previous_pools(self) -> dict[str, dict]:
        """The published pools of the previous period, by plan."""
        previous = self.calendar.previous(self.period)
        return {row["plan_id"]: row for row in self.few_rows("settled/pools", self.publications, [previous])}

    def residual_on_books_fen(self, plan_ids: Iterable[str], before: date, on_collected_money: bool) -> dict[str, int]:
        """By plan, the residual at 00:00 of a day: the credit balance of `pool`, after write-offs, in fen.

        On collected money, less what members still owe. 0 for a plan without a settled period. Raises Refused if the
        previous period has receipts but was not collected up to that day. If it has no receipts, the plan's residual is
        carried on billed money: what is not paid then is charged to the following period.
        """
        predecessors = {p: self.predecessor(p) for p in plan_ids}
        with_history = {p: settlement for p, settlement in predecessors.items() if settlement is not None}
        collected = published(self.lake.small, "collect")
        less_receivables = (
            self._collected_plans(list(with_history.values()), collected, before) if on_collected_money else set()
        )
        closes = self._last_closes(with_history, before)
        residual_fen = dict.fromkeys(predecessors, 0) | self._residual_at_close_fen(closes, less_receivables)
        settled = [p for plan_id in with_history for p in self.publications[plan_id]]
        posted = [*settled, *(p for p in collected.values() if p.plan_id in with_history)]
        postings = [p for p in posted if self._is_earlier(p) and self._is_after_close(p, closes)]
        for row in few_rows_of(self.lake.small, "ledger/journal", postings, f"posted_on < date '{before}'"):
            plan_id, less_owed = row["plan_id"], row["plan_id"] in less_receivables
            residual_fen[plan_id] += _counts_in_residual(row["credit_account"], less_owed) * row["amount_fen"]
            residual_fen[plan_id] -= _counts_in_residual(row["debit_account"], less_owed) * row["amount_fen"]
        # Whatever their day: those into earlier periods came before these were settled, those into this one come now.
        known = self.corrections.publications if self.corrections else ()
        corrected = [p for p in known if p.plan_id in with_history and self._is_after_close(p, closes)]
        for row in few_rows_of(self.lake.small, "settled/adjusted_pools", corrected):
            residual_fen[row["plan_id"]] += row["adjusted_fen"]
        return residual_fen

    def _last_closes(self, plan_ids: Iterable[str], before: date) -> dict[str, Publication]:
        """By plan, the last close of a period whose grace ended before the day: its balances sum up the journal so
        far."""
        closes = [
            close
            for close in published(self.lake.small, "close").values()
            if close.plan_id in plan_ids and self.calendar.grace_ends_on(self._period_of(close)) < before
        ]
        return {close.plan_id: close for close in sorted(closes, key=self._period_of)}

    def _residual_at_close_fen(
        self, closes: Mapping[str, Publication], less_receivables: Collection[str]
    ) -> dict[str, int]:
        residual_fen = dict.fromkeys(closes, 0)
        for row in few_rows_of(self.lake.small, "ledger/balances", closes.values()):
            counts = _counts_in_residual(row["account"], row["plan_id"] in less_receivables)
            residual_fen[row["plan_id"]] -= counts * row["carried_forward_fen"]  # balances are debit positive
        return residual_fen

    def _collected_plans(self, previous: list[Publication], collected: Mapping, before: date) -> set[str]:
        """The plans whose previous period was collected up to the eve of the day; raises Refused as described above."""
        eve = before - timedelta(days=1)
        collections = {p.plan_id: collected.get((p.period, p.plan_id)) for p in previous}
        runs = {p.run_id for p in collections.values() if p is not None}
        reached = {run_id: date.fromisoformat(settings_of(self.lake.small, run_id)["as_of"]) for run_id in runs}
        late = [p for p in previous if not (c := collections[p.plan_id]) or reached[c.run_id] < eve]
        for settlement in late:
            has_collection = collections[settlement.plan_id] is not None
            if has_collection or has_receipts(self.lake.small, settlement.period, before):
                raise Refused(
                    f"Plan {settlement.plan_id}, period {self.period}: the residual is carried on collected money, "
                    f"but {settlement.period} is not collected up to {eve}. Nothing was settled. Run `fentan collect "
                    f"--period {settlement.period} --as-of {eve}`, or as of a later day, first."
                )
            announce(
                f"{settlement.plan_id}: {settlement.period} has no receipts: its residual is carried on billed money"
            )
        return set(collections) - {p.plan_id for p in late}

    def counted_before(self) -> DataFrame:
        """One row per benefit that counted in an earlier period: plan_id, member_id, claim_id, illness_code, period."""
        earlier = [p for settlements in self.publications.values() for p in settlements if self._is_earlier(p)]
        if not earlier:
            return self.lake.empty(COUNTED)
        counted = rows_of(self.lake, "settled/benefits", earlier).where("counted").select(*COUNTED.names)
        added, struck_out = self._corrected_cases(earlier)
        if struck_out:
            gone = self.lake.frame(CASES, struck_out).select(
                "plan_id", "claim_id", F.col("origin_period").alias("period")
            )
            counted = counted.join(F.broadcast(gone), gone.columns, "left_anti").select(*COUNTED.names)
        if not added:
            return counted
        unknown = F.lit(None).cast("string").alias("illness_code")
        columns = ("plan_id", "member_id", "claim_id", unknown, F.col("origin_period").alias("period"))
        return counted.unionByName(self.lake.frame(CASES, added).select(*columns))

    def _corrected_cases(self, earlier: Collection[Publication]) -> tuple[list[dict], list[dict]]:
        """Of the cases that corrections of earlier periods changed, one row each: those that count only by them, and
        those that count no more."""
        case_rows = self.corrections.case_rows() if self.corrections else []
        rows = {
            (row["origin_period"], row["plan_id"], row["claim_id"]): row
            for row in case_rows
            if self.calendar.period(row["origin_period"]) < self.period
        }
        if not rows:
            return [], []
        known = matching(claim_id={claim_id for _, _, claim_id in rows})
        stored = [row for row in few_rows_of(self.lake.small, "settled/benefits", earlier, known) if row["counted"]]
        settled, now = counting_cases(stored, {}), counting_cases(stored, aid_changes(case_rows))
        added = [row for key, row in sorted(rows.items()) if key in now - settled]
        return added, [row for key, row in sorted(rows.items()) if key in settled - now]

    def few_rows(self, table: str, plan_ids: Iterable[str], periods: Iterable[Period | None]) -> list[dict]:
        """The published rows of these plans and periods, from a table of few rows."""
        return few_rows_of(self.lake.small, table, self._settlements(plan_ids, periods))

    def rows_of_plan(self, table: str, plan_id: str, periods: Iterable[Period]) -> DataFrame:
        """The published rows of one plan and these periods."""
        return rows_of(self.lake, table, self._settlements([plan_id], periods))

    def _settlements(self, plan_ids: Iterable[str], periods: Iterable[Period | None]) -> list[Publication]:
        names = {str(period) for period in periods}
        return [p for plan_id in plan_ids for p in self.publications.get(plan_id, ()) if p.period in names]

    def _is_after_close(self, publication: Publication, closes: Mapping[str, Publication]) -> bool:
        close = closes.get(publication.plan_id)
        return close is None or self._period_of(publication) > self._period_of(close)

    def _is_earlier(self, publication: Publication) -> bool:
        return self._period_of(publication) < self.period

    def _period_of(self, publication: Publication) -> Period:
        return self.calendar.period(publication.period)


def history_before(lake: Lake, calendar: Calendar, period: Period) -> History:
    """The history of a period's plans."""
    others: dict[str, list[Publication]] = {}
    of_period: dict[str, Publication] = {}
    for settlement in sorted(published(lake.small, "settle").values(), key=lambda p: calendar.period(p.period)):
        if settlement.period == str(period):
            of_period[settlement.plan_id] = settlement
        else:
            others.setdefault(settlement.plan_id, []).append(settlement)
    by_plan = {p: tuple(settlements) for p, settlements in others.items()}
    return History(lake, calendar, period, by_plan, of_period, corrections_until(lake, calendar, period))


def _counts_in_residual(account: str, less_receivables: bool) -> int:
    """1 if the account belongs to the residual, else 0."""
    return int(account == POOL or (less_receivables and account == MEMBERS_RECEIVABLE))


def _out_of_order(plan_id: str, period: Period, previous: Period | None, settlements: tuple[Publication, ...]) -> str:
    first, last = settlements[0].period, settlements[-1].period
    way_out = (
        "`fentan status` shows which periods are settled."
        if previous is None
        else f"Settle it first with `fentan settle --period {previous} --plan {plan_id}`."
    )
    return (
        f"Plan {plan_id}, period {period}: its previous period {previous} is not settled (settled: {first} to "
        f"{last}), and a plan's periods are settled in order. Nothing was settled. {way_out}"
    )
