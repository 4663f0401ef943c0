"""The one path of every command that only reads: open the lake, read, show. It takes no lock and writes nothing;
`check` alone records its results, if the lock is free."""

from abc import ABC, abstractmethod
from typing import Any

from jobs.lake.lake import Lake
from jobs.lake.many_computed import removing_computed_frames
from jobs.lake.opening import open_lake
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import Request


class Query(ABC):
    """What one command reads, and how it shows it. `purpose` names Spark's application if the query starts Spark."""

    purpose: str

    @abstractmethod
    def read(self, request: Any, lake: Lake) -> Any:
        """Reads the answer; raises Refused, GateStopped or WrongUsage if there is nothing to show."""

    @abstractmethod
    def show(self, request: Any, answer: Any) -> Outcome:
        """The outcome for people and programs."""


def carry_out_query(query: Query, request: Request) -> Outcome:
    """Reads and shows. Spark starts only if the query needs it: few rows and look-ups by key do without."""
    lake = open_lake(request.environment, request.lake_root, query.purpose)
    with removing_computed_frames():
        return query.show(request, query.read(request, lake))
