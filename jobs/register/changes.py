"""What changed between the inputs, rules and code that a run recorded and those of today, for refusals to name."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jobs.base.canonical import json_value
from jobs.lake.sources import TABLE_IDS
from jobs.register.code import code_version
from jobs.register.runs import Run

# Keys of the rules that do not belong to a plan, by the file of the platform that holds them.
FILE_OF_RULE = {
    "days": "calendar.yaml",
    "periods_of_month": "calendar.yaml",
    "accounts": "accounts.yaml",
}
OTHER_FILE = "platform.yaml"
# Inputs that Fentan published itself, by their key in input_versions.
MEANING_OF_INPUT = {
    "predecessors": "the settlement of the previous period",
    "lapses": "the lapses of earlier collections",
    "brought_forward_fen": "the residual brought forward",
    "plans": "the settlements of the period",
    "receipts": "source/receipts: the rows of the period",
    "stage": "the stage of the collection (announced, deducting, final)",
    "corrections": "the corrections of earlier periods",
    "aid_of_next": "the settlement of the next period",
    "netted_before_fen": "the aid that arrears of the previous period took",
    "ended_before": "the lapses of earlier periods",
    "decisions": "the decisions on held rows",
    "earlier_arrears_fen": "the arrears of earlier periods that aid may pay",
}


def changed_since(
    recorded: Mapping, now: Run, relevant: Callable[[dict], dict] = dict, with_code: bool = True
) -> dict[str, str]:
    """By what changed (the input's key, the rule's file, or `code`), a text that names it; empty: nothing changed.

    `recorded`: the earlier run's row of control/runs. `relevant`: the part of an input_versions that counts.
    """
    inputs_then = relevant(json.loads(recorded["input_versions"]))
    inputs_now = relevant(json_value(now.input_versions))
    changes = {**_changed_inputs(inputs_then, inputs_now), **_changed_rules(recorded, now)}
    if with_code and recorded["code_version"] != code_version():
        changes["code"] = f"the code: version {recorded['code_version']} then, {code_version()} now"
    return changes


def _changed_inputs(then: Mapping, now: Mapping) -> dict[str, str]:
    ids_then, ids_now = then.get(TABLE_IDS, {}), now.get(TABLE_IDS, {})
    changes = {}
    for name in sorted((then.keys() | now.keys()) - {TABLE_IDS}):
        if name in ids_then and name in ids_now and ids_then[name] != ids_now[name]:
            changes[name] = f"{name}: another table now, because it was dropped and created again"
        elif then.get(name) != now.get(name):
            changes[name] = _input_text(name, then.get(name), now.get(name))
    return changes


def _input_text(name: str, then: Any, now: Any) -> str:
    if name.startswith("source/"):
        versions = ["no table" if version is None else f"version {version}" for version in (then, now)]
        return f"{name}: {versions[0]} then, {versions[1]} now"
    return MEANING_OF_INPUT.get(name, name)


def _changed_rules(recorded: Mapping, now: Run) -> dict[str, str]:
    if recorded["conf_digest"] == now.conf_digest:
        return {}
    if recorded["rules"] is None:
        return {"rules": "the rules (the run did not record them)"}
    then, today = json.loads(recorded["rules"]), json_value(now.rules)
    keys_by_file: dict[str, list[str]] = {}
    for path in _differing_paths(then, today):
        file, key = _place_of(path)
        keys_by_file.setdefault(file, []).append(key)
    return {
        file: f"rules: {now.platform_id}/{file}" + (f" ({', '.join(keys)})" if any(keys) else "")
        for file, keys in keys_by_file.items()
    }


def _differing_paths(then: Any, now: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The keys that lead to each differing value."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in sorted(then.keys() | now.keys()):
            yield from _differing_paths(then.get(key, ...), now.get(key, ...), (*path, key))
    elif then != now:
        yield path


def _place_of(path: tuple[str, ...]) -> tuple[str, str]:
    """The file of the platform that holds a rule value, and the key in it."""
    if path[0] != "plans":
        return FILE_OF_RULE.get(path[0], OTHER_FILE), ".".join(path)
    file = f"plans/{path[1]}/{path[2]}.yaml" if len(path) > 2 else f"plans/{'/'.join(path[1:])}"
    return file, ".".join(path[3:])
