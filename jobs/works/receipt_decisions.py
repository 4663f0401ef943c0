"""The decisions on held receipts that affect a period's collection: rows that count, and rows declared untrue."""

from collections.abc import Iterable

from jobs.gate.held_id import held_id_of
from jobs.gate.receipt_decisions import NO_DECISIONS, DecidedReceipts
from jobs.lake.small import SmallTables, matching
from jobs.register.decisions import RELEASE, decisions_used_by, held_source_rows, last_decisions
from schemas.sources import RECEIPTS


def decided_receipts(
    small: SmallTables, period: str, version: int, collected_by: Iterable[str], is_closed: bool
) -> DecidedReceipts:
    """The receipts of the period, in a version of the source, that a decision concerns.

    A released row is true, and any other row of its id is not. `collected_by`: the runs that collected the period. A
    closed period keeps the decisions that these used.
    """
    if is_closed:
        by_run = decisions_used_by(small, set(collected_by))
        used = {held_id: action for of_run in by_run.values() for held_id, action in of_run.items()}
        released = {held_id for held_id, action in used.items() if action == RELEASE}
        rows = _rows(small, period, version, held_source_rows(small, RECEIPTS, used))
        rows = {held_id: row for held_id, row in rows.items() if held_id in used}
    else:
        decided = last_decisions(small)
        released = {held_id for held_id, row in decided.items() if row["action"] == RELEASE}
        rows = _rows(small, period, version, held_source_rows(small, RECEIPTS, released))
    if not rows:
        return NO_DECISIONS
    return DecidedReceipts(
        released=tuple(row for held_id, row in rows.items() if held_id in released),
        untrue=tuple(row for held_id, row in rows.items() if held_id not in released),
    )


def _rows(small: SmallTables, period: str, version: int, decided: Iterable[dict]) -> dict[str, dict]:
    """The receipts of the period that share their id with a decided one, by held_id."""
    ids = {row["receipt_id"] for row in decided if row["receipt_id"] is not None}
    if not ids:
        return {}
    where = matching(period=period, receipt_id=ids)
    rows = small.rows(RECEIPTS.name, where, RECEIPTS.column_names, version)
    by_id = {held_id_of(RECEIPTS, row): row for row in rows}
    return {held_id: {**row, "held_id": held_id} for held_id, row in sorted(by_id.items())}
