"""The README's commands run in the order they are written, each ends with 0, and give what the README shows."""

import re
import shlex
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import pytest

from jobs.cli import main
from tests.readme import BLOCKS

LINES = [line.split(" #")[0].strip() for block in BLOCKS for line in block.splitlines()]
COMMANDS = [line.removeprefix("fentan ") for line in LINES if line.startswith("fentan ")]
(RESULT,) = [block for block in BLOCKS if block.startswith("Shares in yuan")]


def words_of(text: str) -> list[str]:
    """The words of a text, whatever the space between them."""
    return text.split()


@pytest.fixture(scope="module")
def outputs(spark, tmp_path_factory):
    """Every command with what it printed. A command that fails ends the life: none after it is taken."""
    printed, folder = [], tmp_path_factory.mktemp("readme")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # the JVM of the session is in another folder: a relative lake would be two
        for command in COMMANDS:
            out, err = StringIO(), StringIO()
            with redirect_stdout(out), redirect_stderr(err):
                exit_code = main(shlex.split(command.replace("./", f"{folder}/")))
            assert exit_code == 0, f"fentan {command}: {exit_code}\n{err.getvalue()}"
            printed.append((command, out.getvalue()))
    return printed


def test_every_command_ends_with_0(outputs):
    assert [command for command, _ in outputs] == COMMANDS and len(COMMANDS) > 10


def test_the_settlement_ends_with_the_tables_that_are_shown(outputs):
    (shown,) = [out for command, out in outputs if command.startswith("settle ")]
    printed = "\n".join(map(" ".join, map(words_of, shown.splitlines())))
    for line in filter(None, map(" ".join, map(words_of, RESULT.splitlines()))):
        assert line in printed


def test_the_explanation_ends_with_the_published_share(outputs):
    (explained,) = [out for command, out in outputs if command.startswith("explain") and "--member" in command]
    assert re.search(r"^ *share +4\.83\b", explained, re.MULTILINE)
