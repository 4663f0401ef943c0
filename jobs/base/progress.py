"""Progress and messages of a command: the logger `fentan`, whose records carry the job, period and run they concern."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from jobs.base.process import check_interruption

LOGGER = logging.getLogger("fentan")
OBSERVERS: list[Callable[[str], None]] = []
CONTEXT: dict[str, ContextVar[str | None]] = {
    name: ContextVar(name, default=None) for name in ("job", "period", "run_id")
}


def announce(stage: str) -> None:
    """Logs the stage that begins and passes it to the observers."""
    check_interruption()
    for observer in tuple(OBSERVERS):
        observer(stage)
    LOGGER.info(stage)


def add_context(**values: str | None) -> None:
    """Later records carry these values, up to the end of the `logged_as` around the call."""
    for name, value in values.items():
        CONTEXT[name].set(value)


@contextmanager
def logged_for_run(job: str, period: str) -> Iterator[None]:
    """Records that are logged inside carry the job and the period.

    If the command is this job, its later records keep the run id; if this job is one of several, they lose it.
    """
    is_part = CONTEXT["job"].get() != job
    with logged_as(job=job, period=period, **({"run_id": None} if is_part else {})):
        yield


@contextmanager
def logged_as(**values: str | None) -> Iterator[None]:
    """Records that are logged inside carry these values of `job`, `period` and `run_id`."""
    before = {name: CONTEXT[name].set(value) for name, value in values.items()}
    try:
        yield
    finally:
        for name, token in before.items():
            CONTEXT[name].reset(token)


def _add_context(record: logging.LogRecord) -> bool:
    for name, value in CONTEXT.items():
        setattr(record, name, value.get())
    return True


LOGGER.addFilter(_add_context)
