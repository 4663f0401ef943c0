"""`fentan demo`: generates a realistic world, settles, collects and closes two periods of it, and shows the results."""

import argparse
import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from jobs.base.errors import WrongUsage
from jobs.base.progress import announce
from jobs.commands import report
from jobs.commands.demo_shown import results_of, text_of
from jobs.commands.explain import MemberPeriod
from jobs.commands.generate import make_receipts
from jobs.commands.options import member_count
from jobs.commands.run_attempts import EventRunner
from jobs.commands.run_schedule import Event, events
from jobs.commands.run_walk import WalkLog, walk
from jobs.lake.lake import Lake
from jobs.lake.lock import run_lock
from jobs.lake.opening import open_lake
from jobs.lake.storage import LOCK_FILE, is_local, local_folder
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.query import carry_out_query
from jobs.pipeline.request import PeriodRequest, Request, request_of
from jobs.reporting.masking import DEFAULT_FLOOR
from jobs.reporting.rows import published_few_rows
from jobs.rulebook.calendar import Calendar, Period
from jobs.rulebook.rules import Platform
from jobs.sample.population import steady_member_id
from jobs.sample.world import World, write_world

EXAMPLES = """  fentan demo
  fentan demo --lake ./lake --members 200k"""

# The world has the sources of one period more, which the user may settle.
FIRST, LAST, NEXT = "2020-11-P2", "2020-12-P1", "2020-12-P2"
# The plans with cases in every period. In the others of the reference platform nearly all figures would be zero.
PLANS = ("critical_illness", "senior_cancer")
SEED, DEFECTS_PPM = 1, 200
MARKER, COMPLETE = "_fentan_demo", "complete"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--members",
        type=member_count,
        default=1_000_000,
        metavar="N",
        help="approximate number of members of a new world: 200k, 1m (default 1m)",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Generates the world if it does not exist yet, carries out what is left of the two periods, shows the results."""
    if not is_local(args.lake):
        raise WrongUsage(f"--lake {args.lake}: the demo makes a local folder. Nothing was done. Name a local folder.")
    folder = local_folder(args.lake)
    _prepare_folder(folder)
    request = request_of(args)
    calendar = request.platform.calendar
    first, last, following = (calendar.period(name) for name in (FIRST, LAST, NEXT))
    lake = open_lake(request.environment, request.lake_root, "demo", rows_to_come=args.members)
    _generate(lake, request, folder, args.members, (first, following))
    log = _live(lake, request, _schedule(calendar, first, last))
    if log.stopped:
        return _stopped(args.lake, log)
    pages = _pages(args, lake, last, is_new=bool(log.steps))
    document = {"lake": args.lake, "next": NEXT, "pages": pages, **results_of(lake.small, request, (FIRST, LAST))}
    document["member"] = _member(request, last, document["pools"])
    return Outcome(document, text_of(document))


def _prepare_folder(folder: Path) -> None:
    """Makes sure the folder is new, empty or made by an earlier demo; raises WrongUsage for any other folder."""
    marker = folder / MARKER
    if folder.exists() and any(folder.iterdir()) and not marker.exists():
        raise WrongUsage(
            f"Lake {folder}: the folder holds files that the demo did not make. Nothing was done. Name another with "
            "--lake."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        marker.touch()
    except OSError as error:
        raise WrongUsage(
            f"Lake {folder}: not writable ({error.strerror}). Nothing was done. Name another with --lake."
        ) from error


def _generate(lake: Lake, request: Request, folder: Path, members: int, ends: tuple[Period, Period]) -> None:
    """Writes the sources unless the marker says that they are complete. What an interrupted demo left is deleted."""
    marker = folder / MARKER
    with run_lock(lake.small, "demo", str(ends[1]), request.environment.lock_lease_seconds):
        if marker.read_text() == COMPLETE:
            return
        _clear(folder)
        lake.start()
        announce(f"generating a world of {members:,} members")
        write_world(lake, request.platform, World(members, *ends, SEED, DEFECTS_PPM, _plans_of(request.platform)))
        marker.write_text(COMPLETE)


def _clear(folder: Path) -> None:
    """Deletes every table and page of the lake, but not the run lock."""
    lock = folder / LOCK_FILE
    for room in (path for path in folder.iterdir() if path.is_dir()):
        if room != lock.parent:
            shutil.rmtree(room)
    for table in (path for path in lock.parent.iterdir() if path.is_dir()):
        shutil.rmtree(table)


def _plans_of(platform: Platform) -> tuple[str, ...] | None:
    """The plans of the world; None, all plans, for a platform that lacks those of the reference platform."""
    return PLANS if set(PLANS) <= set(platform.plans) else None


def _schedule(calendar: Calendar, first: Period, last: Period) -> list[Event]:
    """The events of the periods. Each is collected once, at its grace limit: that takes in all earlier receipts."""
    planned = events(calendar, first, last, on_collected_money=False)
    return [e for e in planned if e.job != "collect" or e.day == calendar.grace_ends_on(e.period)]


def _live(lake: Lake, request: Request, planned: Sequence[Event]) -> WalkLog:
    """Carries out the events that are still to be done."""
    receive = partial(make_receipts, lake, request.platform, seed=SEED)
    as_of_last_day = replace(request, as_of=planned[-1].day)
    return walk(EventRunner(as_of_last_day, lake, None, receive), planned)


def _stopped(lake: str, log: WalkLog) -> Outcome:
    reasons = {plan_id: stopped.text for plan_id, stopped in log.stopped.items()}
    text = "\n".join(f"{plan_id} stopped. {reason}" for plan_id, reason in sorted(reasons.items()))
    exit_code = max(stopped.exit_code for stopped in log.stopped.values())
    return Outcome({"lake": lake, "stopped": reasons}, text, exit_code)


def _pages(args: argparse.Namespace, lake: Lake, period: Period, is_new: bool) -> list[str]:
    """The paths of the pages of the period, made if they are missing or if `is_new`: the period has just changed."""
    if is_new or not published_few_rows(lake.small, "report/period_summary", period=str(period)):
        report.run(argparse.Namespace(**vars(args), period=str(period), year=None, floor=DEFAULT_FLOOR))
    return sorted(path.name for path in (local_folder(args.lake) / "report" / "html").glob("*.html"))


def _member(request: Request, period: Period, pools: Sequence[dict]) -> dict:
    """The explanation of one member of the largest plan."""
    largest = max(pools, key=lambda pool: (pool["period"] == str(period), pool["covered_count"]))["plan_id"]
    member_id = steady_member_id(request.platform, largest)
    period_request = PeriodRequest(**vars(request), period=period, plan_ids=(largest,))
    return carry_out_query(MemberPeriod(member_id), period_request).document
