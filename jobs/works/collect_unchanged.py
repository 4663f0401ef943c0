"""Whether a period has already been collected from the same inputs."""

import json
from collections.abc import Collection
from functools import partial

from jobs.gate.receipts import payments_of
from jobs.register.changes import changed_since
from jobs.register.runs import rows_of_runs
from jobs.works.collect_pinning import (
    AID_OF_NEXT,
    CLOSED_BEFORE,
    EARLIER_ARREARS,
    EARLIER_SET_OFF_FEN,
    ENDED_BEFORE,
    RECEIPTS,
    SETTLED,
    STAGE,
    PinnedCollection,
)


def run_of_same_inputs(pinned: PinnedCollection, with_next_period: bool = True) -> str | None:
    """The run that already collected all plans from these receipts under these rules; None if there is none.

    `with_next_period` False ignores settlements of the next period made after the collection; `close` uses this,
    because a later settlement must not reopen a period.
    """
    changes = _changes_by_run(pinned, with_next_period)
    same = [run_id for run_id, of_run in changes.items() if not of_run]
    # One run collects all open plans. A closed period may have several runs; the last one also records the plans that
    # were closed before it, so one matching run is enough.
    return same[0] if same and (pinned.is_closed or len(changes) == 1) else None


def changes_since_collected(pinned: PinnedCollection, with_next_period: bool = True) -> list[str]:
    """What changed since the plans were collected, for a refusal to name. Arguments as for `run_of_same_inputs`."""
    changes = _changes_by_run(pinned, with_next_period)
    texts = {name: text for of_run in changes.values() for name, text in of_run.items()}
    if len(changes) > 1 and not pinned.is_closed:
        texts["runs"] = f"the plans were collected by different runs ({', '.join(changes)})"
    if "receipts" in texts:
        version = pinned.lake.small.version("source/receipts")
        texts["receipts"] = f"source/receipts, version {version}: the rows of {pinned.run.period}"
    return list(texts.values())


def _changes_by_run(pinned: PinnedCollection, with_next_period: bool) -> dict[str, dict[str, str]]:
    """By run that collected plans of the period, what changed since."""
    by_plan = [EARLIER_SET_OFF_FEN, ENDED_BEFORE]
    if not pinned.is_closed:
        by_plan += [EARLIER_ARREARS, AID_OF_NEXT] if with_next_period else [EARLIER_ARREARS]
    run_ids = {pinned.collected[p].run_id for p in pinned.settled if p in pinned.collected}
    rows = rows_of_runs(pinned.lake.small, run_ids)
    changes: dict[str, dict[str, str]] = {}
    for run_id in sorted(run_ids):
        if (row := rows.get(run_id)) is None:
            changes[run_id] = {"record": f"run {run_id} is not in control/runs any more"}
            continue
        in_both = set(json.loads(row["input_versions"])[SETTLED]) & set(pinned.run.input_versions[SETTLED])
        relevant = partial(_relevant, in_both=in_both, by_plan=by_plan, is_closed=pinned.is_closed)
        changes[run_id] = changed_since(row, pinned.run, relevant, with_code=False)
    return changes


def _relevant(versions: dict, in_both: Collection[str], by_plan: Collection[str], is_closed: bool) -> dict:
    """The part of an input_versions that decides whether two collections concern the same plans and the same money.

    For a closed period only the payments count: a duplicate that arrives later, or an id that a later period uses
    again, changes nothing in its books.
    """
    return {
        "plans": {**versions[SETTLED], **versions.get(CLOSED_BEFORE, {})},
        "receipts": payments_of(versions[RECEIPTS]) if is_closed else versions[RECEIPTS],
        "stage": versions[STAGE],
        **{name: {p: x for p, x in versions.get(name, {}).items() if p in in_both} for name in by_plan},
    }
