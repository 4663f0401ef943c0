"""Commands that a test starts in separate processes, with the signals and standard streams of a shell."""

import os
import signal
import subprocess
import sys
from pathlib import Path

TIMEOUT_SECONDS = 300


def words_of(lake, conf: Path, *words: str) -> list[str]:
    """The command line of a command on the lake."""
    command, *options = words
    return [sys.executable, "-m", "jobs.cli", command, "--lake", str(lake.folder), "--conf", str(conf), *options]


def interrupted_at(stage: str, number: int, words: list[str]) -> tuple[int, str]:
    """Sends the signal to the program and its children at the announced stage; returns exit code and stderr."""
    program = subprocess.Popen(
        words,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        preexec_fn=_default_signals,
        env=os.environ | {"FENTAN_LOG_FORMAT": "text"},
    )
    lines = []
    with program:
        for line in program.stderr:
            lines.append(line)
            if stage in line:
                os.killpg(program.pid, number)
                stage = "\0"  # once
    return program.wait(TIMEOUT_SECONDS), "".join(lines)


def shell(script: str, words: list[str]) -> subprocess.CompletedProcess:
    """Runs bash with the words as "$@"."""
    return subprocess.run(
        ["bash", "-c", script, "bash", *words], capture_output=True, text=True, timeout=TIMEOUT_SECONDS
    )


def _default_signals() -> None:
    """Restores SIGINT: a test run in the background ignores it, and its children would inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
