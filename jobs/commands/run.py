"""`fentan run`: settles, collects and closes a range of periods in the true order of their days."""

import argparse

from jobs.commands.generate import make_receipts
from jobs.commands.options import add_accept_lapses
from jobs.commands.run_walk import Walk, events
from jobs.errors import WrongUsage
from jobs.lake.lake import Lake
from jobs.lake.opening import open_lake
from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import request_of
from jobs.progress import announce
from jobs.register.publications import published
from jobs.reporting.comparison import comparison, comparison_text, whole_years
from jobs.reporting.rows import published_few_rows
from jobs.rulebook.calendar import Calendar, Period

EXAMPLES = """  fentan run --lake ./lake --from 2020-11-P1 --to 2020-12-P1
  fentan run --lake ./lake --from 2020-01-P1 --to 2020-12-P2 --sample-receipts 1     (a generated world)"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="first", required=True, metavar="A", help="first period, e.g. 2020-01-P1")
    parser.add_argument("--to", dest="last", required=True, metavar="B", help="last period; it too is closed")
    parser.add_argument(
        "--sample-receipts",
        type=int,
        metavar="SEED",
        help="make receipts for every period once it is settled (sample worlds)",
    )
    add_accept_lapses(parser)


def run(args: argparse.Namespace) -> Outcome:
    """Walks the events up to the day `--as-of`; what is done already is passed over."""
    request = request_of(args)
    calendar = request.platform.calendar
    first, last = _ends(calendar, args.first, args.last)
    planned = events(calendar, first, last, request.platform.carry_on == "collected")
    due = [event for event in planned if event.day <= request.as_of]
    lake = open_lake(request.environment, request.lake_root, f"run {first} to {last}")
    seed = args.sample_receipts
    receipts = None if seed is None else lambda period: make_receipts(lake, request.platform, period, seed)
    walk = Walk(request, lake, receipts, args.accept_lapses)
    for number, event in enumerate(due, start=1):
        announce(f"{number} of {len(due)}: {event.day} {event.job} {event.period}")
        walk.take(event)
    return _outcome(walk, first, last, len(planned) - len(due))


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
        "stopped": {plan_id: told for plan_id, (_, _, told) in walk.stopped.items()},
        "not_due_yet": not_due_count,
        "fees": fees,
        "published": compared,
    }
    done = sum(step["state"] != "stopped" for step in walk.steps)
    lines = [f"{first} to {last}: {done} steps done, {not_due_count} not due by {walk.request.as_of}"]
    lines += [f"  {plan_id} stopped. {told}" for plan_id, (_, _, told) in sorted(walk.stopped.items())]
    parts = ("accrued", "received", "sponsored", "outstanding", "written_off", "result")
    rows = [[row["period"], row["plan_id"], *(yuan(row[f"{part}_fen"]) for part in parts)] for row in fees]
    table = (
        table_text("Fee (yuan)", ["period", "plan", *(part.replace("_", " ") for part in parts)], rows) if rows else ""
    )
    tables = [table, comparison_text(compared)] if compared else [table]
    exit_code = max((code for _, code, _ in walk.stopped.values()), default=0)
    stopped = [step for step in walk.steps if step["state"] == "stopped"]
    messages = (*walk.messages.values(), *(step["told"] for step in stopped))
    return Outcome(document, "\n\n".join(["\n".join(lines), *tables]), exit_code or (1 if stopped else 0), messages)


def _compared(walk: Walk, first: Period, last: Period) -> list[dict]:
    """The whole years walked, beside what the platform published of them."""
    years = whole_years(walk.request.platform.calendar, first, last)
    settled = {period[:4] for period, _ in published(walk.lake.small, "settle")}
    return comparison(walk.lake, walk.request, [year for year in years if str(year) in settled])


def _fees(lake: Lake, periods: list[str]) -> list[dict]:
    """The fee ledger of the periods: of each plan the row of its latest published job."""
    return [row for row in published_few_rows(lake.small, "ledger/fee", "collect", "close") if row["period"] in periods]
