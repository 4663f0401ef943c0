"""How a stage of the work is announced."""

import sys
import time
from collections.abc import Callable

STARTED_AT_SECONDS = time.monotonic()
OBSERVERS: list[Callable[[str], None]] = []
"""Told of every stage before it is printed: how tests stop the work at a stage."""


def announce(stage: str) -> None:
    """Says on stderr which stage begins, with the seconds since the program started."""
    for observe in OBSERVERS:
        observe(stage)
    print(f"[{time.monotonic() - STARTED_AT_SECONDS:7.1f}s] {stage}", file=sys.stderr, flush=True)
