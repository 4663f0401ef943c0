"""`fentan status`: the published periods and the last runs of a lake."""

import argparse

from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables, matching
from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.query import Query, carry_out_query
from jobs.pipeline.request import Request, request_of
from jobs.register.publications import PUBLICATIONS, few_rows_of, in_force
from jobs.works.late_claims import LateClaims, late_claims

EXAMPLES = """  fentan status --lake ./lake
  fentan status --lake ./lake --json"""
POOL_COLUMNS = ("case_count", "covered_count", "pool_fen", "due_fen")
RUN_COLUMNS = ("run_id", "job", "period", "plan_id", "state", "started_at", "finished_at")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--runs", type=int, default=10, metavar="N", help="how many of the last runs to show (default 10)"
    )


def run(args: argparse.Namespace) -> Outcome:
    """Reads the control tables and the published pools; writes nothing, starts no Java."""
    return carry_out_query(Status(args.runs), request_of(args))


class Status(Query):
    """The periods of a lake, its last `run_count` runs, and its late claims."""

    purpose = "status"

    def __init__(self, run_count: int):
        self.run_count = run_count

    def read(self, request: Request, lake: Lake) -> tuple[dict, LateClaims]:
        late = late_claims(lake.small, request.platform)
        document = {
            "lake": request.lake_root,
            "periods": _periods(lake.small),
            "runs": _runs(lake.small, self.run_count),
            "claims_after_settlement": late.as_document(),
        }
        return document, late

    def show(self, request: Request, answer: tuple[dict, LateClaims]) -> Outcome:
        document, late = answer
        return Outcome(document, _text(document), 0, tuple(late.messages(request.platform.plans)))


def _periods(small: SmallTables) -> list[dict]:
    acts = small.rows(PUBLICATIONS.name, matching(job="settle"))
    settled = in_force(acts, "settle")
    pools = {(row["period"], row["plan_id"]): row for row in few_rows_of(small, "settled/pools", settled.values())}
    published_at = {(act["run_id"], act["plan_id"], act["action"]): act["published_at"] for act in acts}
    return [
        {
            "period": p.period,
            "plan_id": p.plan_id,
            "run_id": p.run_id,
            "revision": p.revision,
            "action": p.action,
            "published_at": published_at[p.run_id, p.plan_id, p.action],
            "digest": p.digest,
            **{name: pools.get(key, {}).get(name) for name in POOL_COLUMNS},
        }
        for key, p in settled.items()
    ]


def _runs(small: SmallTables, count: int) -> list[dict]:
    runs = small.rows("control/runs", columns=RUN_COLUMNS)
    return sorted(runs, key=lambda row: row["started_at"], reverse=True)[:count]


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
