"""`fentan status`: each plan's stage by period, the last runs, what is held, and what can be done next."""

import argparse
import json
from collections.abc import Mapping
from datetime import datetime

from jobs.commands.status_steps import Step, next_settlements, next_step, period_of, steps_document
from jobs.commands.status_withdrawn import withdrawn_settlements, withdrawn_table
from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables
from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.query import Query, carry_out_query
from jobs.pipeline.request import Request, request_of
from jobs.register.publications import PUBLICATIONS, Publication, few_rows_of, in_force
from jobs.register.runs import rows_of_runs
from jobs.register.stages import JOB_OF_STAGE, stages_of
from jobs.works.held_rows import held_rows, undecided_by_table
from jobs.works.late_claims import LateClaims, late_claims
from schemas import TABLES
from schemas.control import CONTROL_TABLES

EXAMPLES = """  fentan status --lake ./lake
  fentan status --lake ./lake --json"""
POOL_COLUMNS = ("case_count", "covered_count", "pool_fen", "due_fen")
RUN_COLUMNS = ("run_id", "job", "period", "plan_id", "state", "started_at", "finished_at")
QUARANTINE = tuple(table.name for table in CONTROL_TABLES if "reasons" in table.column_names)
DAYS = ("publicity_on", "deduction_on", "grace_ends_on")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--runs", type=int, default=10, metavar="N", help="how many of the last runs to show (default 10)"
    )


def run(args: argparse.Namespace) -> Outcome:
    """Reads the control tables and the published pools; writes nothing, starts no Java."""
    return carry_out_query(Status(args.runs), request_of(args))


class Status(Query):
    """The periods of a lake, its last `run_count` runs, what is held, its late claims, and the next steps."""

    purpose = "status"

    def __init__(self, run_count: int):
        self.run_count = run_count

    def read(self, request: Request, lake: Lake) -> tuple[dict, LateClaims]:
        late = late_claims(lake.small, request.platform)
        acts = lake.small.rows(PUBLICATIONS.name)
        withdrawn = withdrawn_settlements(lake.small, acts)
        periods, steps = _periods(request, lake.small, acts, withdrawn)
        document = {
            "lake": request.lake_root,
            "periods": periods,
            "withdrawn": withdrawn,
            "runs": _runs(lake.small, self.run_count),
            "held": _held(lake.small),
            "undecided": undecided_by_table(held_rows(lake.small)),
            "claims_after_settlement": late.as_document(),
            "next": steps_document(request, steps),
        }
        return document, late

    def show(self, request: Request, answer: tuple[dict, LateClaims]) -> Outcome:
        document, late = answer
        return Outcome(document, _text(document), 0, tuple(late.messages(request.platform.plans)))


def _periods(
    request: Request, small: SmallTables, acts: list[dict], withdrawn: list[dict]
) -> tuple[list[dict], dict[Step, list[str]]]:
    """One row per settled period and plan, and the plans of each step that can be done next."""
    by_job = {job: in_force(acts, job) for job in JOB_OF_STAGE.values()}
    settled, stages = by_job["settle"], stages_of(acts)
    pools = {(row["period"], row["plan_id"]): row for row in few_rows_of(small, "settled/pools", settled.values())}
    published_at = {
        (act["run_id"], act["plan_id"], act["revision"], act["action"]): act["published_at"] for act in acts
    }
    runs = rows_of_runs(small, {p.run_id for of_job in by_job.values() for p in of_job.values()})
    rows, steps = [], next_settlements(request, settled, [(row["period"], row["plan_id"]) for row in withdrawn])
    for key, p in settled.items():
        reached = {stage: by_job[job][key] for stage, job in JOB_OF_STAGE.items() if key in by_job[job]}
        step = next_step(request, p.period, stages[key], _is_final(reached.get("collected"), runs))
        if step is not None:
            steps.setdefault(step, []).append(p.plan_id)
        rows.append(
            {
                "period": p.period,
                "plan_id": p.plan_id,
                "run_id": p.run_id,
                "revision": p.revision,
                "action": p.action,
                "published_at": published_at[p.run_id, p.plan_id, p.revision, p.action],
                "digest": p.digest,
                **{name: pools.get(key, {}).get(name) for name in POOL_COLUMNS},
                "stage": stages[key],
                **_days(request, p.period),
                "stages": {
                    stage: {
                        "run_id": act.run_id,
                        "published_at": published_at[act.run_id, act.plan_id, act.revision, act.action],
                        "duration_seconds": _duration_seconds(runs.get(act.run_id)),
                    }
                    for stage, act in reached.items()
                },
                "next": None if step is None else step.command(request.lake_root),
            }
        )
    return rows, steps


def _is_final(collection: Publication | None, runs: Mapping[str, dict]) -> bool:
    """Whether a collection reached the grace limit."""
    if collection is None or collection.run_id not in runs:
        return False
    return json.loads(runs[collection.run_id]["input_versions"])["stage"] == "final"


def _days(request: Request, name: str) -> dict:
    """The days of a period; None each if the calendar no longer has it."""
    period, calendar = period_of(request, name), request.platform.calendar
    return {day: None if period is None else getattr(calendar, day)(period) for day in DAYS}


def _runs(small: SmallTables, count: int) -> list[dict]:
    runs = sorted(small.rows("control/runs", columns=RUN_COLUMNS), key=lambda row: row["started_at"], reverse=True)
    return [{**row, "duration_seconds": _duration_seconds(row)} for row in runs[:count]]


def _held(small: SmallTables) -> list[dict]:
    """One row per quarantine table and period: the count of rows held, and the money at stake."""
    rows = []
    for name in QUARANTINE:
        period_columns = [c for c in ("held_in_period", "first_seen_period") if c in TABLES[name].column_names]
        sums = small.sums_by(name, period_columns[0], "amount_at_stake_fen", "released_by is null")
        rows += [
            {"table": name, "period": period, "count": count, "amount_at_stake_fen": fen}
            for period, (count, fen) in sorted(sums.items())
        ]
    return rows


def _duration_seconds(run: Mapping | None) -> float | None:
    """How long a run took; None if its record is missing or it has not ended."""
    if run is None or run["finished_at"] is None:
        return None
    return (run["finished_at"] - run["started_at"]).total_seconds()


def _text(document: dict) -> str:
    if not document["periods"] and not document["runs"]:
        return (
            f"Lake {document['lake']}: nothing has been settled yet. Settle a period with `fentan settle --period ...`."
        )
    periods = [_period_cells(row) for row in document["periods"]]
    days = ["public", "deducted", "grace ends"]
    runs = [
        [row["run_id"], row["state"], _instant(row["started_at"]), _seconds(row["duration_seconds"]), row["plan_id"]]
        for row in document["runs"]
    ]
    held = [[row["table"], row["period"], row["count"], yuan(row["amount_at_stake_fen"])] for row in document["held"]]
    undecided = [[row["table"], row["count"], yuan(row["amount_at_stake_fen"])] for row in document["undecided"]]
    columns = ["period", "plan", "stage", *days, "cases", "covered", "due (yuan)", "took", "run"]
    tables = [
        table_text("Periods", columns, periods),
        *withdrawn_table(document["withdrawn"]),
        table_text("Last runs", ["run", "state", "started (UTC)", "took", "plans"], runs),
        table_text("Held", ["table", "period", "rows", "yuan at stake"], held) if held else "Nothing is held",
    ]
    if undecided:
        columns = ["table", "rows", "yuan at stake"]
        tables.append(table_text("Left to release, waive or correct (fentan quarantine)", columns, undecided))
    if document["next"]:
        tables.append("\n".join(["What can be done next", *map(_step_line, document["next"])]))
    return "\n\n".join(tables)


def _step_line(step: dict) -> str:
    """A step as one line of any length: its command is to be copied."""
    when = "now" if step["is_due"] else f"from {step['from']}"
    return f"{when:<15}  {step['command']}   ({', '.join(step['plans'])})"


def _period_cells(row: dict) -> list:
    latest = row["stages"][row["stage"]]
    return [
        row["period"], row["plan_id"], row["stage"], *(str(row[day] or "") for day in DAYS), row["case_count"] or 0,
        row["covered_count"] or 0, yuan(row["due_fen"] or 0), _seconds(latest["duration_seconds"]), latest["run_id"],
    ]  # fmt: skip


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:,.1f} s"
