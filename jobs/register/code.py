"""The version of the code that computes amounts. Comments, docstrings and layout do not change it."""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from jobs.base.version import program_version

CODE_PACKAGES = (
    *(f"jobs.{chapter}" for chapter in ("settlement", "correction", "collection", "ledger", "gate", "works", "spark")),
    "expectations",
    "schemas",
)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)
NO_MEANING = ("ctx", "kind", "type_comment", "type_ignores", "type_params")  # some differ between Python versions


@cache
def code_version() -> str:
    """The program's version and a digest of the code of CODE_PACKAGES, without comments and docstrings."""
    digest = hashlib.sha256()
    for source in [files("jobs").joinpath("money.py"), *_sources_of(CODE_PACKAGES)]:
        digest.update(meaning_of(source.read_text(encoding="utf-8")).encode())
    return f"{program_version()}+{digest.hexdigest()[:12]}"


def _sources_of(packages: Iterable[str]) -> Iterator[Traversable]:
    for package in packages:
        yield from sorted(
            (entry for entry in files(package).iterdir() if entry.name.endswith(".py")), key=lambda entry: entry.name
        )


def meaning_of(source: str) -> str:
    """A text that is equal for two sources that differ only in comments, docstrings and layout."""
    return " ".join(_parts(ast.parse(source)))


def _parts(node: ast.AST) -> Iterator[str]:
    yield type(node).__name__
    for name, value in ast.iter_fields(node):
        if name == "body" and isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            value = value[1:]
        if name in NO_MEANING or value is None or value == []:
            continue
        yield f"{name}("
        for part in value if isinstance(value, list) else [value]:
            yield from _parts(part) if isinstance(part, ast.AST) else [repr(part)]
        yield ")"
