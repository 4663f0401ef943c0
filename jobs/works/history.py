"""What other settlements of a lake left: published periods, residuals, benefits that counted, rates of the year."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from pyspark.sql import DataFrame
from pyspark.sql import types as T

from jobs.errors import Refused
from jobs.lake.lake import Lake
from jobs.lake.sources import has_receipts
from jobs.ledger.journal import MEMBERS_RECEIVABLE, POOL
from jobs.progress import announce
from jobs.register.publications import Publication, few_rows_of, published, rows_of
from jobs.register.runs import settings_of
from jobs.rulebook.calendar import Calendar, Period

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
    """The publications in force of every other period, by plan, oldest first.

    Later ones too, where a period is looked at again: what reads earlier ones says so.
    """

    lake: Lake
    calendar: Calendar
    period: Period
    publications: Mapping[str, tuple[Publication, ...]]

    def predecessor(self, plan_id: str) -> Publication | None:
        """The publication of the plan's previous period; raises Refused where periods would not be in order."""
        of_plan = self.publications.get(plan_id, ())
        if not of_plan:
            return None
        previous = self.calendar.previous(self.period)
        for publication in of_plan:
            if previous is not None and publication.period == str(previous):
                return publication
        raise Refused(_out_of_order(plan_id, self.period, previous, of_plan))

    def brought_forward_fen(self, plan_ids: Iterable[str]) -> dict[str, int]:
        """The residual of each plan's previous period; 0 for the first period settled in the lake."""
        predecessors = {plan_id: self.predecessor(plan_id) for plan_id in plan_ids}
        found = {plan_id: pool["carried_forward_fen"] for plan_id, pool in self.previous_pools.items()}
        return {plan_id: found[plan_id] if predecessors[plan_id] else 0 for plan_id in predecessors}

    @cached_property
    def previous_pools(self) -> dict[str, dict]:
        """The pools of the previous period, by plan. They are published: they are read once."""
        previous = self.calendar.previous(self.period)
        return {row["plan_id"]: row for row in self.few_rows("settled/pools", self.publications, [previous])}

    def residual_on_books_fen(self, plan_ids: Iterable[str], before: date, on_collected_money: bool) -> dict[str, int]:
        """What the books hold for each plan at 00:00 of a day: the credit balance of `pool`, after dues given up.

        On collected money, less what members still owe. 0 for a plan without a settled period. Raises Refused where
        receipts of the previous period are there and were not collected up to that day; where none is there, the plan's
        residual is carried on billed money: what then does not come in is asked of the period after.
        """
        settled = {p: self.predecessor(p) for p in plan_ids}
        known = [p for p, publication in settled.items() if publication is not None]
        collected = published(self.lake.small, "collect")
        less_owed = (
            self._collected_plans([settled[p] for p in known], collected, before) if on_collected_money else set()
        )
        closed = self._last_closed(known, before)
        found = dict.fromkeys(settled, 0) | self._closed_with_fen(closed, less_owed)
        of_plans = [p for plan_id in known for p in self.publications[plan_id] if self._is_earlier(p)]
        of_plans += [p for p in collected.values() if p.plan_id in known and self._is_earlier(p)]
        of_plans = [p for p in of_plans if p.plan_id not in closed or self._is_later(p, closed[p.plan_id])]
        if not of_plans:
            return found
        for row in few_rows_of(self.lake.small, "ledger/journal", of_plans, f"posted_on < date '{before}'"):
            plan_id, on_collected = row["plan_id"], row["plan_id"] in less_owed
            found[plan_id] += _bears_on_residual(row["credit_account"], on_collected) * row["amount_fen"]
            found[plan_id] -= _bears_on_residual(row["debit_account"], on_collected) * row["amount_fen"]
        return found

    def _last_closed(self, plan_ids: Iterable[str], before: date) -> dict[str, Publication]:
        """The last close of each plan whose period was over before the day: its balances stand for the journal up to
        it."""
        over = [
            p for p in published(self.lake.small, "close").values()
            if p.plan_id in plan_ids and self.calendar.grace_ends_on(self.calendar.period(p.period)) < before
        ]  # fmt: skip
        return {p.plan_id: p for p in sorted(over, key=lambda p: self.calendar.period(p.period))}

    def _closed_with_fen(self, closed: Mapping[str, Publication], less_owed: Collection[str]) -> dict[str, int]:
        found = dict.fromkeys(closed, 0)
        for row in few_rows_of(self.lake.small, "ledger/balances", closed.values()):
            bears = _bears_on_residual(row["account"], row["plan_id"] in less_owed)
            found[row["plan_id"]] -= bears * row["carried_forward_fen"]  # debit positive, the residual is a credit
        return found

    def _collected_plans(self, previous: list[Publication], collected: Mapping, before: date) -> set[str]:
        """The plans whose previous period was collected up to the eve of the day; raises Refused as said above."""
        eve = before - timedelta(days=1)
        of_previous = {p.plan_id: collected.get((p.period, p.plan_id)) for p in previous}
        runs = {p.run_id for p in of_previous.values() if p is not None}
        as_of = {run_id: settings_of(self.lake.small, run_id)["as_of"] for run_id in runs}
        is_late = lambda p: p is None or date.fromisoformat(as_of[p.run_id]) < eve  # noqa: E731
        late = [p for p in previous if is_late(of_previous[p.plan_id])]
        for publication in late:
            if of_previous[publication.plan_id] is not None or has_receipts(
                self.lake.small, publication.period, before
            ):
                raise Refused(
                    f"Plan {publication.plan_id}, period {self.period}: the residual is carried on collected money, "
                    f"but {publication.period} is not collected up to {eve}. Nothing was settled. Run `fentan "
                    f"collect --period {publication.period}` as of that day or later first."
                )
            announce(
                f"{publication.plan_id}: no receipt of {publication.period} is there: its residual is carried on "
                "billed money"
            )
        return set(of_previous) - {p.plan_id for p in late}

    def counted_before(self) -> DataFrame:
        """One row per benefit that counted in an earlier period: plan_id, member_id, claim_id, illness_code, period."""
        earlier = [p for of_plan in self.publications.values() for p in of_plan if self._is_earlier(p)]
        if not earlier:
            return self.lake.empty(COUNTED)
        counted = rows_of(self.lake, "settled/benefits", earlier).where("counted")
        return counted.select(*COUNTED.names)

    def few_rows(self, table: str, plan_ids: Iterable[str], periods: Iterable[Period | None]) -> list[dict]:
        """The published rows of the plans' periods, of a table of few rows."""
        return few_rows_of(self.lake.small, table, self._of(plan_ids, periods))

    def rows_of_plan(self, table: str, plan_id: str, periods: Iterable[Period]) -> DataFrame:
        """The published rows of a plan's periods."""
        return rows_of(self.lake, table, self._of([plan_id], periods))

    def _of(self, plan_ids: Iterable[str], periods: Iterable[Period | None]) -> list[Publication]:
        names = {str(period) for period in periods}
        return [p for plan_id in plan_ids for p in self.publications.get(plan_id, ()) if p.period in names]

    def _is_later(self, publication: Publication, other: Publication) -> bool:
        return self.calendar.period(publication.period) > self.calendar.period(other.period)

    def _is_earlier(self, publication: Publication) -> bool:
        return self.calendar.period(publication.period) < self.period


def history_before(lake: Lake, calendar: Calendar, period: Period) -> tuple[History, dict[str, Publication]]:
    """The lake's history as seen from a period, and the publications of the period itself, by plan."""
    by_plan: dict[str, list[Publication]] = {}
    of_period: dict[str, Publication] = {}
    for publication in sorted(published(lake.small, "settle").values(), key=lambda p: calendar.period(p.period)):
        if publication.period == str(period):
            of_period[publication.plan_id] = publication
        else:
            by_plan.setdefault(publication.plan_id, []).append(publication)
    return History(lake, calendar, period, {plan_id: tuple(rows) for plan_id, rows in by_plan.items()}), of_period


def _bears_on_residual(account: str, on_collected_money: bool) -> int:
    return int(account == POOL or (on_collected_money and account == MEMBERS_RECEIVABLE))


def _out_of_order(plan_id: str, period: Period, previous: Period | None, of_plan: tuple[Publication, ...]) -> str:
    first, last = of_plan[0].period, of_plan[-1].period
    return (
        f"Plan {plan_id}, period {period}: its previous period {previous} is not settled (settled: {first} to "
        f"{last}), and a plan's periods are settled in order. Nothing was settled. Settle {previous} first."
    )
