"""Whether a period has already been collected from the same inputs."""

import json
from collections.abc import Collection

from jobs.canonical import json_value
from jobs.gate.receipts import payments_of
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
    by_plan = [EARLIER_SET_OFF_FEN, ENDED_BEFORE]
    if not pinned.is_closed:
        by_plan += [EARLIER_ARREARS, AID_OF_NEXT] if with_next_period else [EARLIER_ARREARS]
    current = json_value(pinned.run.input_versions)
    run_ids = sorted({pinned.collected[p].run_id for p in pinned.settled if p in pinned.collected})
    same = [
        run_id
        for run_id, row in sorted(rows_of_runs(pinned.lake.small, run_ids).items())
        if row["conf_digest"] == pinned.run.conf_digest
        and _is_same(json.loads(row["input_versions"]), current, by_plan, pinned.is_closed)
    ]
    # One run collects all open plans. A closed period may have several runs; the last one also records the plans that
    # were closed before it, so one matching run is enough.
    return same[0] if same and (pinned.is_closed or len(run_ids) == 1) else None


def _is_same(recorded: dict, current: dict, by_plan: Collection[str], is_closed: bool) -> bool:
    """Whether two input_versions concern the same plans and the same money.

    For a closed period only the payments count: a duplicate that arrives later, or an id that a later period uses
    again, changes nothing in its books.
    """
    in_both = set(recorded[SETTLED]) & set(current[SETTLED])

    def compared(versions: dict) -> dict:
        return {
            "plans": {**versions[SETTLED], **versions.get(CLOSED_BEFORE, {})},
            "receipts": payments_of(versions[RECEIPTS]) if is_closed else versions[RECEIPTS],
            "stage": versions[STAGE],
            **{name: {p: x for p, x in versions.get(name, {}).items() if p in in_both} for name in by_plan},
        }

    return compared(recorded) == compared(current)
