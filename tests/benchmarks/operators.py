"""Which operators of a command's queries did not run natively, read from Spark's event log.

An operator that falls back is right but slow; one that handles few rows costs nothing, so the rows are counted too.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from jobs.pipeline.amounts import table_text

PLANS = ("SparkListenerSQLExecutionStart", "SparkListenerSQLAdaptiveExecutionUpdate")
NATIVE = "Comet"
# Nodes that hold others and compute nothing.
FRAMES = ("AdaptiveSparkPlan", "QueryStage", "AQEShuffleRead", "WholeStageCodegen", "InputAdapter", "ReusedExchange")
ROWS = "number of output rows"
SHOWN = 12


def settings_of_event_log(folder: Path) -> str:
    """The lines of a section [spark] by which each command writes one file of events into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    values = {"enabled": "true", "dir": folder.resolve().as_uri(), "compress": "false", "rolling.enabled": "false"}
    return "".join(f'"spark.eventLog.{key}" = "{value}"\n' for key, value in values.items())


def newest_log(folder: Path) -> Path:
    """The events of the command that ended last."""
    return max((path for path in folder.iterdir() if path.is_file()), key=lambda path: path.stat().st_mtime)


def operators(log: Path) -> dict[str, tuple[int, int]]:
    """By operator: how often the command's queries have it, and the rows it gave (0: not counted)."""
    plans, values = _plans_and_values(log)
    times: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    for plan in plans:
        for node in _nodes(plan):
            name = node["nodeName"].strip()
            if not any(frame in name for frame in FRAMES):
                times[name] += 1
                rows[name] += sum(values.get(m["accumulatorId"], 0) for m in node["metrics"] if m["name"] == ROWS)
    return {name: (times[name], rows[name]) for name in times}


def operators_text(log: Path) -> str:
    """The operators that are not native, those of most rows first, as a table."""
    counted = operators(log)
    native = sum(times for name, (times, _) in counted.items() if name.startswith(NATIVE))
    others = [(name, *of_name) for name, of_name in counted.items() if not name.startswith(NATIVE)]
    lines = [[name, f"{times:,}", f"{rows:,}"] for name, times, rows in sorted(others, key=lambda o: -o[2])[:SHOWN]]
    return table_text(f"{native:,} operators were native; these were not", ["operator", "times", "rows"], lines)


def _plans_and_values(log: Path) -> tuple[Iterable[dict], dict[int, int]]:
    """The last plan of each query, and the values of the counters at the end of each stage."""
    plans: dict[int, dict] = {}
    values: dict[int, int] = {}
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            kind = event["Event"].rpartition(".")[2]
            if kind in PLANS:
                plans[event["executionId"]] = event["sparkPlanInfo"]
            elif kind == "SparkListenerStageCompleted":
                for counter in event["Stage Info"]["Accumulables"]:
                    if str(counter.get("Value", "")).lstrip("-").isdigit():
                        values[counter["ID"]] = int(counter["Value"])
    return plans.values(), values


def _nodes(plan: dict) -> Iterator[dict]:
    yield plan
    for child in plan["children"]:
        yield from _nodes(child)
