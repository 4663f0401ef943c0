"""Every message of exit 4 names the command to use next."""

import ast
import re
from pathlib import Path

from jobs.cli import COMMANDS

PROJECT = Path(__file__).resolve().parents[2]


def refusals() -> list[tuple[str, ast.Module, ast.Call]]:
    calls = []
    for path in sorted((PROJECT / "jobs").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls += [
            (f"{path.relative_to(PROJECT)}:{node.lineno}", tree, node)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Refused"
        ]
    return calls


def texts_of(node: ast.AST, tree: ast.Module, depth: int = 3) -> str:
    """The constant text of a message, including the functions and names of the module that build it."""
    text = "".join(n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str))
    if not depth:
        return text
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    made = [f for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) and f.name in names]
    return text + "".join(texts_of(function, tree, depth - 1) for function in made)


def test_a_refusal_names_the_next_command():
    named = {place: re.findall(r"`fentan ([a-z]+)", texts_of(call, tree)) for place, tree, call in refusals()}
    assert not [place for place, commands in named.items() if not commands]
    assert {command for commands in named.values() for command in commands} <= set(COMMANDS)


def test_there_are_refusals():
    assert len(refusals()) >= 20
