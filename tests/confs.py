"""Environment confs for tests: the shipped local one with some values changed."""

import json
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

SHIPPED = tomllib.loads(files("conf").joinpath("local.toml").read_text(encoding="utf-8"))
# Every row may be bad, and every member may lapse.
NO_CEILINGS = {key: 1_000_000 if key.endswith("_ppm") else 0 for key in SHIPPED["quality"]}


def write_conf(
    file: Path,
    quality: Mapping[str, int] | None = None,
    spark: Mapping[str, str] | None = None,
    approval: Mapping[str, int | str] | None = None,
    **top: str | int,
) -> Path:
    """Writes conf/local.toml with other ceilings, settings of Spark, approvals, or values of `platform`, `platforms`,
    `few_rows_most`, `native`."""
    sections = {**SHIPPED, "quality": {**SHIPPED["quality"], **(quality or {})}}
    assert set(sections["quality"]) == set(SHIPPED["quality"]), "no such ceiling"
    sections["approval"] = {**SHIPPED["approval"], **(approval or {})}
    sections["spark"] = {**SHIPPED["spark"], **(spark or {})}
    alone = {key: value for key, value in sections.items() if not isinstance(value, dict)}
    alone |= {"native": False, **top}  # tests are the same with and without the JAR, but for those of the engine
    lines = _lines(alone)
    for name, section in sections.items():
        if isinstance(section, dict):
            lines += [f"[{name}]", *_lines(section)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def _lines(values: Mapping[str, Any]) -> list[str]:
    return [f"{json.dumps(key)} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
