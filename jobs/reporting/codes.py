"""Codes of a source as a report may show them: free text of a source never reaches a report."""

from collections.abc import Iterable

from pyspark.sql import Column
from pyspark.sql import functions as F

UNLISTED = "other"


def listed(code: Column, codes: Iterable[str]) -> Column:
    """The code where it is one of `codes`, else, or where it is missing, UNLISTED."""
    return F.when(code.isin(*codes), code).otherwise(F.lit(UNLISTED))
