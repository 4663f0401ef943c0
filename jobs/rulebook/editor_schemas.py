"""JSON Schemas for editors, from the models of conf and rules; `python -m jobs.rulebook.editor_schemas` writes them.

conf/schema has one for each file of a platform, one for each kind of rule and one for environment confs. Each YAML file
names its own in its first line, each TOML file likewise.
"""

import json
from pathlib import Path

from pydantic import BaseModel

from jobs.base.environment import EnvironmentDocument
from jobs.rulebook.documents import AccountsDocument, CalendarDocument, PlanDocument, PlatformDocument, rule_model
from jobs.rulebook.published_figures import FiguresDocument
from jobs.rulebook.values import KINDS

FOLDER = Path(__file__).parents[2].joinpath("conf", "schema")
MODELS: dict[str, type[BaseModel]] = {
    "platform": PlatformDocument,
    "calendar": CalendarDocument,
    "accounts": AccountsDocument,
    "published_figures": FiguresDocument,
    "plan": PlanDocument,
    **{name: rule_model(name) for name in KINDS},
    "environment": EnvironmentDocument,
}


def schema(name: str) -> str:
    """The JSON Schema of one kind of file, as the text of its schema file."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **MODELS[name].model_json_schema()}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def write_schemas(folder: Path = FOLDER) -> None:
    """Writes the schema of every kind of file."""
    folder.mkdir(exist_ok=True)
    for name in MODELS:
        folder.joinpath(f"{name}.json").write_text(schema(name), encoding="utf-8")


if __name__ == "__main__":
    write_schemas()
