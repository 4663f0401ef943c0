"""Who is covered at 00:00 of a publicity day.

A spell is one row of source/members: a stretch of days in one plan and tier. A membership is an unbroken sequence of
spells in one plan. Source: the platform counts heads on the publicity day, not on the deduction day.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

COVERED = "covered"
NOT_COVERED_REASONS = ("not_yet_joined", "exited", "lapsed")
MEMBER = ["plan_id", "member_id"]


def cover_without_lapses(members: DataFrame, publicity_on: date) -> DataFrame:
    """The spells with `cover`: covered, or the reason why not (not_yet_joined, exited)."""
    return members.withColumn("cover", _not_in_force(publicity_on).otherwise(COVERED))


def cover_by_last_lapse(
    spells: DataFrame, continued: DataFrame | None, publicity_on: date, columns: Sequence[str]
) -> DataFrame:
    """The spells' `columns` and `cover`: covered, or the reason why not (not_yet_joined, exited, lapsed).

    `spells` have `lapsed_on` from `last_lapses`, null for members without a lapse. `continued`: the spells of
    `continued_after_lapse`, or None if there are none. A lapse ends the whole membership, its later spells included; a
    membership that begins on or after the day of the lapse is a new one.
    """
    lapsed = F.coalesce(F.col("joined_on") < F.col("lapsed_on"), F.lit(False))
    if continued is not None:
        flagged = F.broadcast(continued.withColumn("continues_lapsed", F.lit(True)))
        spells = spells.join(flagged, on=[*MEMBER, "joined_on"], how="left")
        lapsed = lapsed | F.coalesce("continues_lapsed", F.lit(False))
    return spells.withColumn("cover", cover_where(lapsed, publicity_on)).select(*columns, "cover")


def cover_where(lapsed: Column, publicity_on: date) -> Column:
    """covered, or the reason why not. `lapsed`: whether a lapse has ended the spell's membership."""
    return _not_in_force(publicity_on).when(lapsed, "lapsed").otherwise(COVERED)


def last_lapses(lapses: DataFrame, publicity_on: date) -> DataFrame:
    """One row per plan and member with a lapse up to the day: plan_id, member_id, `lapsed_on` of the last one."""
    until_day = lapses.where(F.col("lapsed_on") <= F.lit(publicity_on))
    return until_day.groupBy(*MEMBER).agg(F.max("lapsed_on").alias("lapsed_on"))


def continued_after_lapse(spells: DataFrame, last: DataFrame) -> DataFrame:
    """Spells that began on or after a lapse but continue the lapsed membership: plan_id, member_id, joined_on.

    `last`: from `last_lapses`. `spells` must have all spells of the members in `last`; other members are ignored.
    """
    lapsed_spells = with_member_since(spells.join(last, on=MEMBER))
    continued = lapsed_spells.where("joined_on >= lapsed_on and member_since < lapsed_on")
    return continued.select(*MEMBER, "joined_on").distinct()


def _not_in_force(publicity_on: date) -> Column:
    """Why a spell is not in force at 00:00 of the day: a chain of `when`, which the caller completes."""
    not_yet_joined = F.col("joined_on") >= F.lit(publicity_on)
    return F.when(not_yet_joined, "not_yet_joined").when(F.col("exited_on") < F.lit(publicity_on), "exited")


def lapsed_on(time_zone: str) -> Column:
    """The local day on which a lapse ended cover, at 00:00, from its instant `ended_at`."""
    return F.to_date(F.from_utc_timestamp("ended_at", time_zone)).alias("lapsed_on")


def in_force_on(day: Column) -> Column:
    """Whether a spell is in force at 00:00 of the day."""
    return (F.col("joined_on") < day) & (F.col("exited_on").isNull() | (F.col("exited_on") >= day))


def with_member_since(spells: DataFrame) -> DataFrame:
    """The spells with `member_since`: the first day of the membership that the spell belongs to.

    A switch of tier ends one spell and begins the next on the same day; the membership continues. Source: a switch of
    tier does not restart the waiting period. Spells of one member in one plan must not overlap.
    """
    in_order = Window.partitionBy("plan_id", "member_id").orderBy("joined_on")
    continues = F.coalesce(F.lag("exited_on").over(in_order) == F.col("joined_on"), F.lit(False))
    began = F.when(~F.col("continues"), F.col("joined_on"))
    return (
        spells.withColumn("continues", continues)
        .withColumn("member_since", F.last(began, ignorenulls=True).over(in_order))
        .drop("continues")
    )


def cover_of(spell: Mapping, member_since: date, lapsed_on: Collection[date], publicity_on: date) -> str:
    """The cover of one spell: the rules of `cover_by_last_lapse`, without Spark.

    `member_since`: from `memberships_of`. `lapsed_on`: the days of all lapses of the member in the plan.
    """
    if spell["joined_on"] >= publicity_on:
        return "not_yet_joined"
    if spell["exited_on"] is not None and spell["exited_on"] < publicity_on:
        return "exited"
    lapsed = any(member_since < lapse <= publicity_on for lapse in lapsed_on)
    return "lapsed" if lapsed else COVERED


def memberships_of(spells: Collection[Mapping]) -> list[tuple[Mapping, date]]:
    """One member's spells in one plan, in order, each with its `member_since`: `with_member_since` without Spark."""
    memberships: list[tuple[Mapping, date]] = []
    for spell in sorted(spells, key=lambda spell: spell["joined_on"]):
        continues = bool(memberships) and memberships[-1][0]["exited_on"] == spell["joined_on"]
        memberships.append((spell, memberships[-1][1] if continues else spell["joined_on"]))
    return memberships


def cut_by_lapses(spells: DataFrame, lapses: DataFrame | None) -> DataFrame:
    """The spells with `exited_on` set to the day before the first lapse of their membership, if that is earlier.

    `lapses`: plan_id, member_id, lapsed_on; None: no lapses. Cover ends at 00:00 of the day of the lapse. A spell that
    continues a lapsed membership then ends before it begins.
    """
    if lapses is None:
        return spells
    key = [*MEMBER, "joined_on"]
    lapsed_spells = spells.join(lapses.select(*MEMBER), on=MEMBER, how="left_semi").select(*key, "exited_on").distinct()
    cut = (
        with_member_since(lapsed_spells)
        .join(lapses, on=MEMBER)
        .where("lapsed_on > member_since")
        .groupBy(*key)
        .agg(F.date_sub(F.min("lapsed_on"), 1).alias("cut_on"))
    )
    ended = spells.join(cut, on=key, how="left").withColumn("exited_on", F.least("exited_on", "cut_on"))
    return ended.select(*spells.columns)
