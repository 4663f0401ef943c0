"""Who is covered at 00:00 of a publicity day. Source: rule of the platform, headcount at publicity, not at deduction."""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

COVERED = "covered"
NOT_COVERED_REASONS = ("not_yet_joined", "exited", "lapsed")


def with_cover(members: DataFrame, lapses: DataFrame | None, publicity_on: date) -> DataFrame:
    """One row per spell, as given, with `cover`: covered, or why not (not_yet_joined, exited, lapsed).

    `lapses` holds one row per lapse (plan_id, member_id, lapsed_on = local day at whose 00:00 cover ended) or is None.
    A lapse ends the spell that was in force; a spell that began on or after that day is a new one.
    """
    spells = members if lapses is None else _with_last_lapse(members, lapses, publicity_on)
    not_yet_joined = F.col("joined_on") >= F.lit(publicity_on)
    exited = F.col("exited_on") < F.lit(publicity_on)
    cover = F.when(not_yet_joined, "not_yet_joined").when(exited, "exited")
    if lapses is not None:
        cover = cover.when(F.col("joined_on") < F.col("lapsed_on"), "lapsed")
    return spells.withColumn("cover", cover.otherwise(COVERED)).select(*members.columns, "cover")


def in_force_on(day: Column) -> Column:
    """Whether a spell is in force at 00:00 of the day."""
    return (F.col("joined_on") < day) & (F.col("exited_on").isNull() | (F.col("exited_on") >= day))


def _with_last_lapse(members: DataFrame, lapses: DataFrame, publicity_on: date) -> DataFrame:
    last = (
        lapses.where(F.col("lapsed_on") <= F.lit(publicity_on))
        .groupBy("plan_id", "member_id")
        .agg(F.max("lapsed_on").alias("lapsed_on"))
    )
    return members.join(last, on=["plan_id", "member_id"], how="left")
