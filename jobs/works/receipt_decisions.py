"""The decisions on held receipts that bear on a period's collection: rows that count, and rows declared untrue."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from jobs.gate.receipt_decisions import NO_DECISIONS, DecidedReceipts
from jobs.lake.small import SmallTables
from jobs.register.decisions import RELEASE, WAIVE, decisions_used_by, last_decisions
from jobs.works.releases import held_source_rows, still_in_source
from schemas.sources import RECEIPTS


@dataclass(frozen=True)
class Decided:
    """Decided rows of source/receipts, each with its held_id, by action."""

    released: tuple[dict, ...]
    waived: tuple[dict, ...]


def decided_receipts(
    small: SmallTables, period: str, version: int, collected_by: Iterable[str], is_closed: bool
) -> DecidedReceipts:
    """The decided receipts of the period that the version of the source still has.

    `collected_by`: the runs that collected the period. A closed period keeps the decisions that these used.
    """
    if is_closed:
        actions = _used(small, set(collected_by))
        if not actions:
            return NO_DECISIONS
        rows = _rows_by_action(small, actions)
        return _of_period(small, period, version, rows.released, rows.waived)
    actions = {h: row["action"] for h, row in last_decisions(small).items() if row["table_name"] == RECEIPTS.name}
    if RELEASE not in actions.values():
        return NO_DECISIONS
    rows = _rows_by_action(small, actions)
    return _of_period(small, period, version, rows.released, contradicting(rows.waived, rows.released))


def contradicting(rows: Iterable[dict], released: Collection[dict]) -> list[dict]:
    """The rows that share their receipt_id with a released row: as that one is true, these are not."""
    true_ids = {row["receipt_id"] for row in released}
    return [row for row in rows if row["receipt_id"] in true_ids]


def _used(small: SmallTables, run_ids: Collection[str]) -> dict[str, str]:
    return {held_id: action for used in decisions_used_by(small, run_ids).values() for held_id, action in used.items()}


def _rows_by_action(small: SmallTables, actions: dict[str, str]) -> Decided:
    by_action = {
        action: tuple(held_source_rows(small, RECEIPTS, [h for h, taken in actions.items() if taken == action]))
        for action in (RELEASE, WAIVE)
    }
    return Decided(by_action[RELEASE], by_action[WAIVE])


def _of_period(
    small: SmallTables, period: str, version: int, released: Iterable[dict], untrue: Iterable[dict]
) -> DecidedReceipts:
    there = [
        tuple(still_in_source(small, RECEIPTS, [row for row in rows if row["period"] == period], version))
        for rows in (released, untrue)
    ]
    return DecidedReceipts(*there)
