"""What a preview compares with: the shares and dues of the previous period, and how long earlier settlements took."""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from statistics import median_low

from jobs.lake.small import SmallTables, matching
from jobs.money import in_percent
from jobs.pipeline.amounts import table_text, yuan
from jobs.settlement.causes import PARTS, parts_of_change
from jobs.works.settle_pinning import PinnedSettlement
from jobs.works.settle_plans import SettlementResult

RUNS_COMPARED = 5
MOVERS_SHOWN = 10
CORRECTION_AMOUNTS = (("aid", "delta_benefit_fen"), ("asked", "asked_fen"), ("refunded", "refunded_fen"),
                      ("written off", "written_off_fen"), ("next pool", "pooled_fen"),
                      ("brought fwd", "adjusted_fen"))  # fmt: skip
CORRECTION_COLUMNS = ("plan_id", "origin_period", "revision", "reason", "delta_case_count",
                      *(name for _, name in CORRECTION_AMOUNTS))  # fmt: skip


def share_changes(pinned: PinnedSettlement, settled: SettlementResult) -> list[dict]:
    """One row per plan and tier that also shared in the previous period, the largest change first.

    Keys: plan_id, tier, before_fen, now_fen, change_fen, and `parts`, which add up to change_fen.
    """
    previous = pinned.request.platform.calendar.previous(pinned.request.period)
    pools_before = pinned.history.previous_pools
    rates_before: dict[str, list[dict]] = {}
    for rate in pinned.history.few_rows("settled/rates", settled.pools, [previous]):
        rates_before.setdefault(rate["plan_id"], []).append(rate)
    rows = []
    for plan_id in sorted(settled.pools.keys() & pools_before.keys()):
        pools = pools_before[plan_id], settled.pools[plan_id]
        rates = rates_before.get(plan_id, []), settled.rates[plan_id]
        before_fen, now_fen = ({rate["tier"]: rate["share_fen"] for rate in of_pool} for of_pool in rates)
        rows += [
            {
                **_change({"plan_id": plan_id, "tier": tier}, before_fen[tier], now_fen[tier]),
                "parts": parts_of_change(pools, rates, tier),
            }
            for tier in sorted(before_fen.keys() & now_fen.keys())
        ]
    return _largest_first(rows)


def due_changes(pinned: PinnedSettlement, settled: SettlementResult) -> list[dict]:
    """One row per plan with a previous period: what all its members owe, the largest change first."""
    before = pinned.history.previous_pools
    rows = [
        _change({"plan_id": p}, before[p]["due_fen"], settled.pools[p]["due_fen"])
        for p in sorted(settled.pools.keys() & before.keys())
    ]
    return _largest_first(rows)


def expected_run(small: SmallTables, plan_ids: Iterable[str]) -> dict | None:
    """How long a settlement of these plans should take: medians of the last published ones, as they were recorded.

    Of the same plans where there are such, else of any. None if no settlement was published yet. Keys: milliseconds,
    `of_same_plans`, `run_ids`, and `stages` with their milliseconds.
    """
    columns = ["run_id", "plan_id", "started_at", "settings"]
    runs = small.rows("control/runs", matching(job="settle", state="published"), columns)
    same = [run for run in runs if run["plan_id"] == ",".join(sorted(plan_ids))]
    last = sorted(same or runs, key=lambda run: run["started_at"])[-RUNS_COMPARED:]
    times = [_stages_of(run) for run in last]
    if not any(times):
        return None
    names = dict.fromkeys(name for stages in reversed(times) for name in stages)
    return {
        "milliseconds": median_low([sum(stages.values()) for stages in times]),
        "of_same_plans": bool(same),
        "run_ids": [run["run_id"] for run in last],
        "stages": [
            {"stage": name, "milliseconds": median_low([stages[name] for stages in times if name in stages])}
            for name in names
        ],
    }


def corrections_brought(pinned: PinnedSettlement, plan_ids: Collection[str]) -> list[dict]:
    """The corrections into the period, one row per plan, closed period and revision: their rows of
    settled/adjusted_pools."""
    known = pinned.history.corrections
    rows = [] if known is None else known.into(str(pinned.request.period)).pool_rows()
    chosen = [{name: row[name] for name in CORRECTION_COLUMNS} for row in rows if row["plan_id"] in plan_ids]
    return sorted(chosen, key=lambda row: (row["plan_id"], row["origin_period"], row["revision"]))


def corrections_text(rows: list[dict]) -> str:
    """The corrections as a table; empty without any."""
    if not rows:
        return ""
    columns = ["plan", "period", "revision", "reason", "cases", *(title for title, _ in CORRECTION_AMOUNTS)]
    cells = [
        [row["plan_id"], row["origin_period"], row["revision"], row["reason"], row["delta_case_count"],
         *(yuan(row[name]) for _, name in CORRECTION_AMOUNTS)]
        for row in rows
    ]  # fmt: skip
    return table_text("Corrections of closed periods, in yuan", columns, cells)


def changes_text(shares: list[dict], dues: list[dict]) -> str:
    """The largest changes as tables."""
    if not shares and not dues:
        return "No previous period to compare with"
    columns = ["before", "now", "change", "per cent"]
    share_rows = [
        [row["plan_id"], row["tier"], *_cells(row), *(yuan(row["parts"][part]) for part in PARTS)]
        for row in shares[:MOVERS_SHOWN]
    ]
    due_rows = [[row["plan_id"], *_cells(row)] for row in dues[:MOVERS_SHOWN]]
    parts = [part.replace("_", " ") for part in PARTS]
    share_title = "Compared with the previous period, in yuan: shares, the largest change first, and its causes"
    tables = [table_text(share_title, ["plan", "tier", *columns, *parts], share_rows)] if share_rows else []
    return "\n\n".join([*tables, table_text("All dues of a plan, in yuan", ["plan", *columns], due_rows)])


def expected_text(expected: Mapping | None) -> str:
    """The expected time as a sentence, with the three longest stages."""
    if expected is None:
        return "Expected time of `fentan settle`: not known, nothing was settled yet"
    longest = sorted(expected["stages"], key=lambda stage: -stage["milliseconds"])[:3]
    of_plans = "of these plans" if expected["of_same_plans"] else "of other plans"
    return (
        f"Expected time of `fentan settle`: {_seconds(expected['milliseconds'])}, the median of the last "
        f"{len(expected['run_ids'])} settlements {of_plans}; longest: "
        + ", ".join(f"{stage['stage']} {_seconds(stage['milliseconds'])}" for stage in longest)
    )


def _change(whose: Mapping[str, str], before_fen: int, now_fen: int) -> dict:
    return {**whose, "before_fen": before_fen, "now_fen": now_fen, "change_fen": now_fen - before_fen}


def _largest_first(rows: list[dict]) -> list[dict]:
    return sorted(rows, key=lambda row: -abs(row["change_fen"]))


def _stages_of(run: Mapping) -> dict[str, int]:
    """The milliseconds of each stage of a run; a stage may begin several times."""
    stages: dict[str, int] = {}
    for stage in json.loads(run["settings"]).get("stages", ()):
        stages[stage["stage"]] = stages.get(stage["stage"], 0) + stage["milliseconds"]
    return stages


def _cells(row: Mapping) -> list[str]:
    before_fen, change_fen = row["before_fen"], row["change_fen"]
    sign = "-" if change_fen < 0 else "+" if change_fen > 0 else ""
    percent = f"{sign}{in_percent(abs(change_fen), before_fen)}" if before_fen > 0 else "-"
    return [yuan(before_fen), yuan(row["now_fen"]), yuan(change_fen), percent]


def _seconds(milliseconds: int) -> str:
    return f"{timedelta(milliseconds=milliseconds).total_seconds():,.1f} s"
