"""A decision on one held row: appended to control/decisions under the run lock, and marked in the quarantine."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from jobs.base.errors import Refused, WrongUsage
from jobs.collection.unapplied_cash import AFTER_LAPSE
from jobs.gate.releasable import instead_of_release
from jobs.lake.lake import Lake
from jobs.lake.lock import run_lock
from jobs.lake.small import SmallTables, matching
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import Request
from jobs.register.decisions import RELEASE, WAIVE, append_decisions, decisions_on, last_decisions, uses
from jobs.register.publications import Publication
from jobs.register.runs import Run, end_killed_run, killed_runs, recorded
from jobs.register.stages import is_closed
from jobs.works.held_rows import WAIVED, HeldRow, held_row
from jobs.works.releases import CLAIMS, MEMBERS, RECEIPTS, claims_in_corrections
from jobs.works.sealed import is_over, last_period_that_takes
from schemas import TABLES

JOB = "quarantine"
# The columns that two rows share if at most one of them is true.
KEY_OF = {CLAIMS.name: ("claim_id", "publicity_period")}
NOTHING = "Nothing was decided."


@dataclass(frozen=True)
class Decision:
    """A decision of the operator on a held row."""

    held_id: str
    action: str
    decided_by: str
    reason: str


def decide(request: Request, lake: Lake, decision: Decision) -> Outcome:
    """Records the decision; deciding the same again changes nothing.

    Raises WrongUsage if no such row is held or if it cannot be released, Refused if the decision comes too late.
    """
    small = lake.small
    with run_lock(small, JOB, decision.held_id, request.environment.lock_lease_seconds) as lock:
        row = held_row(small, decision.held_id)
        if row is None:
            raise WrongUsage(not_held(decision.held_id))
        run = _run(request, row, decision, len(decisions_on(small, row.held_id)))
        for killed in killed_runs(small, JOB, run.period):
            end_killed_run(small, killed)
        with recorded(small, run) as record:
            waived = _waived_with(small, row) if decision.action == RELEASE else []
            if row.decision is not None and row.decision["action"] == decision.action:
                # A run that was killed after its decision has not marked the rows.
                of_key = (row, *rows_of_one_key(small, row))
                by_whom = {each.held_id: each.decision["decided_by"] for each in of_key if each.decision is not None}
                mark(small, row.table, by_whom, row.decision["run_id"])
                return _already(row)
            _check(request, small, row, decision.action, waived)
            record.begin(run)
            decided = [row, *waived]
            lock.confirm()
            append_decisions(small, _rows(decision, decided), run.run_id)
            by_whom = {each.held_id: decision.decided_by for each in decided}
            mark(small, row.table, by_whom, run.run_id)
            record.save("published")
    return _outcome(decision, row, waived, run.run_id)


def not_held(held_id: str) -> str:
    return (
        f"{held_id}: no quarantine table holds a row of this id. {NOTHING} `fentan quarantine list` shows the ids of "
        "the rows held."
    )


def rows_of_one_key(small: SmallTables, row: HeldRow) -> list[HeldRow]:
    """The other rows of the quarantine that share the row's key, of which at most one is true."""
    names = KEY_OF.get(row.source.name, row.source.key)
    values = {name: row.held[-1][name] for name in names}
    if None in values.values():
        return []
    ids = {other["held_id"] for other in small.rows(row.table, matching(**values), ("held_id",))} - {row.held_id}
    return [other for held_id in sorted(ids) if (other := held_row(small, held_id)) is not None]


def mark(small: SmallTables, table: str, by_whom: Mapping[str, str], run_id: str) -> None:
    """Sets `released_by` of the rows, by held_id, in one commit; none if they have it."""
    where = matching(held_id=set(by_whom))
    rows = small.rows(table, where)
    if any(row["released_by"] != by_whom[row["held_id"]] for row in rows):
        marked = [{**row, "released_by": by_whom[row["held_id"]]} for row in rows]
        small.replace(TABLES[table], marked, where, run_id)


def _run(request: Request, row: HeldRow, decision: Decision, number: int) -> Run:
    """The run of the decision. The same action on a row may be taken again after another one: it is numbered."""
    plan_id = row.held[-1].get("plan_id")
    return Run(
        job=JOB,
        platform_id=request.platform.platform_id,
        period=row.held[-1]["held_in_period"],
        plan_ids=(plan_id,) if plan_id in request.platform.plans else (),
        input_versions={"decision": {"held_id": row.held_id, "action": decision.action, "number": number}},
        rules={},
        settings={"as_of": str(request.as_of)},
    )


def _waived_with(small: SmallTables, row: HeldRow) -> list[HeldRow]:
    """The rows that a release of the row waives: those of its key that the source still has.

    Receipts of a closed period stay as its books have them.
    """
    others = [other for other in rows_of_one_key(small, row) if not other.is_corrected and other.state != WAIVED]
    if row.source.name != RECEIPTS.name:
        return others
    return [other for other in others if not is_closed(small, other.held[-1]["period"] or "")]


def _check(request: Request, small: SmallTables, row: HeldRow, action: str, waived: Collection[HeldRow]) -> None:
    by_row = uses(small)
    for each in (row, *waived):
        if each.decision is None or each.decision["action"] != RELEASE:
            continue
        used = [f"{act.job} {act.period}" for act in _used_by(by_row, each)]
        closed = last_period_that_takes(request.platform.calendar, small, each.source.name, each.held[-1])
        if used or closed:
            raise Refused(
                f"{row.held_id}: {each.held_id} was released, and {', '.join(used) or f'the books of {closed}'} used "
                f"it. {NOTHING} What is settled changes by `fentan withdraw` before money came in, or by "
                "`fentan correct` after the close."
            )
    if action == RELEASE:
        _check_release(request, small, row)


def _check_release(request: Request, small: SmallTables, row: HeldRow) -> None:
    entry = row.held[-1]
    closed = last_period_that_takes(request.platform.calendar, small, row.source.name, entry)
    if closed is not None:
        raise Refused(
            f"{row.held_id}: its row of {row.source.name} belongs to {closed}, which is closed: nothing is released "
            f"into a closed period. {NOTHING} {_instead_after_close(entry)}Give the row an open period in the source, "
            f"or waive it: `fentan quarantine waive {row.held_id} --by NAME --reason ...`."
        )
    if row.release_refused is not None:
        way_out = instead_of_release(entry) or f"Ask the owner of {row.source.name} to correct it."
        raise WrongUsage(
            f"{row.held_id}: the row cannot be released ({row.release_refused}). {NOTHING} {way_out} Or "
            f"waive it, which moves no money: `fentan quarantine waive {row.held_id} --by NAME --reason ...`."
        )
    if row.is_corrected:
        raise WrongUsage(
            f"{row.held_id}: {row.source.name} has no such row any more: it was corrected or removed. {NOTHING} There "
            "is nothing to release."
        )
    if row.source.name in (MEMBERS.name, CLAIMS.name) and is_over(request.platform, small, entry["plan_id"]):
        raise Refused(
            f"{row.held_id}: the last period of {entry['plan_id']} is settled; none can take the row in any more. "
            f"{NOTHING} `fentan correct` changes what is settled, after the close."
        )
    if row.source.name == CLAIMS.name:
        _check_claim(small, row)
    if row.source.name == MEMBERS.name:
        _check_spells(small, row)


def _check_claim(small: SmallTables, row: HeldRow) -> None:
    """Raises Refused if a correction counted the claim: under its id, whatever its content, it counts once."""
    claim = row.held[-1]["plan_id"], row.held[-1]["claim_id"]
    origins = sorted(p for p, *corrected in claims_in_corrections(small) if tuple(corrected) == claim)
    if origins:
        raise Refused(
            f"{row.held_id}: the claim counts in a correction of {', '.join(origins)} already. {NOTHING} If this row "
            f"is the true one, the source keeps it alone, and `fentan correct --period {origins[0]} --into PERIOD "
            f"--reason ...` takes it into account; else waive it: `fentan quarantine waive {row.held_id} --by NAME "
            "--reason ...`."
        )


def _instead_after_close(entry: Mapping) -> str:
    return f"{instead_of_release(entry)} Else: " if AFTER_LAPSE in entry["reasons"] else ""


def _check_spells(small: SmallTables, row: HeldRow) -> None:
    """Raises Refused if another released spell of the member overlaps: he would be covered twice."""
    entry, decided = row.held[-1], last_decisions(small)
    where = matching(plan_id=entry["plan_id"], member_id=entry["member_id"])
    for other in small.rows(row.table, where):
        is_released = decided.get(other["held_id"], {}).get("action") == RELEASE
        is_same_key = other["joined_on"] == entry["joined_on"]  # such a row is waived
        if is_released and not is_same_key and _overlap(other, entry):
            raise Refused(
                f"{row.held_id}: it overlaps with the spell {other['held_id']}, which is released. {NOTHING} Waive "
                f"that one first with `fentan quarantine waive {other['held_id']} --by NAME --reason ...`, or ask the "
                "owner of source/members to correct the days."
            )


def _overlap(one: Mapping, other: Mapping) -> bool:
    first, second = sorted((one, other), key=lambda spell: spell["joined_on"])
    return first["exited_on"] is None or second["joined_on"] < first["exited_on"]


def _used_by(by_row: Mapping[str, list[Publication]], row: HeldRow) -> Iterator[Publication]:
    plan_id = row.held[-1].get("plan_id")
    return (act for act in by_row.get(row.held_id, ()) if plan_id in (None, act.plan_id))


def _rows(decision: Decision, rows: Collection[HeldRow]) -> list[dict]:
    """The decision on the first row, and the waivers of the others."""
    return [
        {
            "held_id": row.held_id,
            "table_name": row.source.name,
            "period": row.held[-1]["held_in_period"],
            "action": WAIVE if number else decision.action,
            "decided_by": decision.decided_by,
            "reason": decision.reason,
        }
        for number, row in enumerate(rows)
    ]


def _outcome(decision: Decision, row: HeldRow, waived: Collection[HeldRow], run_id: str) -> Outcome:
    document = {
        "held_id": row.held_id,
        "table": row.source.name,
        "period": row.held[-1]["held_in_period"],
        "state": "decided",
        "action": decision.action,
        "decided_by": decision.decided_by,
        "reason": decision.reason,
        "waived": [other.held_id for other in waived],
        "run_id": run_id,
    }
    lines = [f"{row.held_id}: {decision.action}d. {effect_of(row, decision.action)}"]
    if waived:
        others = ", ".join(other.held_id for other in waived)
        lines.append(f"Other rows of its key are waived: {others}.")
    return Outcome(document, "\n".join(lines))


def _already(row: HeldRow) -> Outcome:
    decision = row.decision or {}
    document = {
        "held_id": row.held_id,
        "table": row.source.name,
        "state": "already decided",
        **{name: decision[name] for name in ("action", "decided_by", "reason", "run_id")},
        "waived": [],
    }
    return Outcome(document, f"{row.held_id}: {decision['action']}d already by {decision['decided_by']}; nothing to do")


def effect_of(row: HeldRow, action: str) -> str:
    """What the decision does, in a sentence."""
    if action == WAIVE:
        return "It is not reported any more and never settled."
    entry = row.held[-1]
    return {
        MEMBERS.name: f"The member is covered from the next settlement of {entry.get('plan_id')} on.",
        CLAIMS.name: f"The claim counts in the next settlement of {entry.get('plan_id')}.",
        RECEIPTS.name: f"The receipt counts in the next collection: `fentan collect --period {entry.get('period')}`.",
    }.get(row.source.name, "The cost is posted by the next close of a period of its month.")
