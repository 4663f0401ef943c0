"""What a command gives back, and how a stage of its work is announced."""

import sys
import time
from dataclasses import dataclass, field
from typing import Any

STARTED_AT_SECONDS = time.monotonic()


@dataclass(frozen=True)
class Outcome:
    """The end of a command: a document for `--json`, the same as text, and the exit code."""

    document: dict[str, Any]
    text: str
    exit_code: int = 0
    messages: tuple[str, ...] = field(default=())


def announce(stage: str) -> None:
    """Says on stderr which stage begins, with the seconds since the program started."""
    print(f"[{time.monotonic() - STARTED_AT_SECONDS:7.1f}s] {stage}", file=sys.stderr, flush=True)
