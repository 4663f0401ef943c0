"""Work stopped at a stage that it announces: in this process by an error, or as a program of its own by SIGKILL.

`jobs.progress.announce` is the only seam: tests know the stages as an operator sees them, and no function inside.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pyspark.errors import PySparkException

from jobs.progress import OBSERVERS


class Killed(BaseException):
    """Nothing in the program may catch it."""


@contextmanager
def at_stage(stage: str, act: Callable[[], None]) -> Iterator[None]:
    """Does something as soon as a stage that begins with these words is announced, once; it must come."""
    left = [act]

    def observe(announced: str) -> None:
        if announced.startswith(stage) and left:
            left.pop()()

    with _observed(observe):
        yield
    assert not left, f"{stage!r} was never announced"


@contextmanager
def killed_at(stage: str) -> Iterator[None]:
    """What runs inside dies at the stage."""
    with at_stage(stage, _raise(Killed())), pytest.raises(Killed):
        yield


@contextmanager
def failing_at(stage: str) -> Iterator[None]:
    """Spark fails at the stage."""
    with at_stage(stage, _raise(PySparkException("no space left"))):
        yield


def stages_of(command: Callable[[], object]) -> list[str]:
    """The stages that a command announces, each once, in their order."""
    found: dict[str, None] = {}
    with _observed(lambda stage: found.setdefault(stage)):
        command()
    return list(found)


def killed_when_it_says(stage: str, lake, job: str, period: str, *words: str) -> int:
    """Runs the job as a program of its own and kills it at the stage; gives how it ended (-9: killed)."""
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
