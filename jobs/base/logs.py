"""Where the records of the logger `fentan` go: to stderr, as text, as JSON, or as a live display in a terminal."""

import json
import logging
import os
import time
from datetime import UTC, datetime

from jobs.base import process
from jobs.base.progress import CONTEXT, LOGGER

STARTED_AT_SECONDS = time.time()


class TextFormatter(logging.Formatter):
    """Progress with the seconds since the program started; a message with the name of its command."""

    def format(self, record: logging.LogRecord) -> str:
        if record.levelno > logging.INFO:
            return f"fentan {getattr(record, 'job', None)}: {record.getMessage()}"
        return f"[{record.created - STARTED_AT_SECONDS:7.1f}s] {record.getMessage()}"


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, job, period, run_id and message; null where a value is not known."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(
            {
                "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
                "level": record.levelname.lower(),
                **{name: getattr(record, name) for name in CONTEXT},
                "message": record.getMessage(),
            }
        )


class LinesHandler(logging.Handler):
    """Writes one line a record to stderr. A line that cannot be written is dropped."""

    def __init__(self, formatter: logging.Formatter):
        super().__init__()
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            process.stderr().write(self.format(record) + "\n")
            process.stderr().flush()
        except (OSError, ValueError):  # no reader, or a closed stream
            pass

    def pass_on(self, line: bytes) -> None:
        """Writes a line of Java's output. It may quote values of rows, so a JSON log has it only with FENTAN_DEBUG."""
        if isinstance(self.formatter, TextFormatter) or "FENTAN_DEBUG" in os.environ:
            _write_to_stderr(line)


def open_log(log_format: str, level: str) -> None:
    """Sends the records from this level on to stderr; a terminal shows text as a live display."""
    close_log()
    LOGGER.setLevel(level.upper())
    LOGGER.propagate = False
    LOGGER.addHandler(_handler(log_format))


def close_log() -> None:
    """Ends the log; later records are written nowhere."""
    end_display()
    for handler in tuple(LOGGER.handlers):
        LOGGER.removeHandler(handler)


def end_display() -> None:
    """Ends the live display, if there is one; messages may follow."""
    for handler in LOGGER.handlers:
        handler.flush()


def pass_on(line: bytes) -> None:
    """Passes on a line of Java's output; after an interruption it would only report consequences and is dropped."""
    if process.interruption() is not None and "FENTAN_DEBUG" not in os.environ:
        return
    for write in [handler.pass_on for handler in LOGGER.handlers if hasattr(handler, "pass_on")] or [_write_to_stderr]:
        write(line)


def _handler(log_format: str) -> logging.Handler:
    if log_format == "json":
        return LinesHandler(JsonFormatter())
    if process.stderr().isatty() and os.environ.get("TERM") != "dumb" and LOGGER.isEnabledFor(logging.INFO):
        from jobs.base.live import LiveHandler  # importing rich takes a while

        return LiveHandler(process.stderr(), TextFormatter())
    return LinesHandler(TextFormatter())


def _write_to_stderr(line: bytes) -> None:
    try:
        os.write(2, line)
    except OSError:
        pass
