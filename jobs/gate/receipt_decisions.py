"""Decisions on receipts: a released row passes the rules it broke, and other rows of its id are no money."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.collection.days import CollectionDays
from jobs.gate.held_id import is_one_of
from jobs.register.decisions import RELEASE, WAIVE
from schemas.sources import RECEIPTS


@dataclass(frozen=True)
class DecidedReceipts:
    """Rows of source/receipts, each with its held_id, that a decision concerns.

    `released`: they pass the rules they broke. `untrue`: another row of their id is released, so that they are no
    money.
    """

    released: tuple[Mapping, ...] = ()
    untrue: tuple[Mapping, ...] = ()

    @property
    def inputs(self) -> dict[str, str]:
        """The decisions as inputs of a run: the action by held_id."""
        actions = {row["held_id"]: RELEASE for row in self.released} | {row["held_id"]: WAIVE for row in self.untrue}
        return dict(sorted(actions.items()))

    @property
    def is_untrue(self) -> Column:
        """Whether a receipt is declared untrue; never null."""
        return is_one_of(RECEIPTS, "receipt_id", self.untrue)


NO_DECISIONS = DecidedReceipts()


def with_released_passing(judged: DataFrame, decided: DecidedReceipts, days: CollectionDays) -> DataFrame:
    """The judged receipts of a period, where a released one that is no copy breaks no rule.

    Money from before the publicity day counts on that day, when the books begin.
    """
    if not decided.released:
        return judged
    is_released = is_one_of(RECEIPTS, "receipt_id", decided.released) & ~F.col("is_repeated")
    flagged = judged.withColumn("is_released", is_released)
    counted_on = F.greatest("attempted_on", F.lit(days.publicity_on))
    return flagged.withColumns(
        {
            "broken": F.when(F.col("is_released"), F.lit(0).cast("bigint")).otherwise(F.col("broken")),
            "is_duplicated": F.col("is_duplicated") & ~F.col("is_released"),
            "attempted_on": F.when(F.col("is_released"), counted_on).otherwise(F.col("attempted_on")),
        }
    ).drop("is_released")
