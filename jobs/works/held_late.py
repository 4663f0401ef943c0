"""Rows that came too late for a settled or closed period: the quarantine of an open period holds exactly these."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from jobs.gate.held_id import held_id_of
from jobs.lake.small import SmallTables, matching
from jobs.register.decisions import except_released
from jobs.register.stages import is_closed
from schemas import Table
from schemas.control import SOURCE_OF_HELD


def hold_exactly(
    small: SmallTables,
    held_in: Table,
    rows: Iterable[Mapping[str, Any]],
    where: str,
    period: str,
    run_id: str,
    released: Collection[str] = (),
) -> None:
    """Makes the period hold exactly these rows among those that satisfy `where` (SQL text); under the run lock.

    `held_in`: a quarantine table. `rows`: of its source, with `reasons`, `amount_at_stake_fen` and `released_by`.
    `released`: the held_ids of entries that stay as they are. Writes nothing if the period already holds these rows, or
    if it is closed: its quarantine stays as the close left it. A row keeps the period in which it was first held.
    """
    source = SOURCE_OF_HELD[held_in.name]
    known = [_named(source, row) for row in small.rows(held_in.name, where)]
    own = [row for row in known if row["held_in_period"] == period and row["held_id"] not in released]
    new = [row for row in (_named(source, row) for row in rows) if row["held_id"] not in released]
    if sorted(map(_content, own)) == sorted(map(_content, new)) or is_closed(small, period):
        return
    first_seen: dict[str, str] = {}
    for row in sorted(known, key=lambda row: row["first_seen_period"]):
        first_seen.setdefault(row["held_id"], row["first_seen_period"])
    entries = [
        {
            **row,
            "held_in_period": period,
            "first_seen_period": first_seen.get(row["held_id"], period),
            "run_id": run_id,
        }
        for row in new
    ]
    scope = except_released(f"{matching(held_in_period=period)} and {where}", released)
    small.replace(held_in, entries, scope, run_id)


def _named(source: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "held_id": held_id_of(source, row)}


def _content(row: Mapping[str, Any]) -> tuple[str, ...]:
    """What tells whether two entries are the same; equal rows of the source share a held_id."""
    return row["held_id"], *row["reasons"], str(row["released_by"])
