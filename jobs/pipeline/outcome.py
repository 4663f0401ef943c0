"""What a command gives back."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """The end of a command: a document for `--json`, the same as text, and the exit code."""

    document: dict[str, Any]
    text: str
    exit_code: int = 0
    messages: tuple[str, ...] = field(default=())
