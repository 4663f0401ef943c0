"""What `fentan quarantine list` and `show` print: groups of held rows, and one row with its reasons and decisions."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from jobs.lake.small import SmallTables
from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.request import Request
from jobs.register.decisions import decisions_on
from jobs.works.decide import effect_of
from jobs.works.held_rows import UNDECIDED, HeldRow, undecided_by_table
from jobs.works.sealed import last_period_that_takes

DECIDED = ("action", "decided_by", "reason", "decided_at", "run_id")


def list_document(lake: str, rows: list[HeldRow], reason: str | None, period: str | None, most: int) -> dict:
    """The groups of rows by table, reason and period; the first rows; what is left to decide by table."""
    shown = sorted(rows, key=lambda row: (row.state != UNDECIDED, -row.at_stake_fen, row.table, row.held_id))
    return {
        "lake": lake,
        "groups": _groups(rows, reason, period),
        "undecided": undecided_by_table(rows),
        "row_count": len(rows),
        "rows": [_short(row) for row in shown[:most]],
    }


def _groups(rows: Iterable[HeldRow], reason: str | None, period: str | None) -> list[dict]:
    """A row with several reasons counts under each, and under each period that held it."""
    sums: dict[tuple[str, str, str], list[int]] = {}
    for row in rows:
        for held in row.held:
            for why in held["reasons"]:
                if reason in (None, why) and period in (None, held["held_in_period"]):
                    group = sums.setdefault((row.table, why, held["held_in_period"]), [0, 0, 0])
                    group[0] += 1
                    group[1] += held["amount_at_stake_fen"] or 0
                    group[2] += row.state == UNDECIDED
    return [
        {"table": table, "reason": why, "period": held_in, "count": count, "amount_at_stake_fen": fen,
         "undecided_count": undecided}
        for (table, why, held_in), (count, fen, undecided) in sorted(sums.items())
    ]  # fmt: skip


def _short(row: HeldRow) -> dict:
    return {
        "held_id": row.held_id,
        "table": row.table,
        "reasons": row.reasons,
        "periods": sorted({held["held_in_period"] for held in row.held}),
        "count": len(row.latest),
        "amount_at_stake_fen": row.at_stake_fen,
        "state": row.state,
        "decided_by": row.decision["decided_by"] if row.decision is not None else None,
    }


def list_text(document: Mapping) -> str:
    if not document["groups"]:
        return f"Lake {document['lake']}: nothing is held"
    groups = [
        [g["table"], g["reason"], g["period"], g["count"], yuan(g["amount_at_stake_fen"]), g["undecided_count"]]
        for g in document["groups"]
    ]
    rows = [
        [r["held_id"], r["table"], ", ".join(r["reasons"]), r["periods"][-1], yuan(r["amount_at_stake_fen"]),
         r["state"] if r["decided_by"] is None else f"{r['state']} by {r['decided_by']}"]
        for r in document["rows"]
    ]  # fmt: skip
    left = sum(each["count"] for each in document["undecided"])
    tables = [
        table_text("Held", ["table", "reason", "period", "rows", "yuan at stake", "undecided"], groups),
        f"{left:,} rows are left to decide on",
    ]
    if rows:
        title = f"Rows ({len(rows):,} of {document['row_count']:,})"
        tables.insert(1, table_text(title, ["id", "table", "reasons", "held in", "yuan at stake", "state"], rows))
    return "\n\n".join(tables)


def row_document(request: Request, small: SmallTables, row: HeldRow, others: Iterable[HeldRow]) -> dict:
    """The row whole, with its reasons, the periods that held it, decisions, and the other rows of its key."""
    closed = last_period_that_takes(request.platform.calendar, small, row.source.name, row.held[-1])
    return {
        "table": row.table,
        **_whole(row),
        "decisions": [{name: decision[name] for name in DECIDED} for decision in decisions_on(small, row.held_id)],
        "closed_period": closed,
        "release_refused": row.release_refused,
        "release_does": effect_of(row, "release"),
        "same_key": [_whole(other) for other in others],
    }


def _whole(row: HeldRow) -> dict:
    return {
        "held_id": row.held_id,
        "source": row.source.name,
        "state": row.state,
        "row": {name: row.held[-1][name] for name in row.source.column_names},
        "reasons": row.reasons,
        "held": [
            {name: held[name] for name in ("held_in_period", "reasons", "amount_at_stake_fen", "run_id")}
            for held in row.held
        ],
    }


def row_text(document: Mapping) -> str:
    lines = [*_row_lines(document), "", *_decision_lines(document["decisions"])]
    if document["same_key"]:
        lines += ["", f"{len(document['same_key']):,} other rows have the same key; at most one of them is true:"]
        for other in document["same_key"]:
            lines += ["", *_row_lines(other)]
    return "\n".join([*lines, "", *_advice(document)])


def _row_lines(row: Mapping) -> list[str]:
    held = ", ".join(f"{each['held_in_period']} ({yuan(each['amount_at_stake_fen'] or 0)})" for each in row["held"])
    values = [f"  {name:<18} {'' if value is None else value}" for name, value in row["row"].items()]
    reasons = ", ".join(row["reasons"])
    return [f"{row['held_id']}  {row['source']}, {row['state']}", *values, f"Reasons: {reasons}", f"Held in: {held}"]


def _decision_lines(decisions: Iterable[Mapping]) -> list[str]:
    lines = [
        f"{_instant(each['decided_at'])}  {each['action']} by {each['decided_by']}: {each['reason']}"
        for each in decisions
    ]
    return ["Decisions", *lines] if lines else ["No decision yet"]


def _advice(document: Mapping) -> list[str]:
    held_id = document["held_id"]
    if document["closed_period"] is not None:
        advice = [f"It belongs to {document['closed_period']}, which is closed: it cannot be released."]
    elif document["release_refused"] is not None:
        advice = [f"It cannot be released: {document['release_refused']}. The owner of the source corrects it."]
    else:
        purpose = "To say that it is true" if document["same_key"] else "To release it"
        others = " The other rows of its key are then waived." if document["same_key"] else ""
        advice = [
            f"{purpose}: fentan quarantine release {held_id} --by WHO --reason TEXT. {document['release_does']}{others}"
        ]
    return [*advice, f"To waive it: fentan quarantine waive {held_id} --by WHO --reason TEXT."]


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
