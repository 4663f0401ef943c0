"""Joins with a small frame: broadcast it, so that the large frame is neither shuffled nor sorted."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

MAX_BROADCAST_ROWS = 1_000_000


def broadcast_if_few(frame: DataFrame, row_count: int) -> DataFrame:
    """The frame, marked for broadcast in a join if it has at most MAX_BROADCAST_ROWS rows."""
    return F.broadcast(frame) if row_count <= MAX_BROADCAST_ROWS else frame
