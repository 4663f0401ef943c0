"""The README is true: its commands, make targets, files, tables and exit codes exist."""

import re
import shlex

import pytest

from jobs.base.errors import Stop
from jobs.cli import COMMANDS, _parser
from schemas import TABLES
from tests.readme import BLOCKS, INLINE, TEXT
from tests.wheels import PROJECT

MAKE_TARGETS = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
LINES = [line.split(" #")[0].strip() for block in BLOCKS for line in block.splitlines()]
SPANS = LINES + INLINE
FOLDERS = ("conf/", "schemas/", "tests/", "jobs/", ".ci/")


def commands_named(program: str) -> list[list[str]]:
    """The arguments of every command written in the README."""
    lines = [span.removeprefix(".venv/bin/") for span in SPANS]
    return [shlex.split(line)[1:] for line in lines if line.startswith(f"{program} ")]


@pytest.mark.parametrize("words", commands_named("fentan"), ids=" ".join)
def test_every_command_is_accepted_by_the_program(words, monkeypatch):
    assert words[0] in COMMANDS
    if len(words) > 1:  # a complete command; FENTAN_LAKE names the lake
        monkeypatch.setenv("FENTAN_LAKE", "lake")
        _parser(words).parse_args(words)


@pytest.mark.parametrize("option", sorted({span.split()[0] for span in INLINE if span.startswith("--")}))
def test_every_option_belongs_to_a_command(option, capsys):
    help_texts = ""
    for command in COMMANDS:
        with pytest.raises(SystemExit):
            _parser([command]).parse_args([command, "--help"])
        help_texts += capsys.readouterr().out
    assert re.search(rf"{option}\b", help_texts)


def test_the_table_of_commands_is_complete():
    listed = re.findall(r"^\| `fentan ([a-z]+)", TEXT, re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)


@pytest.mark.parametrize("words", commands_named("make"), ids=" ".join)
def test_every_make_target_exists(words):
    assert words[0] in MAKE_TARGETS


def test_the_readme_names_the_two_commands():
    assert {"demo", "test"} <= {words[0] for words in commands_named("make")}


@pytest.mark.parametrize("path", sorted({span for span in INLINE if span.startswith(FOLDERS) and "<" not in span}))
def test_every_file_exists(path):
    assert (PROJECT / path).exists()


@pytest.mark.parametrize("name", sorted({s for s in INLINE if re.fullmatch(r"(source|settled|ledger|control)/\w+", s)}))
def test_every_table_is_in_the_dictionary(name):
    assert name in TABLES


def test_every_exit_code_of_a_stop_is_explained():
    codes = {kind.exit_code for kind in (Stop, *Stop.__subclasses__())}
    listed = set(map(int, re.findall(r"^\| ([0-9]) \|", TEXT, re.MULTILINE)))
    assert codes - {Stop.exit_code} == listed
    (sentence,) = re.findall(r"Exit codes:.*?\.\n", TEXT, re.DOTALL)
    assert codes | {0} == set(map(int, re.findall(r"\b([0-9])\b", sentence)))
