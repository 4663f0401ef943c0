"""Which stored collections were set off from aid. The rule that sets them off is in jobs/collection/allocation.py.

A set-off has the grace limit as `collected_on`. Cash that meets a share comes before that day.
"""

from collections.abc import Mapping
from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.spark.by_plan import fen


def is_set_off(grace_ends_on: date) -> Column:
    """Whether a row of settled/collections was set off; null where nothing was collected."""
    return F.col("collected_on") == F.lit(grace_ends_on)


def set_off_part_fen(grace_ends_on: date) -> Column:
    """The part of a row's `collected_fen` that was set off."""
    return F.when(is_set_off(grace_ends_on), F.col("collected_fen")).otherwise(fen(0))


def set_off_fen_of(row: Mapping | None, grace_ends_on: date) -> int:
    """The same of one row on the driver; 0 without a row."""
    return row["collected_fen"] if row is not None and row["collected_on"] == grace_ends_on else 0
