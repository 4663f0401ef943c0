"""Decisions on held rows (control/decisions): the last one on a held_id counts; and which runs have used one."""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from jobs.lake.small import SmallTables, matching
from jobs.register.publications import Publication, published
from jobs.register.runs import rows_of_runs
from schemas import TABLES, Table
from schemas.control import SOURCE_OF_HELD

DECISIONS = TABLES["control/decisions"]
RELEASE, WAIVE = "release", "waive"
USED = "decisions"  # key of a run's input_versions: by held_id, the action of each decision that affects it
HELD_IN = {source.name: name for name, source in SOURCE_OF_HELD.items()}  # by source, its quarantine table
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


def held_source_rows(small: SmallTables, source: Table, held_ids: Collection[str]) -> list[dict]:
    """One row of the source per held_id that its quarantine table has: the source's columns and held_id."""
    if not held_ids:
        return []
    held = small.rows(HELD_IN[source.name], matching(held_id=set(held_ids)), (*source.column_names, "held_id"))
    return list({row["held_id"]: row for row in held}.values())


def released_rows(small: SmallTables, source: Table) -> list[dict]:
    """The rows of the source whose last decision is a release, each with its held_id."""
    decided = last_decisions(small).items()
    released = [h for h, row in decided if row["action"] == RELEASE and row["table_name"] == source.name]
    return held_source_rows(small, source, released)


def released_held_in(small: SmallTables, source: Table, period: str) -> set[str]:
    """The held_ids of released rows that the period holds: the quarantine keeps them, for later runs to look up."""
    decided = last_decisions(small).items()
    released = {h for h, row in decided if row["action"] == RELEASE and row["table_name"] == source.name}
    if not released:
        return set()
    where = matching(held_in_period=period, held_id=released)
    return {row["held_id"] for row in small.rows(HELD_IN[source.name], where, ("held_id",))}


def except_released(where: str, released: Collection[str]) -> str:
    """SQL text: the rows of a quarantine table that satisfy `where`, without the released ones."""
    if not released:
        return where
    return f"({where}) and (held_id is null or not ({matching(held_id=set(released))}))"


def rows_used_by(small: SmallTables, source: Table, run_id: str) -> list[dict]:
    """The rows of the source whose release is among the run's inputs, each with its held_id."""
    used = decisions_used_by(small, [run_id]).get(run_id, {})
    return held_source_rows(small, source, [held_id for held_id, action in used.items() if action == RELEASE])


def uses(small: SmallTables) -> dict[str, list[Publication]]:
    """By held_id, the settlements and closes in force that used a decision on the row."""
    acts = [act for job in JOBS_THAT_USE for act in published(small, job).values()]
    by_run = decisions_used_by(small, {act.run_id for act in acts}) if acts else {}
    by_row: dict[str, list[Publication]] = {}
    for act in acts:
        for held_id in by_run.get(act.run_id, {}):
            by_row.setdefault(held_id, []).append(act)
    return by_row
