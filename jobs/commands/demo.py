"""`fentan demo`: generates a small realistic world and settles several periods of it."""

import argparse
import shutil
from pathlib import Path

from jobs.errors import WrongUsage
from jobs.lake.opening import open_lake
from jobs.lake.storage import is_local, local_folder
from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import PeriodRequest, request_of
from jobs.pipeline.work import carry_out
from jobs.progress import announce
from jobs.sample.world import World, write_world
from jobs.works.settle import Settle

EXAMPLES = """  fentan demo
  fentan demo --lake ./lake --members 50000"""

FIRST, LAST = "2020-11-P1", "2020-12-P1"
MARKER = "_fentan_demo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--members", type=int, default=20_000, metavar="N", help="number of members in the world (default 20000)"
    )


def run(args: argparse.Namespace) -> Outcome:
    """Generates the world if it does not exist yet, settles its periods, and shows rates and totals."""
    if not is_local(args.lake):
        raise WrongUsage(f"--lake {args.lake}: the demo makes a local folder. Nothing was done. Name a local folder.")
    folder = local_folder(args.lake)
    _prepare_folder(folder)
    request = request_of(args)
    calendar = request.platform.calendar
    first, last = calendar.period(FIRST), calendar.period(LAST)
    lake = open_lake(request.environment, request.lake_root, "demo")
    if not (folder / "source").exists():
        lake.start()
        announce(f"generating a world of {args.members:,} members")
        world = World(members=args.members, first=first, last=last, seed=1, defects_ppm=200, plans=None)
        write_world(lake, request.platform, world)
    periods = []
    for period in calendar.between(first, last):
        announce(f"settling {period}")
        outcome = carry_out(Settle(), PeriodRequest(**vars(request), period=period, plan_ids=None), lake)
        periods.append(outcome.document)
    document = {"lake": request.lake_root, "periods": periods}
    return Outcome(document, _text(document))


def _prepare_folder(folder: Path) -> None:
    """Makes sure the folder is new, empty or made by an earlier demo; deletes an incomplete world.

    Raises WrongUsage for any other folder.
    """
    marker = folder / MARKER
    if folder.exists() and any(folder.iterdir()) and not marker.exists():
        raise WrongUsage(
            f"Lake {folder}: the folder holds files that the demo did not make. Nothing was done. Name another with "
            "--lake."
        )
    if marker.exists() and marker.read_text() != "complete" and (folder / "source").exists():
        shutil.rmtree(folder / "source")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        marker.touch()
    except OSError as error:
        raise WrongUsage(
            f"Lake {folder}: not writable ({error.strerror}). Nothing was done. Name another with --lake."
        ) from error


def _text(document: dict) -> str:
    rows = []
    for period in document["periods"]:
        for plan_id, plan in period["plans"].items():
            for rate in plan.get("rates", []):
                pool = plan["pool"]
                rows.append(
                    [period["period"], plan_id, rate["tier"], rate["covered_count"], pool["case_count"],
                     yuan(pool["benefit_fen"]), yuan(pool["case_sponsored_fen"]), yuan(rate["share_fen"]),
                     yuan(pool["due_fen"])]
                )  # fmt: skip
    columns = ["period", "plan", "tier", "covered", "cases", "benefits", "case cap", "share", "due (plan)"]
    lake = document["lake"]
    return "\n\n".join(
        [
            table_text("What was settled (yuan)", columns, rows) if rows else "Every period was settled before",
            "In a small world one case weighs more than the rules let members bear (0.10 yuan a head and case\n"
            "in critical illness): the platform pays the rest, in column `case cap`. At a hundred million members the\n"
            "cap hardly binds.",
            "Where to look:\n"
            f"  .venv/bin/fentan status --lake {lake}\n"
            f"  .venv/bin/fentan check --lake {lake} --period {LAST}\n"
            f"  .venv/bin/python -c \"import polars as pl; print(pl.read_delta('{lake}/settled/pools'))\"",
        ]
    )
