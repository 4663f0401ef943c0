"""Decisions on held rows (control/decisions): the last one on a held_id counts; and which runs have used one."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from jobs.lake.small import SmallTables
from jobs.register.publications import Publication, published
from jobs.register.runs import rows_of_runs
from schemas import TABLES

DECISIONS = TABLES["control/decisions"]
RELEASE, WAIVE = "release", "waive"
USED = "decisions"  # key of a run's input_versions: by held_id, the action of each decision that bears on it
# The jobs whose publication makes a decision final: of members and claims, and of receipts, costs and visits.
JOBS_THAT_USE = ("settle", "close")


def last_decisions(small: SmallTables) -> dict[str, dict]:
    """The last decision on each row, by held_id; empty before the first one."""
    rows = sorted(small.rows(DECISIONS.name), key=lambda row: row["decided_at"])
    return {row["held_id"]: row for row in rows}


def decisions_on(small: SmallTables, held_id: str) -> list[dict]:
    """Every decision on one row, oldest first."""
    rows = [row for row in small.rows(DECISIONS.name) if row["held_id"] == held_id]
    return sorted(rows, key=lambda row: row["decided_at"])


def deciders(small: SmallTables, table_name: str) -> dict[str, str]:
    """Who took the last decision on each decided row of a source table, by held_id."""
    decided = last_decisions(small)
    return {held_id: row["decided_by"] for held_id, row in decided.items() if row["table_name"] == table_name}


def append_decisions(small: SmallTables, decided: Iterable[Mapping], run_id: str) -> None:
    """Appends decisions (rows without decided_at and run_id) in one commit. Call it under the run lock."""
    latest = max((row["decided_at"] for row in small.rows(DECISIONS.name)), default=None)
    now = datetime.now(UTC)
    if latest is not None:
        now = max(now, latest + timedelta(microseconds=1))  # the clock may have been set back
    small.append(DECISIONS, [{**row, "decided_at": now, "run_id": run_id} for row in decided], run_id)


def decisions_used_by(small: SmallTables, run_ids: Iterable[str]) -> dict[str, dict[str, str]]:
    """By run, the decisions among its inputs: the action by held_id."""
    runs = rows_of_runs(small, run_ids)
    return {run_id: json.loads(row["input_versions"]).get(USED, {}) for run_id, row in runs.items()}


def uses(small: SmallTables) -> dict[str, list[Publication]]:
    """By held_id, the settlements and closes in force that used a decision on the row."""
    acts = [act for job in JOBS_THAT_USE for act in published(small, job).values()]
    by_run = decisions_used_by(small, {act.run_id for act in acts}) if acts else {}
    by_row: dict[str, list[Publication]] = {}
    for act in acts:
        for held_id in by_run.get(act.run_id, {}):
            by_row.setdefault(held_id, []).append(act)
    return by_row
