"""Bitmaps of member ids: which members have more than one row, who pays for another member, and counts of all rows.

A word is 64 ids in one BIGINT, kept once for the spells that last and once for those that ended. A member with a bit in
both, or of a word whose rows outnumber its bits, may have more than one row.
"""

from collections.abc import Iterable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from expectations.dates import possible
from expectations.rule import Terms
from jobs.settlement.coverage import COVERED, NOT_COVERED_REASONS
from jobs.spark.id_filter import bit_of, word_of

COVERS = (COVERED, *NOT_COVERED_REASONS)


def words_of_ids(members: DataFrame, terms: Terms) -> DataFrame:
    """One row per plan and 64 member ids: `bits` of the ids with a row, `several_bits` of the ids with several.

    Also `last_joined_on`, and the counts of rows by tier and cover, named <tier>|<cover>. `plan` is the plan's number
    in `numbered_plans`, or 0: comparing plan names for every row takes longer than reading them.
    """
    lasting = F.col("exited_on").isNull()
    words = members.where(F.col("member_id").isNotNull() & F.col("plan_id").isNotNull()).select(
        F.array_position(F.array(*map(F.lit, numbered_plans(terms))), F.col("plan_id")).cast("int").alias("plan"),
        word_of("member_id").alias("word"),
        "joined_on",
        _kind(terms).alias("kind"),
        F.when(lasting, bit_of("member_id")).otherwise(F.lit(0)).alias("lasting_bit"),
        F.when(lasting, F.lit(0)).otherwise(bit_of("member_id")).alias("ended_bit"),
    )
    counts = [
        F.count(F.when(F.col("kind") == number, 1)).alias(f"{tier}|{cover}")
        for number, (tier, cover) in enumerate(kinds(terms))
    ]
    bits = words.groupBy("plan", "word").agg(
        F.bit_or("lasting_bit").alias("lasting"),
        F.bit_or("ended_bit").alias("ended"),
        F.count(F.when(F.col("lasting_bit") != 0, 1)).alias("lasting_count"),
        F.count(F.when(F.col("ended_bit") != 0, 1)).alias("ended_count"),
        F.max(possible("joined_on")).alias("last_joined_on"),
        *counts,
    )
    crowded = [
        F.when(F.col(f"{kind}_count") != F.bit_count(kind), F.col(kind)).otherwise(F.lit(0))
        for kind in ("lasting", "ended")
    ]
    in_both = F.col("lasting").bitwiseAND(F.col("ended"))
    return bits.select(
        "plan",
        "word",
        "last_joined_on",
        *(F.col(f"`{tier}|{cover}`") for tier, cover in kinds(terms)),
        F.col("lasting").bitwiseOR(F.col("ended")).alias("bits"),
        in_both.bitwiseOR(crowded[0]).bitwiseOR(crowded[1]).alias("several_bits"),
    )


def numbered_plans(terms: Terms) -> list[str]:
    """The plans of the platform; the first has number 1."""
    return sorted(terms.tiers)


def kinds(terms: Terms) -> list[tuple[str, str]]:
    """Every tier of the platform with every cover."""
    tiers = sorted({tier for plan_tiers in terms.tiers.values() for tier in plan_tiers})
    return [(tier, cover) for tier in tiers for cover in COVERS]


def _kind(terms: Terms) -> Column:
    """The number of the row's tier and cover among `kinds`; null for a tier that the platform does not know."""
    tiers = list(dict.fromkeys(tier for tier, _ in kinds(terms)))
    return _number("tier", tiers) * len(COVERS) + _number("cover", COVERS)


def _number(column: str, names: Iterable[str]) -> Column:
    number = F.lit(None).cast("int")
    for position, name in enumerate(names):
        number = F.when(F.col(column) == name, position).otherwise(number)
    return number


def words_of_payers(members: DataFrame) -> DataFrame:
    """One row per 64 ids: `payers`, the bits of the ids that pay for another member."""
    for_others = members.where(F.col("payer_id") != F.col("member_id"))
    return (
        for_others.select(word_of("payer_id").alias("word"), bit_of("payer_id").alias("bit"))
        .groupBy("word")
        .agg(F.bit_or("bit").alias("payers"))
    )
