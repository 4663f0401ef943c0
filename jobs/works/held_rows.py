"""The rows in quarantine, one per held_id: where and why they are held, their decisions, and the undecided ones."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from jobs.gate.releasable import refusal_of
from jobs.lake.small import SmallTables, matching
from jobs.lake.sources import is_readable_source
from jobs.register.decisions import HELD_IN, RELEASE, WAIVE, last_decisions
from jobs.register.publications import published
from jobs.works.releases import LOOKED_UP_BY, MEMBERS, still_in_source
from schemas import Table
from schemas.control import SOURCE_OF_HELD

NARROW = ("held_id", "reasons", "held_in_period", "first_seen_period", "amount_at_stake_fen")
MOST_LOOKED_UP = 10_000  # more rows are not looked up in the source: they count as held
UNDECIDED, RELEASED, WAIVED, CORRECTED = "undecided", "released", "waived", "corrected"


@dataclass(frozen=True)
class HeldRow:
    """A row in quarantine. `held`: its entries in the quarantine table `table`, by period, oldest first.

    `decision`: the last one, or None. `is_corrected`: the source no longer has the row.
    """

    held_id: str
    table: str
    held: tuple[Mapping, ...]
    decision: Mapping | None
    is_corrected: bool = False

    @property
    def source(self) -> Table:
        return SOURCE_OF_HELD[self.table]

    @property
    def latest(self) -> tuple[Mapping, ...]:
        """The entries of the latest period; several where rows are equal."""
        return tuple(row for row in self.held if row["held_in_period"] == self.held[-1]["held_in_period"])

    @property
    def reasons(self) -> list[str]:
        """Every reason that the latest entries name."""
        return sorted({reason for row in self.latest for reason in row["reasons"]})

    @property
    def at_stake_fen(self) -> int:
        return sum(row["amount_at_stake_fen"] or 0 for row in self.latest)

    @property
    def release_refused(self) -> str | None:
        """Why no decision can release the row; None if one can."""
        return next((why for row in self.latest if (why := refusal_of(row)) is not None), None)

    @cached_property
    def state(self) -> str:
        """undecided, released, waived, or corrected in the source."""
        if self.decision is not None:
            return RELEASED if self.decision["action"] == RELEASE else WAIVED
        return CORRECTED if self.is_corrected else UNDECIDED


def held_rows(small: SmallTables, tables: Iterable[str] = SOURCE_OF_HELD) -> list[HeldRow]:
    """Every row in these quarantine tables, without the values of the rows, by table and held_id."""
    decided = last_decisions(small)
    rows: list[HeldRow] = []
    for table in tables:
        key = LOOKED_UP_BY.get(SOURCE_OF_HELD[table].name, SOURCE_OF_HELD[table].key)
        columns = tuple(dict.fromkeys((*NARROW, *key)))
        by_id = _by_held_id(small.rows(table, columns=columns))
        of_table = [HeldRow(held_id, table, held, decided.get(held_id)) for held_id, held in sorted(by_id.items())]
        corrected = _corrected(small, [row for row in of_table if row.decision is None])
        rows += [HeldRow(r.held_id, table, r.held, r.decision, r.held_id in corrected) for r in of_table]
    return rows


def held_row(small: SmallTables, held_id: str) -> HeldRow | None:
    """The row of that id, its entries with all columns; None if no quarantine table has it."""
    for table, source in SOURCE_OF_HELD.items():
        held = _by_held_id(small.rows(table, matching(held_id=held_id))).get(held_id)
        if held:
            is_corrected = held_id in _gone(small, source, {held_id: held})
            return HeldRow(held_id, table, held, last_decisions(small).get(held_id), is_corrected)
    return None


def waived_count(small: SmallTables, source: Table, reason: str) -> int:
    """How many rows that the newest version of the source has are held for the reason and waived."""
    waived = [held_id for held_id, row in last_decisions(small).items() if row["action"] == WAIVE]
    if not waived:
        return 0
    columns = tuple(dict.fromkeys((*NARROW, *LOOKED_UP_BY.get(source.name, source.key))))
    by_id = _by_held_id(small.rows(HELD_IN[source.name], matching(held_id=set(waived)), columns))
    rows = [HeldRow(held_id, HELD_IN[source.name], held, None) for held_id, held in by_id.items()]
    rows = [row for row in rows if reason in row.reasons]
    there = {row["held_id"] for row in still_in_source(small, source, [dict(row.held[-1]) for row in rows])}
    return sum(len(row.latest) for row in rows if row.held_id in there)


def undecided_by_table(rows: Iterable[HeldRow]) -> list[dict]:
    """One row per quarantine table: the count of rows left to decide on, and the money at stake."""
    sums: dict[str, tuple[int, int]] = {}
    for row in rows:
        if row.state == UNDECIDED:
            count, fen = sums.get(row.table, (0, 0))
            sums[row.table] = count + len(row.latest), fen + row.at_stake_fen
    return [{"table": t, "count": count, "amount_at_stake_fen": fen} for t, (count, fen) in sums.items()]


def _by_held_id(rows: Iterable[dict]) -> dict[str, tuple[dict, ...]]:
    by_id: dict[str, list[dict]] = {}
    for row in sorted(rows, key=lambda row: row["held_in_period"]):
        by_id.setdefault(row["held_id"] or "", []).append(row)
    return {held_id: tuple(held) for held_id, held in by_id.items()}


def _corrected(small: SmallTables, rows: list[HeldRow]) -> set[str]:
    """The held_ids of rows that the newest version of their source no longer has.

    A member's row is corrected if its plan was settled later without holding it: members are too many to look up.
    """
    if not rows or len(rows) > MOST_LOOKED_UP:
        return set()
    source = rows[0].source
    if source is MEMBERS:
        settled = _last_settled(small)
        return {row.held_id for row in rows if row.held[-1]["held_in_period"] < _settled_last(settled, row)}
    return _gone(small, source, {row.held_id: row.held for row in rows})


def _gone(small: SmallTables, source: Table, held: Mapping[str, Sequence[Mapping]]) -> set[str]:
    """The held_ids that the newest version of the source no longer has; none where its columns are not as agreed.

    `held`: the entries in quarantine by held_id, oldest first.
    """
    if not is_readable_source(small, source.name):
        return set()
    there = still_in_source(small, source, [dict(entries[-1]) for entries in held.values()])
    return set(held) - {row["held_id"] for row in there}


def _last_settled(small: SmallTables) -> dict[str, str]:
    """By plan, the last period that is settled."""
    last: dict[str, str] = {}
    for period, plan_id in published(small, "settle"):
        last[plan_id] = max(period, last.get(plan_id, ""))
    return last


def _settled_last(settled: Mapping[str, str], row: HeldRow) -> str:
    """The last settled period of the row's plan; of any plan if the plan is unknown."""
    return settled.get(row.held[-1]["plan_id"]) or max(settled.values(), default="")
