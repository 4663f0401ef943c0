"""Live progress in a terminal: the current stage with its elapsed seconds, earlier stages with their durations."""

import logging
import time
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text


class LiveHandler(logging.Handler):
    """Shows progress records as stages, each until the next one begins; a message ends the display."""

    def __init__(self, stream: TextIO, formatter: logging.Formatter):
        super().__init__()
        self.setFormatter(formatter)
        self._console = Console(file=stream, highlight=False)
        self._display: Live | None = None
        self._stage, self._began_seconds = "", 0.0

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno > logging.INFO:
            self.flush()
            self._console.print(Text(self.format(record)), soft_wrap=True)
            return
        self._end_stage()
        self._stage, self._began_seconds = record.getMessage(), time.monotonic()
        if self._display is None:
            self._display = Live(
                get_renderable=self._line, console=self._console, refresh_per_second=4, transient=True,
                redirect_stdout=False, redirect_stderr=False,
            )  # fmt: skip
            self._display.start()
        self._display.refresh()

    def pass_on(self, line: bytes) -> None:
        """Prints a line of Java's stderr above the stage under way."""
        self._console.print(Text(line.decode(errors="replace").rstrip("\n")), soft_wrap=True)

    def flush(self) -> None:
        """Ends the display."""
        self._end_stage()
        self._stop()

    def _end_stage(self) -> None:
        if self._stage:
            line, self._stage = self._line(), ""
            self._console.print(line)

    def _stop(self) -> None:
        if self._display is not None:
            self._display.stop()
            self._display = None

    def _line(self) -> Text:
        if not self._stage:
            return Text("")
        seconds = time.monotonic() - self._began_seconds
        return Text(f"{seconds:9.1f}s  {self._stage}", no_wrap=True, overflow="ellipsis")
