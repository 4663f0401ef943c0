"""`fentan run`: settles, collects and closes a range of periods in the order of their days."""

import argparse
from datetime import date
from functools import partial

from jobs.base.errors import WrongUsage
from jobs.commands.generate import make_receipts
from jobs.commands.options import add_accept_lapses
from jobs.commands.run_attempts import STOPPED, EventRunner
from jobs.commands.run_schedule import events
from jobs.commands.run_walk import WalkLog, walk
from jobs.lake.lake import Lake
from jobs.lake.opening import open_lake
from jobs.lake.small import SmallTables
from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.outcome import Outcome, UntilClosed
from jobs.pipeline.request import Request, request_of
from jobs.register.publications import published, published_in
from jobs.reporting.comparison import comparison, comparison_text, whole_years
from jobs.reporting.rows import published_few_rows
from jobs.rulebook.calendar import Calendar, Period

EXAMPLES = """  fentan run --lake ./lake --from 2020-11-P1 --to 2020-12-P1
  fentan run --lake ./lake --from 2020-01-P1 --to 2020-12-P2 --sample-receipts 1     (a generated world)"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="first", required=True, metavar="A", help="first period, e.g. 2020-01-P1")
    parser.add_argument("--to", dest="last", required=True, metavar="B", help="last period; it is closed as well")
    parser.add_argument(
        "--sample-receipts",
        type=int,
        metavar="SEED",
        help="make receipts for every period once it is settled (sample worlds)",
    )
    add_accept_lapses(parser)


def run(args: argparse.Namespace) -> Outcome:
    """Carries out the events up to the day `--as-of`; events that are already done are skipped."""
    request = request_of(args)
    calendar = request.platform.calendar
    first, last = _ends(calendar, args.first, args.last)
    planned = events(calendar, first, last, request.platform.carry_on == "collected")
    due = [event for event in planned if event.day <= request.as_of]
    seed = args.sample_receipts
    purpose = f"run {first} to {last}"
    lake = open_lake(request.environment, request.lake_root, purpose, compiles_well=seed is not None)
    receive = None if seed is None else partial(make_receipts, lake, request.platform, seed=seed)
    log = walk(EventRunner(request, lake, args.accept_lapses, receive), due)
    document = _document(request, lake, log, (first, last), len(planned) - len(due))
    return Outcome(document, _text(document, request.as_of), _exit_code(log), _messages(lake.small, log))


def _ends(calendar: Calendar, first: str, last: str) -> tuple[Period, Period]:
    try:
        ends = calendar.period(first), calendar.period(last)
    except ValueError as error:
        raise WrongUsage(f"--from/--to: {error}. Nothing was done.") from error
    if ends[0] > ends[1]:
        raise WrongUsage(f"--from {first} comes after --to {last}. Nothing was done. Swap them.")
    return ends


def _document(request: Request, lake: Lake, log: WalkLog, ends: tuple[Period, Period], not_due_count: int) -> dict:
    first, last = ends
    fees = _fees(lake, [str(period) for period in request.platform.calendar.between(first, last)])
    return {
        "from": str(first),
        "to": str(last),
        "steps": log.steps,
        "stopped": {plan_id: stopped.text for plan_id, stopped in log.stopped.items()},
        "not_due_yet": not_due_count,
        "fees": fees,
        "published": _compared(request, lake, first, last) if fees and not not_due_count else [],
    }


def _text(document: dict, as_of: date) -> str:
    done_count = len(document["steps"]) - len(_stopped_steps(document["steps"]))
    lines = [
        f"{document['from']} to {document['to']}: {done_count} steps done, {document['not_due_yet']} not due by {as_of}"
    ]
    lines += [f"  {plan_id} stopped. {text}" for plan_id, text in sorted(document["stopped"].items())]
    tables = [_fee_table(document["fees"])]
    if document["published"]:
        tables.append(comparison_text(document["published"]))
    return "\n\n".join(["\n".join(lines), *tables])


def _fee_table(fees: list[dict]) -> str:
    parts = ("accrued", "received", "sponsored", "outstanding", "written_off", "result")
    rows = [[row["period"], row["plan_id"], *(yuan(row[f"{part}_fen"]) for part in parts)] for row in fees]
    columns = ["period", "plan", *(part.replace("_", " ") for part in parts)]
    return table_text("Fee (yuan)", columns, rows) if rows else ""


def _exit_code(log: WalkLog) -> int:
    exit_code = max((stopped.exit_code for stopped in log.stopped.values()), default=0)
    return exit_code or (1 if _stopped_steps(log.steps) else 0)


def _messages(small: SmallTables, log: WalkLog) -> tuple[str, ...]:
    """The messages of all steps, without advice that a later step made impossible, and why steps stopped."""
    possible = [text for message, text in log.messages.items() if _is_possible(small, message)]
    return (*possible, *(step["message"] for step in _stopped_steps(log.steps)))


def _is_possible(small: SmallTables, message: str) -> bool:
    if not isinstance(message, UntilClosed):
        return True
    closed = published_in(small, "close", message.period)
    return not all(plan_id in closed for plan_id in message.plan_ids)


def _stopped_steps(steps: list[dict]) -> list[dict]:
    return [step for step in steps if step["state"] == STOPPED]


def _compared(request: Request, lake: Lake, first: Period, last: Period) -> list[dict]:
    """The settled whole years of the range, compared with the figures that the platform published."""
    years = whole_years(request.platform.calendar, first, last)
    settled = {period[:4] for period, _ in published(lake.small, "settle")}
    return comparison(lake, request, [year for year in years if str(year) in settled])


def _fees(lake: Lake, periods: list[str]) -> list[dict]:
    """The fee ledger of the periods: for each plan the row of its latest published job."""
    return [row for row in published_few_rows(lake.small, "ledger/fee", "collect", "close") if row["period"] in periods]
