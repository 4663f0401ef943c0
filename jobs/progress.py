"""How a stage of the work is announced: on stderr, and to whoever listens."""

import sys
import time
from collections.abc import Callable

STARTED_AT_SECONDS = time.monotonic()
OBSERVERS: list[Callable[[str], None]] = []


def announce(stage: str) -> None:
    """Says on stderr which stage begins, with the seconds since the program started, and tells the observers."""
    for observer in tuple(OBSERVERS):
        observer(stage)
    print(f"[{time.monotonic() - STARTED_AT_SECONDS:7.1f}s] {stage}", file=sys.stderr, flush=True)
