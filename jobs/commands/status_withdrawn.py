"""Settlements that were withdrawn and not settled again, with who withdrew them and why."""

import json
from collections.abc import Collection, Iterable

from jobs.lake.small import SmallTables, matching
from jobs.pipeline.amounts import table_text
from jobs.register.publications import in_force
from jobs.works.withdraw_pinning import JOB, SETTLEMENTS, WITHDRAWN_JOB


def withdrawn_settlements(small: SmallTables, acts: Collection[dict]) -> list[dict]:
    """One row per period and plan. `acts`: rows of control/publications."""
    settled = in_force(acts, WITHDRAWN_JOB)
    last: dict[tuple[str, str], dict] = {}
    for act in sorted(acts, key=lambda act: act["revision"]):
        key = act["period"], act["plan_id"]
        if act["job"] == WITHDRAWN_JOB and act["action"] == "withdrawn" and key not in settled:
            last[key] = act
    reasons = _reasons(small) if last else {}
    return [
        {
            "period": period,
            "plan_id": plan_id,
            "revision": act["revision"],
            "run_id": act["run_id"],
            "withdrawn_at": act["published_at"],
            **reasons.get((period, plan_id, act["revision"]), {"reason": None, "withdrawn_by": None}),
        }
        for (period, plan_id), act in sorted(last.items())
    ]


def _reasons(small: SmallTables) -> dict[tuple[str, str, int], dict]:
    """By period, plan and revision, the reason of the withdrawal and who made it."""
    reasons = {}
    for run in small.rows("control/runs", matching(job=JOB), ["period", "input_versions", "settings"]):
        settings = json.loads(run["settings"])
        for plan_id, act in json.loads(run["input_versions"]).get(SETTLEMENTS, {}).items():
            key = run["period"], plan_id, act["revision"]
            reasons[key] = {name: settings.get(name) for name in ("reason", "withdrawn_by")}
    return reasons


def withdrawn_table(rows: Iterable[dict]) -> list[str]:
    """The rows as a table of a terminal; no table without rows."""
    cells = [
        [row["period"], row["plan_id"], row["revision"], f"{row['withdrawn_at']:%Y-%m-%d %H:%M:%S}",
         row["withdrawn_by"] or "", row["reason"] or ""]
        for row in rows
    ]  # fmt: skip
    columns = ["period", "plan", "revision", "withdrawn (UTC)", "by", "reason"]
    return [table_text("Withdrawn, not settled again", columns, cells)] if cells else []
