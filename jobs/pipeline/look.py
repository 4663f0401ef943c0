"""The way of every command that only reads, once: open the lake, read, show. Nothing is locked, nothing is written."""

from abc import ABC, abstractmethod
from typing import Any

from jobs.lake.lake import Lake
from jobs.lake.opening import open_lake
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import Request


class Look(ABC):
    """What one command reads and how it shows it. `purpose` names Spark's application, where the look starts Spark."""

    purpose: str

    @abstractmethod
    def read(self, request: Any, lake: Lake) -> Any:
        """What is to be shown; raises Refused, GateStopped or WrongUsage where there is nothing to show."""

    @abstractmethod
    def show(self, request: Any, seen: Any) -> Outcome:
        """The outcome for people and programs."""


def look(at: Look, request: Request) -> Outcome:
    """Reads and shows. Spark starts only if the look asks for it: few rows and look-ups by key do without."""
    return at.show(request, at.read(request, open_lake(request.environment, request.lake_root, at.purpose)))
