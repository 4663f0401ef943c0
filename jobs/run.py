"""`fentan run`: settles, collects and closes a range of periods in the true order of their days."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from jobs import close, collect, settle
from jobs.amounts import table_text, yuan
from jobs.cli import run_as_script
from jobs.errors import Stop, WrongUsage
from jobs.lake.lake import Lake, any_of
from jobs.lake.lock import RunLock, run_lock
from jobs.lake.publications import published, published_in
from jobs.lake.runs import killed_runs, settings_of
from jobs.lake.session import open_session
from jobs.outcome import Outcome, announce
from jobs.reporting.comparison import comparison, comparison_text, whole_years
from jobs.reporting.rows import published_rows
from jobs.request import PeriodRequest, Request, exists_in, request_of
from jobs.sample.world import write_receipts
from jobs.settlement.calendar import Calendar, Period

SUMMARY = "settle, collect and close a range of periods in the order of their days, resuming where it stopped"
EXAMPLES = """  fentan run --lake ./lake --from 2020-11-P1 --to 2020-12-P1
  fentan run --lake ./lake --from 2020-01-P1 --to 2020-12-P2 --sample-receipts 1     (a generated world)"""
# On one day what ends a period comes before what begins one.
ORDER = ("collect", "close", "settle")
DONE_BEFORE = ("already settled", "nothing to settle", "nothing new", "already closed")


@dataclass(frozen=True, order=True)
class Event:
    """One command on one day of a period's life."""

    day: date
    order: int
    period: Period

    @property
    def job(self) -> str:
        return ORDER[self.order]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="first", required=True, metavar="A", help="first period, e.g. 2020-01-P1")
    parser.add_argument("--to", dest="last", required=True, metavar="B", help="last period; it too is closed")
    parser.add_argument(
        "--sample-receipts",
        type=int,
        metavar="SEED",
        help="make receipts for every period once it is settled (sample worlds)",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Walks the events up to the day `--as-of`; what is done already is passed over."""
    request = request_of(args)
    calendar = request.platform.calendar
    first, last = _ends(calendar, args.first, args.last)
    planned = events(calendar, first, last, request.platform.carry_on == "collected")
    due = [event for event in planned if event.day <= request.as_of]
    announce("starting Spark")
    lake = Lake(open_session(request.environment, f"fentan run {first} to {last}"), request.lake_root)
    walk = Walk(request, lake, args.sample_receipts)
    for number, event in enumerate(due, start=1):
        announce(f"{number} of {len(due)}: {event.day} {event.job} {event.period}")
        walk.take(event)
    return _outcome(walk, first, last, len(planned) - len(due))


def events(calendar: Calendar, first: Period, last: Period, on_collected_money: bool) -> list[Event]:
    """Every event of the periods, in order: periods overlap, the next is settled before the last is all collected."""
    found = []
    for period in calendar.between(first, last):
        ends_on = calendar.grace_ends_on(period)
        found += [
            Event(calendar.publicity_on(period), ORDER.index("settle"), period),
            Event(calendar.deduction_on(period), ORDER.index("collect"), period),
            Event(ends_on, ORDER.index("collect"), period),
            Event(ends_on, ORDER.index("close"), period),
        ]
        following = calendar.next(period)
        if on_collected_money and following is not None:
            eve = calendar.publicity_on(following) - timedelta(days=1)
            found.append(Event(eve, ORDER.index("collect"), period))
    return sorted(found)


class Walk:
    """The plans on their way through the events: a plan that stops takes no further step, the others go on."""

    def __init__(self, request: Request, lake: Lake, receipts_seed: int | None):
        self.request, self.lake, self.receipts_seed = request, lake, receipts_seed
        self.stopped: dict[str, tuple[int, str]] = {}
        self.steps: list[dict] = []

    def take(self, event: Event) -> None:
        """Takes one step for every plan that has not stopped."""
        plan_ids = self._plans_left(event)
        if not plan_ids:
            return
        step = {"settle": self._settle, "collect": self._collect, "close": self._close}[event.job]
        step(event, plan_ids)

    def _plans_left(self, event: Event) -> tuple[str, ...]:
        """The plans that the event still concerns; nothing where all of it is done."""
        period = str(event.period)
        closed, settled = published(self.lake, "close"), published(self.lake, "settle")
        plans = [p for p in self.request.platform.plans if exists_in(self.request.platform, p, event.period)]
        left = [p for p in plans if p not in self.stopped and (period, p) not in closed]
        killed = self._killed(event)
        if event.job == "settle":
            return tuple(p for p in left if (period, p) not in settled or p in killed)
        return tuple(p for p in left if (period, p) in settled) or tuple(killed)

    def _killed(self, event: Event) -> list[str]:
        """The plans whose run of the event was killed after its publication: it passes through its command again."""
        killed = killed_runs(self.lake)
        if not killed:
            return []
        found = published_in(self.lake, event.job, str(event.period))
        return [p for p, of in found.items() if of.run_id in killed and p not in self.stopped]

    def _settle(self, event: Event, plan_ids: tuple[str, ...]) -> None:
        plan_count = sum(exists_in(self.request.platform, p, event.period) for p in self.request.platform.plans)
        if not self.stopped and len(plan_ids) == plan_count:
            outcome = self._step(event, None, settle.settle)
            if outcome is not None:
                self._note_refused(event, outcome)
                self._make_sample_receipts(event)
                return
        for plan_id in plan_ids:
            if plan_id not in self.stopped:
                self._step(event, (plan_id,), settle.settle, (plan_id,))
        self._make_sample_receipts(event)

    def _collect(self, event: Event, plan_ids: tuple[str, ...]) -> None:
        """Collects up to the day. Where other plans are further already it waits for its last day, and then goes as
        far as they did: a collection never goes back."""
        collected = published_in(self.lake, "collect", str(event.period))
        until = {p: date.fromisoformat(settings_of(self.lake, of.run_id)["as_of"]) for p, of in collected.items()}
        furthest = max([event.day, *until.values()])
        is_last = event.day == self.request.platform.calendar.grace_ends_on(event.period)
        is_left = any(until.get(p, date.min) < event.day for p in plan_ids) or self._killed(event)
        # On the last day receipts may have come since somebody collected on it.
        if is_last or (is_left and furthest == event.day):
            event = replace(event, day=furthest)
            self._step(event, None, lambda request, lock: collect.collect(request, self.lake, lock), plan_ids)

    def _close(self, event: Event, plan_ids: tuple[str, ...]) -> None:
        """Closes all plans together; where one of them cannot be closed, each on its own."""
        command = lambda request, lock: close.close(request, self.lake, lock)  # noqa: E731
        if not self.stopped and len(plan_ids) > 1 and self._step(event, plan_ids, command, is_tried=True) is not None:
            return
        for plan_id in plan_ids:
            self._step(event, (plan_id,), command, (plan_id,))

    def _step(
        self,
        event: Event,
        plan_ids: tuple[str, ...] | None,
        command: Callable[[PeriodRequest, RunLock], Outcome],
        stops: tuple[str, ...] = (),
        is_tried: bool = False,
    ) -> Outcome | None:
        """Runs one command as it would run on the event's day; on a stop the plans `stops` go no further.

        `is_tried`: a stop is not told, something else follows.
        """
        asked = replace(self.request, as_of=event.day)
        request = PeriodRequest(**vars(asked), period=event.period, plan_ids=plan_ids)
        try:
            with run_lock(
                request.lake_root, event.job, str(event.period), request.environment.lock_lease_seconds
            ) as lock:
                outcome = command(request, lock)
        except Stop as stop:
            for plan_id in stops:
                self.stopped[plan_id] = (stop.exit_code, f"{event.job} {event.period}: {stop}")
            if not is_tried:
                self._note(event, "stopped", str(stop))
            return None
        if outcome.document["state"] not in DONE_BEFORE:
            self._note(event, outcome.document["state"], "")
        return outcome

    def _note_refused(self, event: Event, outcome: Outcome) -> None:
        for plan_id, told in outcome.document.get("refused", {}).items():
            self.stopped[plan_id] = (outcome.exit_code, f"settle {event.period}: {told}")

    def _make_sample_receipts(self, event: Event) -> None:
        if self.receipts_seed is not None:
            announce(f"making receipts of {event.period}")
            write_receipts(self.lake, self.request.platform, str(event.period), self.receipts_seed)

    def _note(self, event: Event, state: str, told: str) -> None:
        self.steps.append(
            {"day": str(event.day), "job": event.job, "period": str(event.period), "state": state, "told": told}
        )


def _ends(calendar: Calendar, first: str, last: str) -> tuple[Period, Period]:
    try:
        ends = calendar.period(first), calendar.period(last)
    except ValueError as error:
        raise WrongUsage(f"--from/--to: {error}. Nothing was done.") from error
    if ends[0] > ends[1]:
        raise WrongUsage(f"--from {first} comes after --to {last}. Nothing was done. Swap them.")
    return ends


def _outcome(walk: Walk, first: Period, last: Period, not_due_count: int) -> Outcome:
    lake, periods = walk.lake, [str(p) for p in walk.request.platform.calendar.between(first, last)]
    fees = _fees(lake, periods)
    compared = _compared(walk, first, last) if fees and not not_due_count else []
    document = {
        "from": str(first),
        "to": str(last),
        "steps": walk.steps,
        "stopped": {plan_id: told for plan_id, (_, told) in walk.stopped.items()},
        "not_due_yet": not_due_count,
        "fees": fees,
        "published": compared,
    }
    done = sum(step["state"] != "stopped" for step in walk.steps)
    lines = [f"{first} to {last}: {done} steps done, {not_due_count} not due by {walk.request.as_of}"]
    lines += [f"  {plan_id} stopped. {told}" for plan_id, (_, told) in sorted(walk.stopped.items())]
    parts = ("accrued", "received", "sponsored", "outstanding", "written_off", "result")
    rows = [[row["period"], row["plan_id"], *(yuan(row[f"{part}_fen"]) for part in parts)] for row in fees]
    table = (
        table_text("Fee (yuan)", ["period", "plan", *(part.replace("_", " ") for part in parts)], rows) if rows else ""
    )
    tables = [table, comparison_text(compared)] if compared else [table]
    exit_code = max((code for code, _ in walk.stopped.values()), default=0)
    stopped = [step for step in walk.steps if step["state"] == "stopped"]
    messages = tuple(step["told"] for step in stopped)
    return Outcome(document, "\n\n".join(["\n".join(lines), *tables]), exit_code or (1 if stopped else 0), messages)


def _compared(walk: Walk, first: Period, last: Period) -> list[dict]:
    """The whole years walked, beside what the platform published of them."""
    years = whole_years(walk.request.platform.calendar, first, last)
    settled = {period[:4] for period, _ in published(walk.lake, "settle")}
    return comparison(walk.lake, walk.request, [year for year in years if str(year) in settled])


def _fees(lake: Lake, periods: list[str]) -> list[dict]:
    """The fee ledger of the periods: of each plan the row of its latest published job."""
    rows = published_rows(lake, "ledger/fee", "collect", "close").where(any_of("period", periods)).collect()
    return sorted((row.asDict() for row in rows), key=lambda row: (row["period"], row["plan_id"]))


if __name__ == "__main__":
    run_as_script("run")
