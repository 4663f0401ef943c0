"""Any value of a platform file or of a conf replaced by a wrong one: reported with its key, never a crash."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jobs.base.environment import load_environment
from jobs.base.errors import WrongUsage
from jobs.base.strict import Fault, validated
from jobs.rulebook.documents import rule_document
from jobs.rulebook.editor_schemas import MODELS
from jobs.rulebook.plain_yaml import read_yaml
from jobs.rulebook.values import KINDS

SHIPPED = Path(__file__).resolve().parents[2] / "conf" / "platforms" / "xianghubao"
ILLNESSES = ("breast_cancer", "lung_cancer", "thyroid_cancer", "prostate_cancer")
WRONG = [
    None, True, False, 0, -1, 7, 10**15, 10**20, -(10**20), "", " ", "word", "²", "0-39", "\u200b", "2018-10-16",
    date(2018, 10, 16), date.min, date.max, [], [None], [[]], ["word"], [{}], {}, {"word": 1}, {"": ""},
    {date(2018, 10, 16): None}, {date(2018, 10, 16): {}},
]  # fmt: skip
OF_PYDANTIC = ("Input should", "should be", "should have", "should match", "Field required", "not permitted")


def shipped(name: str) -> dict:
    path = next(SHIPPED.glob(f"{name}.yaml"), SHIPPED / "plans" / "critical_illness" / f"{name}.yaml")
    return read_yaml(path, f"{name}.yaml")


def read(name: str, document: Any) -> Any:
    if name in KINDS:
        return rule_document(name, document, "some.yaml", ILLNESSES)
    return validated(MODELS[name], document, "some.yaml")


def places(document: Any, path: tuple = ()) -> Iterator[tuple]:
    yield path
    """The path of every value, of the first two of a list."""
    if isinstance(document, dict):
        children = list(document.items())
    else:
        children = list(enumerate(document))[:2] if isinstance(document, list) else []
    for name, child in children:
        yield from places(child, (*path, name))


def replaced(document: Any, path: tuple, value: Any) -> Any:
    if not path:
        return value
    changed = deepcopy(document)
    parent = changed
    for name in path[:-1]:
        parent = parent[name]
    parent[path[-1]] = value
    return changed


@pytest.mark.parametrize("name", [name for name in MODELS if name != "environment"])
def test_a_wrong_value_anywhere_is_reported_with_its_key(name):
    document = shipped(name)
    assert read(name, document)
    refused = 0
    for path in places(document):
        for wrong in WRONG:
            try:
                read(name, replaced(document, path, wrong))
            except Fault as fault:
                refused += 1
                message = str(fault)
                assert message.startswith("some.yaml: ") and message.count(". Nothing was done. ") == 1
                assert not [words for words in OF_PYDANTIC if words in message], (path, wrong)
                named, key = message.split(": ")[1], ".".join(map(str, path)) or "file"
                assert named.startswith(key) or key.startswith(named) or not path, (path, wrong)
    assert refused > 100


TOML = """
platform = "xianghubao"
few_rows_most = 1
[spark]
"spark.a" = "1"
[storage]
REGION = "here"
[quality]
quarantine_ceiling_members_ppm = 1
quarantine_ceiling_claims_ppm = 2
quarantine_ceiling_floor_rows = 3
[lock]
lease_seconds = 4
"""
WRONG_TOML = ["true", "-1", "0", "1.5", "nan", "99999999999999999999", '""', '"x"', "[]", "[1]", "{}", "{x = 1}",
              "2018-10-16", "10:00:00"]  # fmt: skip


@pytest.mark.parametrize("line", [line for line in TOML.splitlines() if "=" in line])
def test_a_wrong_value_of_a_conf_is_reported_with_its_key(tmp_path, line):
    key, path = line.split(" = ")[0], tmp_path / "some.toml"
    path.write_text(TOML)
    assert load_environment(str(path))
    refused = 0
    for wrong in WRONG_TOML:
        path.write_text(TOML.replace(line, f"{key} = {wrong}"))
        try:
            load_environment(str(path))
        except WrongUsage as fault:
            refused += 1
            named = str(fault).split("some.toml: key ")[1].split()[0]
            assert named.endswith(key.strip('"')) or named.startswith(("spark.spark.a", "storage.REGION")), named
            assert "Nothing was done." in str(fault)
            assert not [words for words in OF_PYDANTIC if words in str(fault)], wrong
    assert refused >= 8
