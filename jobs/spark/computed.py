"""Materialised frames."""

from pyspark.sql import DataFrame


def computed_once(frame: DataFrame) -> DataFrame:
    """The same rows, computed now and kept on the executors.

    Used for frames that are read more than once, and for frames with a long lineage: Spark plans the lineage again in
    every later query, which takes seconds however few the rows.
    """
    return frame.localCheckpoint()
