"""Who is covered at 00:00 of a publicity day. Source: rule of the platform, headcount at publicity, not at
deduction."""

from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.spark.broadcasting import MOST_ROWS_TO_BROADCAST
from jobs.spark.id_filter import filter_of_ids, with_passed

COVERED = "covered"
NOT_COVERED_REASONS = ("not_yet_joined", "exited", "lapsed")
MEMBER = ["plan_id", "member_id"]


def with_cover(members: DataFrame, lapses: DataFrame | None, publicity_on: date) -> DataFrame:
    """One row per spell, as given, with `cover`: covered, or why not (not_yet_joined, exited, lapsed).

    `lapses` holds one row per lapse (plan_id, member_id, lapsed_on = local day at whose 00:00 cover ended) or is None.
    A lapse ends the membership that was in force, also where it goes on in another tier later; a membership that began
    on or after that day is a new one.
    """
    spells = members if lapses is None else _with_last_lapse(members, lapses, publicity_on)
    not_yet_joined = F.col("joined_on") >= F.lit(publicity_on)
    exited = F.col("exited_on") < F.lit(publicity_on)
    cover = F.when(not_yet_joined, "not_yet_joined").when(exited, "exited")
    if lapses is not None:
        cover = cover.when((F.col("joined_on") < F.col("lapsed_on")) | F.col("goes_on_lapsed"), "lapsed")
    return spells.withColumn("cover", cover.otherwise(COVERED)).select(*members.columns, "cover")


def lapsed_on(time_zone: str) -> Column:
    """The local day at whose 00:00 a lapse (`ended_at`) ended cover."""
    return F.to_date(F.from_utc_timestamp("ended_at", time_zone)).alias("lapsed_on")


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
    """The spells, as given, ended by the first lapse after their membership began. `lapses` as for `with_cover`.

    Cover ends at 00:00 of the day of the lapse: the day before is the last one on which the spell is in force at 00:00.
    A spell that goes on from a lapsed one ends before it begins.
    """
    if lapses is None:
        return spells
    key = [*MEMBER, "joined_on"]
    of_lapsed = spells.join(lapses.select(*MEMBER), on=MEMBER, how="left_semi").select(*key, "exited_on").distinct()
    cut = (
        with_member_since(of_lapsed)
        .join(lapses, on=MEMBER)
        .where("lapsed_on > member_since")
        .groupBy(*key)
        .agg(F.date_sub(F.min("lapsed_on"), 1).alias("cut_on"))
    )
    ended = spells.join(cut, on=key, how="left").withColumn("exited_on", F.least("exited_on", "cut_on"))
    return ended.select(*spells.columns)


def _with_last_lapse(members: DataFrame, lapses: DataFrame, publicity_on: date) -> DataFrame:
    """The spells with `lapsed_on`, the member's last lapse, and `goes_on_lapsed`: whether the spell continues a
    membership that lapsed."""
    last = (
        lapses.where(F.col("lapsed_on") <= F.lit(publicity_on))
        .groupBy(*MEMBER)
        .agg(F.max("lapsed_on").alias("lapsed_on"))
        .localCheckpoint()
    )
    lapse_count = last.count()
    if not lapse_count:  # everybody paid: no pass over all members for nothing
        return members.withColumns({"lapsed_on": F.lit(None).cast("date"), "goes_on_lapsed": F.lit(False)})
    lapsed_ids = filter_of_ids(last, "member_id").localCheckpoint()
    if lapse_count <= MOST_ROWS_TO_BROADCAST:
        joined = members.join(F.broadcast(last), on=MEMBER, how="left")
    else:
        # Lapses add up over the years; all members are not shuffled for them, only those whose id may have lapsed.
        passed = with_passed(members, "member_id", lapsed_ids, "may_have_lapsed")
        of_lapsed = passed.where("may_have_lapsed").join(last.hint("merge"), on=MEMBER, how="left")
        never = passed.where("not may_have_lapsed").withColumn("lapsed_on", F.lit(None).cast("date"))
        joined = of_lapsed.unionByName(never).drop("may_have_lapsed")
    return _with_goes_on_lapsed(joined, _going_on_lapsed(members, last, lapsed_ids))


def _going_on_lapsed(members: DataFrame, last: DataFrame, lapsed_ids: DataFrame) -> DataFrame:
    """The spells that began after the lapse in which their membership ended: plan_id, member_id, joined_on."""
    spells = with_passed(members.select(*MEMBER, "joined_on", "exited_on"), "member_id", lapsed_ids, "passed")
    of_lapsed = with_member_since(spells.where("passed").join(last, on=MEMBER))
    going_on = of_lapsed.where("joined_on >= lapsed_on and member_since < lapsed_on")
    return going_on.select(*MEMBER, "joined_on").distinct().localCheckpoint()


def _with_goes_on_lapsed(spells: DataFrame, going_on: DataFrame) -> DataFrame:
    if going_on.isEmpty():
        return spells.withColumn("goes_on_lapsed", F.lit(False))
    flagged = F.broadcast(going_on.withColumn("flag", F.lit(True)))
    return (
        spells.join(flagged, on=[*MEMBER, "joined_on"], how="left")
        .withColumn("goes_on_lapsed", F.coalesce("flag", F.lit(False)))
        .drop("flag")
    )
