"""Exact rounding: which members pay one fen more, so that the shares add up to the pool, without a global sort.

Every covered member has a number, the xxhash64 of his id keyed by plan and period; the members with the smallest
numbers pay. For one key the hash is a bijection on BIGINT, so two members never share a number and exactly as many
as needed are chosen. The key changes with the period, so that the choice rotates.

Members are counted per 65,536th of the number range (`bucket_counts`), then only those in the part where the limit lies
are looked at (`numbers_in`): what reaches the driver does not grow with the rows but for that part.

For one member the choice is a question of his place: he pays where fewer members come before him than have to pay.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.spark.digest import plain_hash, signed
from jobs.spark.numpy_hash import hashes_of_numbers

BUCKET_BITS = 16


@dataclass(frozen=True)
class OneFenMore:
    """The choice for one plan and period: members whose number is at most `largest_number` (None: nobody)."""

    key: str
    largest_number: int | None

    def chosen(self) -> Column:
        """Whether the row's member pays one fen more."""
        return F.lit(False) if self.largest_number is None else number_of_member(self.key) <= F.lit(self.largest_number)


def key_of(plan_id: str, period: str) -> str:
    """The key of the choice in a plan's period."""
    return f"{plan_id}/{period}"


def number_of_member(key: str) -> Column:
    """The member's number under a key."""
    return F.xxhash64(F.lit(key), F.col("member_id"))


def plain_number_of_member(key: str, member_id: int) -> int:
    """The number of one member under a key: `number_of_member` without Spark."""
    return signed(plain_hash([(key, "STRING"), (member_id, "BIGINT")]))


def count_before(key: str, member_id: int, member_ids: np.ndarray) -> int:
    """How many of the members (int64) come before the one named."""
    seed = plain_hash([(key, "STRING")])
    return int((hashes_of_numbers(member_ids, seed) < plain_number_of_member(key, member_id)).sum())


def is_chosen(members_before: int, chosen_count: int) -> bool:
    """`OneFenMore.chosen` for one member, of whom `members_before` covered members come before.

    Proven by that, from the rows counted alone: he is among the first `chosen_count` of them by number, whatever is
    stored of anybody's share. Not proven: that the rows counted are all that had to be there.
    """
    return members_before < chosen_count


def bucket_counts(covered: DataFrame, key: str) -> DataFrame:
    """One row per part of the number range that holds members: `bucket`, `count`. `covered`: one row per member."""
    return covered.select(_bucket(key)).groupBy("bucket").count()


def bucket_of_limit(counts: Iterable[tuple[int, int]], chosen_count: int) -> tuple[int, int]:
    """The bucket in which the last one chosen lies, and how many members of that bucket are chosen.

    `counts`: (bucket, count), from `bucket_counts`.
    """
    below = 0
    for bucket, count in sorted(counts):
        if below + count >= chosen_count:
            return bucket, chosen_count - below
        below += count
    raise AssertionError(f"{chosen_count} members were to pay one fen more but only {below} are covered")


def numbers_in(covered: DataFrame, key: str, bucket: int) -> DataFrame:
    """One row per member of the bucket: `number`."""
    numbered = covered.select(number_of_member(key).alias("number"), _bucket(key))
    return numbered.where(F.col("bucket") == bucket).select("number")


def _bucket(key: str) -> Column:
    return F.shiftright(number_of_member(key), 64 - BUCKET_BITS).alias("bucket")
