"""The program as a process: its standard streams, whose loss never ends a run, and an orderly end at a signal."""

import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """SIGINT or SIGTERM. `exit_code`: 130 or 143, as a shell reports a program that the signal ended."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


class _LossyFile(io.FileIO):
    """A file that drops what it cannot write, e.g. to a pipe without a reader; once muted, it drops everything."""

    is_muted = False

    def write(self, data) -> int:
        try:
            written = None if self.is_muted else super().write(data)
        except OSError:
            written = None
        return len(data) if written is None else written


_own_stderr: TextIO | None = None  # for our own messages; other code of this process writes to sys.stderr
_others_stderr: _LossyFile | None = None
_interruption: Interrupted | None = None
_writers: list[Callable[[], None]] = []


def use_utf8() -> None:
    """Starts the program again in Python's UTF-8 mode if file names have another encoding, as in ISO-8859-1 locales.

    Delta tables, confs and Java name files in UTF-8. Call it first in a program.
    """
    if sys.getfilesystemencoding() != "utf-8" and not sys.flags.utf8_mode:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def protect_streams() -> None:
    """Opens the standard streams that are closed, and makes stderr lossy. Call it before files are opened.

    The next file that a program opens takes the number of a closed stream, and progress would be written into it.
    """
    global _own_stderr, _others_stderr
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest number: this descriptor
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)
    encoding = sys.stderr.encoding if sys.stderr else "utf-8"
    _others_stderr, own = (_LossyFile(2, "w", closefd=False) for _ in range(2))
    sys.stderr, _own_stderr = (
        io.TextIOWrapper(io.BufferedWriter(file), encoding=encoding, errors="backslashreplace", line_buffering=True)
        for file in (_others_stderr, own)
    )
    sys.__stderr__ = sys.stderr  # type: ignore[misc]  # the interpreter writes to it while it shuts down


def stderr() -> TextIO:
    """The stream for our own progress and messages."""
    return _own_stderr or sys.stderr or io.StringIO()


def raise_signals() -> None:
    """From now on SIGINT and SIGTERM raise Interrupted in the main thread, once.

    A signal that is ignored, as SIGINT is in a background job of a script, stays ignored.
    """
    sys.unraisablehook = _unraisable
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


@contextmanager
def keeping_signal_handler() -> Iterator[None]:
    """Keeps our handler of SIGINT while a SparkContext starts.

    The one that SparkContext installs calls Java while another call is under way.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, handler)


def ignore_signals() -> None:
    """From now on SIGINT and SIGTERM have no effect, if `raise_signals` handled them: the program is about to end."""
    for number in SIGNALS:
        if signal.getsignal(number) is _interrupt:
            signal.signal(number, signal.SIG_IGN)


def ends_with_interruption(end: Callable[[], None]) -> None:
    """Registers a function that ends a writer outside this thread, e.g. Spark, after an interruption."""
    _writers.append(end)


def end_writers() -> None:
    """Ends the registered writers if a signal interrupted this process. Call it before the run's end is recorded."""
    while _interruption is not None and _writers:
        _writers.pop()()


def interruption() -> Interrupted | None:
    """The signal that interrupted this process, if any did."""
    return _interruption


def check_interruption() -> None:
    """Raises the interruption again if the code that was running swallowed it, as a finalizer does."""
    if _interruption is not None:
        raise _interruption


def _interrupt(number: int, _frame) -> None:
    global _interruption
    ignore_signals()
    if _others_stderr is not None and "FENTAN_DEBUG" not in os.environ:
        _others_stderr.is_muted = True  # later errors of libraries are consequences of the interruption
    _interruption = Interrupted(number)
    raise _interruption


def _unraisable(unraisable) -> None:
    if not isinstance(unraisable.exc_value, Interrupted):
        sys.__unraisablehook__(unraisable)
