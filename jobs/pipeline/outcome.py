"""The outcome of a command."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """The document for `--json`, the same as text, the exit code, and messages to the operator."""

    document: dict[str, Any]
    text: str
    exit_code: int = 0
    messages: tuple[str, ...] = field(default=())
