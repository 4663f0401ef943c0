"""Stops work at an announced stage: in this process by an error, or in a separate process by SIGKILL.

`jobs.base.progress.announce` is the only hook: tests use the stages that an operator sees, and no internal function.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pyspark.errors import PySparkException

from jobs.base.progress import OBSERVERS


class Killed(BaseException):
    """A kill: the program must not catch it."""


@contextmanager
def at_stage(stage: str, act: Callable[[], None]) -> Iterator[None]:
    """Calls `act` once, at the first announced stage that begins with `stage`; fails if none is announced."""
    pending = [act]

    def observe(announced: str) -> None:
        if announced.startswith(stage) and pending:
            pending.pop()()

    with _observed(observe):
        yield
    assert not pending, f"{stage!r} was never announced"


@contextmanager
def killed_at(stage: str) -> Iterator[None]:
    """The work inside is killed at the stage."""
    with at_stage(stage, _raise(Killed())), pytest.raises(Killed):
        yield


@contextmanager
def failing_at(stage: str) -> Iterator[None]:
    """The work inside fails with an error of Spark at the stage."""
    with at_stage(stage, _raise(PySparkException("no space left"))):
        yield


def stages_of(command: Callable[[], object]) -> list[str]:
    """The distinct stages that a command announces, in order."""
    stages: dict[str, None] = {}
    with _observed(lambda stage: stages.setdefault(stage)):
        command()
    return list(stages)


def run_killed_at(stage: str, lake, job: str, period: str, *words: str) -> int:
    """Runs the job in a separate process and kills it at the stage; returns the exit code (-9: killed)."""
    command = [sys.executable, "-m", "jobs.cli", job, "--lake", str(lake.folder), "--period", period, *words]
    program = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=os.environ.copy()
    )
    for line in program.stderr:
        if stage in line:
            program.send_signal(signal.SIGKILL)
            break
    program.stderr.close()
    return program.wait(timeout=120)


@contextmanager
def _observed(observe: Callable[[str], object]) -> Iterator[None]:
    OBSERVERS.append(observe)
    try:
        yield
    finally:
        OBSERVERS.remove(observe)


def _raise(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act
