"""Frames computed once."""

from pyspark.sql import DataFrame


def computed_once(frame: DataFrame) -> DataFrame:
    """The same rows, computed now and kept by the executors.

    For what is used more than once, and for what is costly to plan: Spark plans all that leads to a frame again in
    every later query, which takes seconds at any size.
    """
    return frame.localCheckpoint()
