"""Exact rounding: which members pay one fen more, so that the shares add up to the pool, without a global sort.

Every covered member has a number, the xxhash64 of his id keyed by plan and period; the members with the smallest
numbers pay. For one key the hash is a bijection on BIGINT, so two members never share a number and exactly as many
as needed are chosen. The key changes with the period, so that the choice rotates.
"""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

BUCKET_BITS = 16


@dataclass(frozen=True)
class OneFenMore:
    """The choice for one plan and period: members whose number is at most `largest_number` (None: nobody)."""

    key: str
    largest_number: int | None

    def chosen(self) -> Column:
        """Whether the row's member pays one fen more."""
        return F.lit(False) if self.largest_number is None else number_of_member(self.key) <= F.lit(self.largest_number)


def number_of_member(key: str) -> Column:
    """The member's number under a key."""
    return F.xxhash64(F.lit(key), F.col("member_id"))


def choose_one_fen_more(covered: DataFrame, key: str, chosen_count: int) -> OneFenMore:
    """The choice of exactly `chosen_count` of the covered members (one row each, column member_id).

    Counts members per 65,536th of the number range, then looks only inside the part where the limit lies: what
    reaches the driver does not grow with the rows but for that part.
    """
    if chosen_count == 0:
        return OneFenMore(key, None)
    numbered = covered.select(number_of_member(key).alias("number")).withColumn(
        "bucket", F.shiftright("number", 64 - BUCKET_BITS)
    )
    below = 0
    for bucket, count in sorted(numbered.groupBy("bucket").count().collect()):
        if below + count >= chosen_count:
            inside = sorted(row.number for row in numbered.where(F.col("bucket") == bucket).select("number").collect())
            return OneFenMore(key, inside[chosen_count - below - 1])
        below += count
    raise AssertionError(f"{chosen_count} members were to pay one fen more but only {below} are covered")
