"""Rules that the spells of a member break together: one key twice, overlapping days."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from expectations.members import SET_RULES
from jobs.lake.many_computed import many_computed_once
from jobs.spark.broadcasting import broadcast_if_few

KEY = ("plan_id", "member_id", "joined_on")
SET_BITS = {rule.id: 1 << position for position, rule in enumerate(SET_RULES)}


def with_set_broken(kept: DataFrame) -> DataFrame:
    """The kept rows with `set_broken`, the bits of the rules that a row breaks together with other rows."""
    by_key = many_computed_once(_bits_by_key(kept))
    key_count, none = by_key.count(), F.lit(0).cast("bigint")
    if not key_count:
        return kept.withColumn("set_broken", none)
    with_bits = kept.join(broadcast_if_few(by_key, key_count), on=list(KEY), how="left")
    return many_computed_once(with_bits.withColumn("set_broken", F.coalesce("key_bits", none)).drop("key_bits"))


def _bits_by_key(kept: DataFrame) -> DataFrame:
    """One row per key that several rows share or whose spell overlaps another of the member: KEY, `key_bits`."""
    all_spells = kept.select(*KEY, "exited_on").dropna(subset=list(KEY))
    spells = all_spells.join(
        _may_be_broken(all_spells).hint("shuffle_hash"), on=["plan_id", "member_id"], how="left_semi"
    )
    end = _end()
    comparable = F.coalesce(F.col("exited_on") >= F.col("joined_on"), F.lit(True))
    in_order = Window.partitionBy("plan_id", "member_id", "comparable").orderBy(
        "joined_on", F.col("exited_on").asc_nulls_last()
    )
    compared = (
        spells.withColumn("comparable", comparable)
        .withColumn("duplicated", F.count(F.lit(1)).over(Window.partitionBy(*KEY)) > 1)
        .withColumn("latest_end", F.max(end).over(in_order.rowsBetween(Window.unboundedPreceding, -1)))
        .withColumn("next_start", F.lead("joined_on").over(in_order))
    )
    meets_another = F.coalesce(F.col("latest_end") > F.col("joined_on"), F.lit(False)) | F.coalesce(
        F.col("next_start") < end, F.lit(False)
    )
    overlaps = F.col("comparable") & ~F.col("duplicated") & meets_another
    bits = F.when(F.col("duplicated"), F.lit(SET_BITS["member_duplicated"])).when(
        overlaps, F.lit(SET_BITS["member_spells_overlap"])
    )
    return (
        compared.withColumn("key_bits", bits.cast("bigint"))
        .where("key_bits is not null")
        .select(*KEY, "key_bits")
        .distinct()
    )


def _may_be_broken(spells: DataFrame) -> DataFrame:
    """The members (plan_id, member_id) whose spells must be compared one by one, which sorts them.

    Most members with several spells have two, and two spells share no key and do not overlap if they begin on different
    days and the first ends by the day on which the second begins. A spell may end on the day it began.
    """
    by_member = spells.groupBy("plan_id", "member_id").agg(
        F.count(F.lit(1)).alias("n"),
        F.min("joined_on").alias("first_start"),
        F.max("joined_on").alias("last_start"),
        F.min(_end()).alias("first_end"),
        F.count_if(F.col("exited_on") <= F.col("joined_on")).alias("of_no_day"),
    )
    is_sound_pair = (
        (F.col("n") == 2)
        & (F.col("first_start") < F.col("last_start"))
        & (F.col("first_end") <= F.col("last_start"))
        & (F.col("of_no_day") == 0)
    )
    return by_member.where((F.col("n") > 1) & ~is_sound_pair).select("plan_id", "member_id")


def _end() -> Column:
    return F.coalesce("exited_on", F.lit("9999-12-31").cast("date"))
