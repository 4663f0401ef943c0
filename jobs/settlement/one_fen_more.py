"""Rounding `exact`: which members pay one fen more, so that the shares add up to the pool.

Each covered member draws a number: the xxhash64 of his id under a key of plan and period. The members with the smallest
numbers pay. Under one key the hash is a bijection on BIGINT, so no two members draw the same number and exactly as many
as needed are chosen. The key changes every period, and the choice with it.

The limit is computed without a global sort. Members are counted in 65,536 buckets of the number range
(`bucket_counts`); then only the numbers in the bucket of the limit are collected (`numbers_in_bucket`). So the driver
receives the bucket counts and about 1/65,536 of the members.

To check one member, count the members with smaller numbers (`count_before`): he pays if they are fewer than have to pay
(`is_chosen`).
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
    """The members of one plan and period who pay one fen more: those with a number up to `largest_number`.

    `largest_number` None: no member pays more.
    """

    key: str
    largest_number: int | None

    def chosen(self) -> Column:
        """Whether the member of a row (column member_id) pays one fen more."""
        return F.lit(False) if self.largest_number is None else number_of_member(self.key) <= F.lit(self.largest_number)


def choice_key(plan_id: str, period: str) -> str:
    """The hash key of a plan and period."""
    return f"{plan_id}/{period}"


def number_of_member(key: str) -> Column:
    """The number drawn by a row's member (column member_id)."""
    return F.xxhash64(F.lit(key), F.col("member_id"))


def plain_number_of_member(key: str, member_id: int) -> int:
    """The number drawn by one member: `number_of_member` without Spark."""
    return signed(plain_hash([(key, "STRING"), (member_id, "BIGINT")]))


def count_before(key: str, member_id: int, member_ids: np.ndarray) -> int:
    """How many of `member_ids` (int64) have a smaller number than the member."""
    seed = plain_hash([(key, "STRING")])
    return int((hashes_of_numbers(member_ids, seed) < plain_number_of_member(key, member_id)).sum())


def is_chosen(members_before: int, chosen_count: int) -> bool:
    """Whether one member pays one fen more; `members_before` covered members have smaller numbers (`count_before`).

    This checks the choice independently of the stored shares. It relies on the counted members being complete.
    """
    return members_before < chosen_count


def bucket_counts(covered: DataFrame, key: str) -> DataFrame:
    """One row per non-empty bucket: `bucket`, `count`. `covered`: one row per covered member of the plan."""
    return covered.select(_bucket(key)).groupBy("bucket").count()


def bucket_of_limit(counts: Iterable[tuple[int, int]], chosen_count: int) -> tuple[int, int]:
    """The bucket of the last chosen member, and how many members of that bucket are chosen.

    `counts`: (bucket, count) pairs from `bucket_counts`. Raises AssertionError if fewer members are covered
    than must be chosen.
    """
    count_below = 0
    for bucket, count in sorted(counts):
        if count_below + count >= chosen_count:
            return bucket, chosen_count - count_below
        count_below += count
    raise AssertionError(f"{chosen_count} members must pay one fen more but only {count_below} are covered")


def numbers_in_bucket(covered: DataFrame, key: str, bucket: int) -> DataFrame:
    """The numbers drawn in one bucket: one row per member, column `number`."""
    numbered = covered.select(number_of_member(key).alias("number"), _bucket(key))
    return numbered.where(F.col("bucket") == bucket).select("number")


def _bucket(key: str) -> Column:
    return F.shiftright(number_of_member(key), 64 - BUCKET_BITS).alias("bucket")
