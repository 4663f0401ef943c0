"""JSON Schemas for editors: generated from the models, named by every file of conf, and valid for each of them."""

import json
import tomllib
from datetime import date
from typing import Any

import jsonschema
import pytest

from jobs.rulebook.editor_schemas import FOLDER, MODELS, schema
from jobs.rulebook.plain_yaml import read_yaml

CONF = FOLDER.parent
RULE_FILES = sorted(CONF.joinpath("platforms").rglob("*.yaml"))
FEE = CONF / "platforms" / "xianghubao" / "plans" / "critical_illness" / "fee_rate.yaml"


def as_json(value: Any) -> Any:
    """A YAML document as an editor reads it: dates are texts."""
    if isinstance(value, dict):
        return {str(name): as_json(child) for name, child in value.items()}
    if isinstance(value, list):
        return [as_json(child) for child in value]
    return value.isoformat() if isinstance(value, date) else value


def faults(name: str, document: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))
    return [fault.message for fault in validator.iter_errors(as_json(document))]


@pytest.mark.parametrize("name", MODELS)
def test_a_schema_is_generated_from_its_model(name):
    stored = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert stored == schema(name), "run `python -m jobs.rulebook.editor_schemas`"


def test_there_is_no_other_schema():
    assert {path.stem for path in FOLDER.iterdir()} == set(MODELS)


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: str(path.relative_to(CONF)))
def test_a_shipped_file_names_its_schema_and_is_valid(path):
    named = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / named).resolve() == (FOLDER / f"{path.stem}.json").resolve()
    assert not faults(path.stem, read_yaml(path, path.name))


@pytest.mark.parametrize("name", ["local.toml", "cluster.toml"])
def test_a_shipped_conf_names_its_schema_and_is_valid(name):
    text = (CONF / name).read_text(encoding="utf-8")
    assert text.startswith("#:schema schema/environment.json\n")
    assert not faults("environment", tomllib.loads(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [("unit: ppm", "unit: fen"), ("value: 80000", 'value: "80000"'), ("clause:", "klause:"), ("80000", "-1")],
)
def test_an_editor_shows_a_fault_that_the_loader_reports(tmp_path, old, new):
    path = tmp_path / "fee_rate.yaml"
    path.write_text(FEE.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    assert faults("fee_rate", read_yaml(path, path.name))
