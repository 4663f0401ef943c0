"""How a stage of the work is announced."""

import sys
import time

STARTED_AT_SECONDS = time.monotonic()


def announce(stage: str) -> None:
    """Says on stderr which stage begins, with the seconds since the program started."""
    print(f"[{time.monotonic() - STARTED_AT_SECONDS:7.1f}s] {stage}", file=sys.stderr, flush=True)
