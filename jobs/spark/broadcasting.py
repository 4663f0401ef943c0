"""Frames of few rows beside frames of many: sent to every executor instead of putting both in order."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

MOST_ROWS_TO_BROADCAST = 1_000_000


def broadcast_if_few(frame: DataFrame, row_count: int) -> DataFrame:
    """The frame, to be broadcast in a join where it has no more rows than every executor can hold."""
    return F.broadcast(frame) if row_count <= MOST_ROWS_TO_BROADCAST else frame
