"""`fentan status`: which periods are published, and what the last runs did."""

import argparse

from pyspark.sql import functions as F

from jobs.lake.lake import Lake
from jobs.lake.session import open_session
from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import request_of
from jobs.register.publications import in_force

SUMMARY = "show the periods of a lake, their states, and its last runs"
EXAMPLES = """  fentan status --lake ./lake
  fentan status --lake ./lake --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--runs", type=int, default=10, metavar="N", help="how many of the last runs to show (default 10)"
    )


def run(args: argparse.Namespace) -> Outcome:
    """Reads the control tables and the published pools; writes nothing."""
    request = request_of(args)
    lake = Lake(open_session(request.environment, "fentan status"), request.lake_root)
    document = {"lake": request.lake_root, "periods": _periods(lake), "runs": _runs(lake, args.runs)}
    return Outcome(document, _text(document))


def _periods(lake: Lake) -> list[dict]:
    published = in_force(lake, "settle").select(
        "period", "plan_id", "run_id", "revision", "action", "published_at", "digest"
    )
    pools = lake.read_or_empty("settled/pools").select(
        "period", "plan_id", "run_id", "case_count", "covered_count", "pool_fen", "due_fen"
    )
    joined = published.join(pools, on=["period", "plan_id", "run_id"], how="left").orderBy("period", "plan_id")
    return [row.asDict() for row in joined.collect()]


def _runs(lake: Lake, count: int) -> list[dict]:
    fields = ("run_id", "job", "period", "plan_id", "state", "started_at", "finished_at")
    newest = lake.read_or_empty("control/runs").orderBy(F.col("started_at").desc()).limit(count)
    return [row.asDict() for row in newest.select(*fields).collect()]


def _text(document: dict) -> str:
    if not document["periods"] and not document["runs"]:
        return (
            f"Lake {document['lake']}: nothing has been settled yet. Settle a period with `fentan settle --period ...`."
        )
    periods = [
        [row["period"], row["plan_id"], row["action"], f"r{row['revision']}", row["case_count"] or 0,
         row["covered_count"] or 0, yuan(row["due_fen"] or 0), row["run_id"]]
        for row in document["periods"]
    ]  # fmt: skip
    runs = [
        [row["run_id"], row["state"], f"{row['started_at']:%Y-%m-%d %H:%M:%S}", row["plan_id"]]
        for row in document["runs"]
    ]
    return "\n\n".join(
        [
            table_text(
                "Periods", ["period", "plan", "state", "revision", "cases", "covered", "due (yuan)", "run"], periods
            ),
            table_text("Last runs", ["run", "state", "started (UTC)", "plans"], runs),
        ]
    )
