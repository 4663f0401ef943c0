"""Who is covered at 00:00 of a publicity day. Source: rule of the platform, headcount at publicity, not at
deduction."""

from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.settlement.id_filter import filter_of_ids, with_passed

COVERED = "covered"
NOT_COVERED_REASONS = ("not_yet_joined", "exited", "lapsed")
MOST_ROWS_TO_BROADCAST = 1_000_000


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


def with_member_since(spells: DataFrame) -> DataFrame:
    """The spells, as given, with `member_since`: the day the unbroken membership began that the spell is part of.

    A switch of tier ends one spell and opens the next on the same day, in one plan; the membership goes on. Source:
    a switch carries the waiting period over. Spells of one member in one plan must not overlap.
    """
    in_order = Window.partitionBy("plan_id", "member_id").orderBy("joined_on")
    goes_on = F.coalesce(F.lag("exited_on").over(in_order) == F.col("joined_on"), F.lit(False))
    began = F.when(~F.col("goes_on"), F.col("joined_on"))
    return (
        spells.withColumn("goes_on", goes_on)
        .withColumn("member_since", F.last(began, ignorenulls=True).over(in_order))
        .drop("goes_on")
    )


def cut_by_lapses(spells: DataFrame, lapses: DataFrame | None) -> DataFrame:
    """The spells, as given, ended by the first lapse after their start. `lapses` as for `with_cover`.

    Cover ends at 00:00 of the day of the lapse: the day before is the last one on which the spell is in force at 00:00.
    """
    if lapses is None:
        return spells
    key = ["plan_id", "member_id", "joined_on"]
    cut = (
        spells.select(*key)
        .distinct()
        .join(lapses, on=["plan_id", "member_id"])
        .where("lapsed_on > joined_on")
        .groupBy(*key)
        .agg(F.date_sub(F.min("lapsed_on"), 1).alias("cut_on"))
    )
    ended = spells.join(cut, on=key, how="left").withColumn("exited_on", F.least("exited_on", "cut_on"))
    return ended.select(*spells.columns)


def _with_last_lapse(members: DataFrame, lapses: DataFrame, publicity_on: date) -> DataFrame:
    last = (
        lapses.where(F.col("lapsed_on") <= F.lit(publicity_on))
        .groupBy("plan_id", "member_id")
        .agg(F.max("lapsed_on").alias("lapsed_on"))
        .localCheckpoint()
    )
    if last.count() <= MOST_ROWS_TO_BROADCAST:
        return members.join(F.broadcast(last), on=["plan_id", "member_id"], how="left")
    # Lapses add up over the years; all members are not shuffled for them, only those whose id may have lapsed.
    lapsed_ids = filter_of_ids(last, "member_id").localCheckpoint()
    passed = with_passed(members, "member_id", lapsed_ids, "may_have_lapsed")
    joined = passed.where("may_have_lapsed").join(last.hint("merge"), on=["plan_id", "member_id"], how="left")
    never = passed.where("not may_have_lapsed").withColumn("lapsed_on", F.lit(None).cast("date"))
    return joined.unionByName(never).drop("may_have_lapsed")
