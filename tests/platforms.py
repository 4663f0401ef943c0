"""Platforms for tests as folders of YAML: a shipped platform with some rules replaced by dated ones."""

import shutil
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.confs import NO_CEILINGS, write_conf

SHIPPED = Path(str(files("conf").joinpath("platforms")))
LONG_AGO = date(2000, 1, 1)

Dated = Mapping[date, Any]


def write_platform(
    platforms: Path,
    platform_id: str,
    plans: Mapping[str, Mapping[str, Dated]],
    first_period: str,
    **collection: str,
) -> Path:
    """Writes the shipped platform with only these plans, each from `first_period` on; returns an environment conf.

    `plans`: by plan and rule, the values by their first day; other rules stay as shipped.
    `collection`: parameters of the platform's collection, as its platform.yaml names them.
    """
    folder = platforms / platform_id
    shutil.copytree(SHIPPED / platform_id, folder)
    for plan in (folder / "plans").iterdir():
        if plan.name not in plans:
            shutil.rmtree(plan)
            continue
        _rewrite(plan / "plan.yaml", first_period=first_period)
        for rule, values in plans[plan.name].items():
            _rewrite(plan / f"{rule}.yaml", values={day: _sourced(day, value) for day, value in values.items()})
    if collection:
        _rewrite_part(folder / "platform.yaml", "collection", collection)
    conf = platforms.parent / f"{platform_id}.toml"
    return write_conf(conf, NO_CEILINGS, platform=platform_id, platforms=platforms.name)


def _sourced(day: date, value: Any) -> dict:
    return {"value": value, "reference": "a test", "published_on": day}


def _rewrite_part(file: Path, name: str, changed: Mapping[str, Any]) -> None:
    part = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))[name]
    assert set(changed) <= set(part), f"{name} in {file.name} has no {set(changed) - set(part)}"
    _rewrite(file, **{name: {**part, **changed}})


def _rewrite(file: Path, **changed: Any) -> None:
    yaml = YAML(typ="safe", pure=True)
    document = yaml.load(file.read_text(encoding="utf-8"))
    assert set(changed) <= set(document), f"{file.name} has no {set(changed) - set(document)}"
    yaml.representer.ignore_aliases = lambda *_: True  # rule files have no anchors
    with file.open("w", encoding="utf-8") as rewritten:
        yaml.dump({**document, **changed}, rewritten)
