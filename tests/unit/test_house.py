"""Conventions that are worth keeping: the dictionary page is true, the rules of settlement stay pure."""

import ast
from pathlib import Path

import pytest

from schemas.dictionary import PAGE, page

PROJECT = Path(__file__).resolve().parents[2]
CHAPTERS = ("settlement", "collection", "ledger")
PURE = sorted(path for chapter in CHAPTERS for path in (PROJECT / "jobs" / chapter).glob("*.py"))
MAY_IMPORT = (
    *(f"jobs.{chapter}" for chapter in CHAPTERS),
    "jobs.money",
    "jobs.canonical",
    "jobs.rulebook",
    "jobs.spark",
)


def imports_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def test_the_dictionary_page_is_what_the_schemas_say():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m schemas.dictionary`"


@pytest.mark.parametrize("path", PURE, ids=lambda path: path.name)
def test_the_settlement_is_pure(path):
    own = {name for name in imports_of(path) if name.split(".")[0] in ("jobs", "expectations", "conf")}
    assert all(name.startswith(MAY_IMPORT) for name in own), f"{path}: a pure chapter imports no work"
    assert not {"os", "pathlib", "time", "logging", "random"} & imports_of(path), (
        f"{path}: no file, clock, log or chance"
    )
    assert "SparkSession" not in path.read_text(), f"{path}: no session"


@pytest.mark.parametrize("folder", ["schemas", "expectations"])
def test_schemas_and_expectations_import_no_job(folder):
    for path in (PROJECT / folder).glob("*.py"):
        assert not any(name.startswith("jobs") for name in imports_of(path)), path


@pytest.mark.parametrize("path", PURE, ids=lambda path: path.name)
def test_money_is_divided_in_one_module(path):
    divisions = [
        n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div)
    ]
    assert not divisions, f"{path}: divide in jobs/money.py"
