"""Progress and messages: as text, as JSON, and as a live display on a terminal."""

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import redirect_stderr
from io import StringIO

import pytest

from jobs.base.logs import close_log, open_log
from jobs.base.process import Interrupted, check_interruption
from jobs.base.progress import LOGGER, add_context, announce, logged_as, logged_for_run
from jobs.cli import main

WHOLE_LOG = """
from jobs.base import process
from jobs.base.progress import LOGGER, announce
from jobs.base.logs import close_log, end_display, open_log
process.protect_streams()
open_log("text", "info")
announce("first stage")
announce("second stage")
end_display()
LOGGER.warning("a message")
close_log()
"""


def logged(act, log_format="text", level="info") -> list[str]:
    """The lines that are logged while `act` runs."""
    stderr = StringIO()
    with redirect_stderr(stderr):
        open_log(log_format, level)
        try:
            act()
        finally:
            close_log()
    return stderr.getvalue().splitlines()


def one_run():
    with logged_as(job="settle", period="2020-12-P1", run_id=None):
        announce("pinning")
        with logged_for_run("settle", "2020-12-P1"):
            add_context(run_id="settle-1")
            announce("100% of it")
        LOGGER.warning("a message")


def test_text_has_progress_with_seconds_and_messages_with_their_command():
    first, second, message = logged(one_run)
    assert re.fullmatch(r"\[ *\d+\.\ds\] pinning", first)
    assert re.fullmatch(r"\[ *\d+\.\ds\] 100% of it", second)
    assert message == "fentan settle: a message"


def test_json_is_one_object_per_line_with_the_run_id_as_soon_as_known():
    records = [json.loads(line) for line in logged(one_run, "json")]
    assert [list(record) for record in records] == 3 * [["time", "level", "job", "period", "run_id", "message"]]
    assert [(r["level"], r["run_id"], r["message"]) for r in records] == [
        ("info", None, "pinning"),
        ("info", "settle-1", "100% of it"),
        ("warning", "settle-1", "a message"),
    ]
    assert {(record["job"], record["period"]) for record in records} == {("settle", "2020-12-P1")}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", record["time"]) for record in records)


def test_the_run_id_of_a_nested_run_is_not_logged_for_the_outer_command():
    def walk():
        with logged_as(job="run", period=None, run_id=None):
            with logged_for_run("settle", "2020-12-P1"):
                add_context(run_id="settle-1")
                announce("publishing")
            announce("next step")

    inside, after = (json.loads(line) for line in logged(walk, "json"))
    assert (inside["job"], inside["period"], inside["run_id"]) == ("settle", "2020-12-P1", "settle-1")
    assert (after["job"], after["period"], after["run_id"]) == ("run", None, None)


def test_level_warning_leaves_progress_out():
    assert logged(one_run, level="warning") == ["fentan settle: a message"]


def test_without_a_terminal_there_is_no_live_display():
    environment = {**os.environ, "TERM": "xterm"}
    ended = subprocess.run(
        [sys.executable, "-c", WHOLE_LOG], capture_output=True, text=True, check=True, env=environment
    )
    assert re.fullmatch(
        r"\[ *\d+\.\ds\] first stage\n\[ *\d+\.\ds\] second stage\nfentan None: a message\n", ended.stderr
    )


def test_a_terminal_shows_the_current_stage_and_earlier_ones_with_their_durations():
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen([sys.executable, "-c", WHOLE_LOG], stderr=theirs, env=environment):
        os.close(theirs)
        shown = read_all(ours)
    lines = [
        re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line).split("\r")[-1] for line in shown.replace("\r\n", "\n").split("\n")
    ]
    assert "\x1b" in shown
    stages = [line.split() for line in lines if "stage" in line and line.strip()]
    assert [stage for stage in stages if stage[-2:] == ["first", "stage"]][-1][0].endswith("s")
    assert "fentan None: a message" in lines


def test_the_environment_variable_overrides_the_conf(tmp_path, monkeypatch):
    monkeypatch.setenv("FENTAN_LOG_FORMAT", "json")
    stderr = StringIO()
    with redirect_stderr(stderr):
        assert main(["status", "--lake", str(tmp_path / "nowhere")]) == 2
    record = json.loads(stderr.getvalue())
    assert (record["level"], record["job"]) == ("error", "status") and "no such folder" in record["message"]
    stderr = StringIO()
    with redirect_stderr(stderr):
        assert main(["check", "--lake", str(tmp_path / "nowhere"), "--period", "2020-12-P1"]) == 2
    record = json.loads(stderr.getvalue())
    assert (record["job"], record["period"], record["run_id"]) == ("check", "2020-12-P1", None)
    monkeypatch.setenv("FENTAN_LOG_FORMAT", "xml")
    stderr = StringIO()
    with redirect_stderr(stderr):
        assert main(["status", "--lake", str(tmp_path)]) == 2
    assert "FENTAN_LOG_FORMAT is xml; it must be text or json. Nothing was done." in stderr.getvalue()


def test_an_interruption_swallowed_by_a_finalizer_is_raised_at_the_next_stage(monkeypatch):
    monkeypatch.setattr("jobs.base.process._interruption", Interrupted(15))
    with pytest.raises(Interrupted) as interruption:
        announce("next stage")
    assert interruption.value.exit_code == 143
    monkeypatch.undo()
    check_interruption()


def read_all(terminal: int) -> str:
    chunks = []
    try:
        while chunk := os.read(terminal, 65536):
            chunks.append(chunk)
    except OSError:  # Linux reports the closed other end as an error
        pass
    os.close(terminal)
    return b"".join(chunks).decode()
