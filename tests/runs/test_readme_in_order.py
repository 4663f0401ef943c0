"""The README's commands run in their order, end with 0, and print the results that the README shows.

`make demo` is run as its command, with fewer members.
"""

import json
import re
import shlex
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import pytest
from deltalake import DeltaTable

from jobs.cli import main
from tests import spark_settings
from tests.readme import BLOCKS

pytestmark = pytest.mark.timeout(1800)  # all commands run in the set-up of the first test
# Large enough for cases in every period of the largest plan.
DEMO = "demo --lake ./lake --members 200k"
LINES = [line.split(" #")[0].strip() for block in BLOCKS for line in block.splitlines()]
COMMANDS = [DEMO if line == "make demo" else line.removeprefix("fentan ") for line in LINES
            if line == "make demo" or line.startswith("fentan ")]  # fmt: skip
(RESULT,) = [block[block.index("Shares in yuan") :] for block in BLOCKS if "Shares in yuan" in block]


def words_of(text: str) -> list[str]:
    """The words of a text, without the spaces between them."""
    return text.split()


class Reader:
    """Runs commands in a folder of its own; no command runs after a failed one."""

    def __init__(self, folder):
        self.folder = folder
        self.printed: list[tuple[str, str]] = []

    def run(self, command: str) -> str:
        """The output of the command, with the folder written as `.`."""
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            exit_code = main(shlex.split(command.replace("./", f"{self.folder}/")))
        assert exit_code == 0, f"fentan {command}: {exit_code}\n{err.getvalue()}"
        self.printed.append((command, out.getvalue().replace(str(self.folder), ".")))
        return self.printed[-1][1]

    def output_of(self, start: str) -> str:
        """The output of the README's command that starts with this text."""
        return next(out for command, out in self.printed if command.startswith(start))


@pytest.fixture(scope="module")
def reader(spark, tmp_path_factory):
    """All commands of the README, with their output, in a session with a user's settings."""
    reader = Reader(tmp_path_factory.mktemp("readme"))
    with pytest.MonkeyPatch.context() as patch, spark_settings.usual(spark):
        patch.chdir(reader.folder)  # the JVM runs in another folder, so a relative path would name two lakes
        for command in COMMANDS:
            reader.run(command)
    return reader


def test_every_command_ends_with_0(reader):
    assert [command for command, _ in reader.printed][: len(COMMANDS)] == COMMANDS
    assert COMMANDS[0] == DEMO and len(COMMANDS) > 15


def test_the_settlement_ends_with_the_tables_that_are_shown(reader):
    printed = "\n".join(" ".join(words_of(line)) for line in reader.output_of("settle --lake ./xhb").splitlines())
    shown = [" ".join(words_of(line)) for line in RESULT.splitlines()]
    assert [line for line in shown if line not in printed] == []
    assert any(" 4.83 " in line for line in shown)


def test_the_explanation_ends_with_an_amount_that_is_paid(reader):
    explained = reader.output_of("explain --lake ./lake --member")
    shares = re.findall(r"^ *share +([0-9]+\.[0-9]{2})\b", explained, re.MULTILINE)
    assert shares and shares[0] != "0.00"
    assert re.search(r"^ *collected .*Status collected on 2020-12-28", explained, re.MULTILINE)


def test_the_demo_ends_with_one_screen(reader):
    lines = reader.output_of("demo").splitlines()
    assert len(lines) <= 40 and max(map(len, lines)) <= 100
    (page,) = re.findall(r"Pages: (\S+)", "\n".join(lines))
    assert (reader.folder / page).exists()
    (explained,) = [line.strip().removeprefix("fentan ") for line in lines if line.startswith("  fentan explain")]
    assert "Not charged" not in reader.run(explained)


def test_the_demo_has_cases_lapses_arrears_and_fee_and_is_not_generated_again(reader):
    """After the README's third period the demo still shows its own two, closed, and writes no source again."""
    members = DeltaTable(reader.folder / "lake/source/members").version()
    document = json.loads(reader.run(f"{DEMO} --json"))
    assert DeltaTable(reader.folder / "lake/source/members").version() == members
    (plan_id,) = {pool["plan_id"] for pool in document["pools"] if pool["covered_count"] > 100_000}
    for period in document["periods"]:
        shown = {"period": period, "plan_id": plan_id}
        (pool,), (collection,) = (
            [row for row in document[name] if shown.items() <= row.items()] for name in ("pools", "collections")
        )
        shares = [row["share_fen"] for row in document["shares"] if shown.items() <= row.items()]
        assert pool["case_count"] > 0 and min(shares) > 0
        assert collection["lapsed_count"] > 0 and collection["arrears_fen"] > 0
        assert 0 < collection["fee_received_fen"] < pool["fee_fen"]
    assert {row["period"] for row in document["balances"]} == {document["periods"][-1]}
