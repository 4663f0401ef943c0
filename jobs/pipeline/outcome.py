"""The outcome of a command."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


class UntilClosed(str):
    """A message to the operator whose advice can be followed until the plans' period is closed."""

    period: str
    plan_ids: tuple[str, ...]

    def __new__(cls, text: str, period: str, plan_ids: Iterable[str]) -> "UntilClosed":
        message = super().__new__(cls, text)
        message.period, message.plan_ids = period, tuple(plan_ids)
        return message


@dataclass(frozen=True)
class Outcome:
    """The document for `--json`, the same as text, the exit code, and messages to the operator."""

    document: dict[str, Any]
    text: str
    exit_code: int = 0
    messages: tuple[str, ...] = field(default=())
