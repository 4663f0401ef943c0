"""The released rows that affect a period's settlement: members from now on, claims once, in one settlement."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from jobs.correction.cases import CaseKey, aid_changes
from jobs.gate.held_id import held_id_of
from jobs.lake.small import SmallTables, matching
from jobs.register.decisions import (
    RELEASE,
    WAIVE,
    decisions_used_by,
    held_source_rows,
    last_decisions,
    released_rows,
    uses,
)
from jobs.register.publications import Publication, corrections, few_rows_of
from jobs.rulebook.calendar import Calendar, Period
from jobs.works.sealed import COSTS, VISITS, last_period
from schemas import TABLES, Table

MEMBERS, CLAIMS, RECEIPTS = (TABLES[f"source/{name}"] for name in ("members", "approved_claims", "receipts"))
# By source, the columns by which its rows are looked up; else by its key.
LOOKED_UP_BY = {
    MEMBERS.name: ("plan_id", "member_id"),
    CLAIMS.name: ("publicity_period", "claim_id"),
    RECEIPTS.name: ("period", "receipt_id"),
}


@dataclass(frozen=True)
class Releases:
    """Released rows of the sources, each with its `held_id`."""

    members: tuple[dict, ...] = ()
    claims: tuple[dict, ...] = ()

    def inputs(self, plan_ids: Collection[str]) -> dict[str, str]:
        """The decisions that affect these plans, as inputs of a run: the action by held_id."""
        rows = [row for row in (*self.members, *self.claims) if row["plan_id"] in plan_ids]
        return {row["held_id"]: RELEASE for row in sorted(rows, key=lambda row: row["held_id"])}

    def claims_of(self, plan_ids: Collection[str]) -> list[dict]:
        """The released claims of these plans."""
        return [row for row in self.claims if row["plan_id"] in plan_ids]


NO_RELEASES = Releases()


def releases_for(
    small: SmallTables,
    calendar: Calendar,
    period: Period,
    versions: Mapping[str, int],
    settled: Mapping[str, Publication],
) -> Releases:
    """The released rows that affect the period. `settled`: its settlements so far, by plan; these keep what they used.

    For any other plan: the released members that are still in the source, and the released claims of this period and of
    earlier ones that are still in the source and that neither another settlement used nor a correction counted.
    """
    released = {held_id for held_id, row in last_decisions(small).items() if row["action"] == RELEASE}
    if not released:
        return NO_RELEASES
    by_run = decisions_used_by(small, {act.run_id for act in settled.values()}) if settled else {}
    used = {plan_id: set(by_run.get(act.run_id, {})) for plan_id, act in settled.items()}
    users, corrected = uses(small), {(plan_id, claim_id) for _, plan_id, claim_id in claims_in_corrections(small)}

    def bears(row: dict) -> bool:
        return (row["plan_id"], row["claim_id"]) not in corrected and _is_claim_of(row, calendar, period, users)

    def bearing(source: Table, may_bear: Callable[[dict], bool]) -> tuple[dict, ...]:
        rows = held_source_rows(small, source, released)
        kept = [row for row in rows if row["held_id"] in used.get(row["plan_id"], ())]
        current = [row for row in rows if row["plan_id"] not in used and may_bear(row)]
        return (*kept, *still_in_source(small, source, current, versions[source.name]))

    return Releases(bearing(MEMBERS, lambda _: True), bearing(CLAIMS, bears))


def claims_in_corrections(small: SmallTables) -> set[CaseKey]:
    """The claims to which corrections gave aid, with the period that they correct: each counts there.

    By claim_id, not by content: a claim counts once, and a row of the same id with another content is the same claim.
    """
    changes = aid_changes(few_rows_of(small, "settled/adjusted_benefits", corrections(small)))
    return {key for key, aid_fen in changes.items() if aid_fen > 0}


def waived_in_source(
    small: SmallTables, source: Table, period: str, version: int, in_corrections: Collection[CaseKey] = ()
) -> tuple[dict, ...]:
    """The rows of a period, in a version of the source, whose last decision is a waiver; each with its held_id.

    Equal rows as often as the source has them. Without claims to which a correction has given aid: they were decided on
    too late.
    """
    period_column, id_column = LOOKED_UP_BY[source.name]
    waived = {h for h, row in last_decisions(small).items() if row["action"] == WAIVE}
    ids = {row[id_column] for row in held_source_rows(small, source, waived) if row[id_column] is not None}
    if not ids:
        return ()
    where = matching(**{period_column: period, id_column: ids})
    rows = [
        {**row, "held_id": held_id_of(source, row)}
        for row in small.rows(source.name, where, source.column_names, version)
        if (period, row.get("plan_id"), row[id_column]) not in in_corrections
    ]
    return tuple(row for row in rows if row["held_id"] in waived)


def released_costs(
    small: SmallTables, calendar: Calendar, period: Period, versions: Mapping[str, int]
) -> dict[str, tuple[dict, ...]]:
    """By source, the released costs and visits of the period's month that the version of the source still has."""
    by_source = {}
    for name in (COSTS, VISITS):
        rows = released_rows(small, TABLES[name]) if name in versions else []
        of_month = [row for row in rows if _is_of_month(last_period(calendar, name, row), period)]
        if there := still_in_source(small, TABLES[name], of_month, versions.get(name)):
            by_source[name] = tuple(sorted(there, key=lambda row: row["held_id"]))
    return by_source


def _is_of_month(last: Period | None, period: Period) -> bool:
    return last is not None and (last.year, last.month) == (period.year, period.month)


def still_in_source(small: SmallTables, source: Table, rows: Iterable[dict], version: int | None = None) -> list[dict]:
    """The rows (with held_id) that a version of the source, or its newest, still has."""
    rows = list(rows)
    if not rows:
        return []
    names = LOOKED_UP_BY.get(source.name, source.key)
    where = " and ".join(_one_of(name, {row[name] for row in rows}) for name in names)
    there = {held_id_of(source, row) for row in small.rows(source.name, where, source.column_names, version)}
    return [row for row in rows if row["held_id"] in there]


def _one_of(name: str, values: Collection) -> str:
    """SQL text: the column has one of the values, of which one may be None."""
    known = matching(**{name: {value for value in values if value is not None}})
    return f"({known} or {name} is null)" if None in values else known


def _is_claim_of(
    row: Mapping, calendar: Calendar, period: Period, users: Mapping[str, Collection[Publication]]
) -> bool:
    """Whether a released claim counts in the period: it was publicised by then, and no other settlement used it."""
    elsewhere = [act for act in users.get(row["held_id"], ()) if act.plan_id == row["plan_id"]]
    return calendar.period(row["publicity_period"]) <= period and all(act.period == str(period) for act in elsewhere)
