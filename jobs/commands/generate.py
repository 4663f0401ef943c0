"""`fentan generate`: sample sources of any size, calibrated to the published figures."""

import argparse
from decimal import Decimal, InvalidOperation
from pathlib import Path

from jobs.base.errors import WrongUsage
from jobs.base.progress import announce
from jobs.commands.options import member_count
from jobs.lake.lake import Lake
from jobs.lake.lock import run_lock
from jobs.lake.opening import open_lake
from jobs.lake.storage import is_local, local_folder
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import Request, new_lake_request_of
from jobs.rulebook.calendar import Period
from jobs.rulebook.rules import Platform
from jobs.sample import published
from jobs.sample.population import World
from jobs.sample.world import existing_sources, write_published, write_receipts, write_world

EXAMPLES = """  fentan generate --lake ./lake --members 100k --periods 2020-11-P1..2020-12-P2 --seed 1
  fentan generate --lake ./lake --members 1m --periods 2019-01-P2..2021-12-P2 --seed 1 --defects 0.1%
  fentan generate --lake ./lake --published 2020-12-P1 --scale 1000
  fentan generate --lake ./lake --receipts 2020-12-P1          (once the period is settled)"""

MILLION = 1_000_000
DEFAULT_SCALE = 1_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--members",
        type=member_count,
        metavar="N",
        help="approximate number of memberships in force at the end: 100k, 1_000_000, 1m",
    )
    parser.add_argument("--periods", metavar="A..B", help="range of periods, e.g. 2020-11-P1..2020-12-P2")
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="the same seed makes the same rows (default 1)"
    )
    parser.add_argument(
        "--defects", type=_rate_ppm, default=0, metavar="RATE", help="rate of each kind of bad row, e.g. 0.001 or 0.1%%"
    )
    parser.add_argument("--plan", nargs="+", action="extend", metavar="ID", help="only these plans (default: all)")
    parser.add_argument(
        "--published", choices=[published.PERIOD], metavar="P", help=f"the published period {published.PERIOD} instead"
    )
    parser.add_argument(
        "--scale", type=int, metavar="N", help=f"divides its members and amounts (default {DEFAULT_SCALE})"
    )
    parser.add_argument("--receipts", metavar="P", help="only add the receipts of a settled period")
    parser.add_argument("--overwrite", action="store_true", help="replace existing source tables")


def run(args: argparse.Namespace) -> Outcome:
    """Writes the sources of a lake and shows the row count of each table."""
    _check_arguments(args)
    request = new_lake_request_of(args)
    platform = request.platform
    if args.receipts:
        return _receipts(args, request)
    world = None if args.published else _world(args, platform)
    _make_folder(args.lake)
    lake = open_lake(request.environment, request.lake_root, "generate", compiles_well=True)
    period = str(world.last if world else args.published)
    with run_lock(lake.small, "generate", period, request.environment.lock_lease_seconds):
        _refuse_to_overwrite(lake, args)
        lake.start()
        if world:
            counts = write_world(lake, platform, world)
        else:
            counts = write_published(lake, platform, args.seed, args.scale or DEFAULT_SCALE)
    return _outcome(args, counts)


def _receipts(args: argparse.Namespace, request: Request) -> Outcome:
    period = str(_period(request.platform, "--receipts", args.receipts))
    lake = open_lake(request.environment, request.lake_root, "generate", compiles_well=True)
    with run_lock(lake.small, "generate", period, request.environment.lock_lease_seconds):
        count = make_receipts(lake, request.platform, period, args.seed)
    if not count:
        raise WrongUsage(
            f"--receipts {period}: no bill of the period has a due. Nothing was generated. Settle one with claims."
        )
    return Outcome({"lake": args.lake, "period": period, "rows": count}, f"{count:,} receipts of {period} written")


def make_receipts(lake: Lake, platform: Platform, period: str, seed: int) -> int:
    """Makes the receipts of a settled period of a sample world; returns their count."""
    lake.start()
    announce(f"making receipts of {period}")
    return write_receipts(lake, platform, period, seed)


def _check_arguments(args: argparse.Namespace) -> None:
    required = {"--members": args.members, "--periods": args.periods}
    if args.receipts:
        return
    if args.published:
        others = {**required, "--plan": args.plan, "--defects": args.defects or None}
        extra = [name for name, value in others.items() if value is not None]
        if extra:
            raise WrongUsage(f"--published says what to generate: leave out {', '.join(extra)}. Nothing was generated.")
        return
    missing = [name for name, value in required.items() if value is None]
    if missing:
        raise WrongUsage(f"{' and '.join(missing)} must be given, or --published. Nothing was generated.")
    if args.scale is not None:
        raise WrongUsage("--scale goes with --published only. Nothing was generated. Choose the size by --members.")


def _world(args: argparse.Namespace, platform: Platform) -> World:
    first, last = (_period(platform, "--periods", name) for name in _ends(args.periods))
    if first > last:
        raise WrongUsage(f"--periods {args.periods}: {first} comes after {last}. Nothing was generated. Swap them.")
    return World(args.members, first, last, args.seed, args.defects, tuple(args.plan) if args.plan else None)


def _ends(text: str) -> tuple[str, str]:
    """The two ends of A..B."""
    first, separator, last = text.partition("..")
    if not separator:
        raise WrongUsage(f"--periods {text}: write a range like 2020-11-P1..2020-12-P2. Nothing was generated.")
    return first, last


def _period(platform: Platform, option: str, name: str) -> Period:
    try:
        return platform.calendar.period(name)
    except ValueError as error:
        raise WrongUsage(f"{option}: {error}. Nothing was generated.") from error


def _make_folder(lake: str) -> None:
    if not is_local(lake):
        return
    folder: Path = local_folder(lake)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WrongUsage(
            f"Lake {lake}: cannot be made ({error.strerror}). Nothing was generated. Name another with --lake."
        ) from error


def _refuse_to_overwrite(lake: Lake, args: argparse.Namespace) -> None:
    existing = existing_sources(lake)
    if existing and not args.overwrite:
        raise WrongUsage(
            f"Lake {args.lake} has {', '.join(existing)} already. Nothing was generated. "
            "Name another lake, or replace them with --overwrite."
        )


def _outcome(args: argparse.Namespace, counts: dict[str, int]) -> Outcome:
    in_force = counts["in_force"]
    rows = {table: count for table, count in counts.items() if table != "in_force"}
    last = args.published or args.periods.partition("..")[2]
    lines = [f"  {table:<24}{count:>15,} rows" for table, count in rows.items()]
    text = "\n".join(
        [f"Written to {args.lake} (seed {args.seed}):", *lines, f"{in_force:,} memberships are in force for {last}."]
    )
    return Outcome({"lake": args.lake, "seed": args.seed, "in_force": in_force, "rows": rows}, text)


def _rate_ppm(text: str) -> int:
    """A rate as parts per million: 0.001 and 0.1% are 1,000."""
    try:
        rate = Decimal(text.removesuffix("%")) * MILLION / (100 if text.endswith("%") else 1)
    except InvalidOperation as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate; write it like 0.001 or 0.1%") from error
    if not rate.is_finite() or not 0 <= rate <= MILLION or rate != int(rate):
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate from 0 to 1 in whole parts per million")
    return int(rate)
