"""Who is covered at 00:00 of a publicity day. Source: rule of the platform, headcount at publicity, not at
deduction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

COVERED = "covered"
NOT_COVERED_REASONS = ("not_yet_joined", "exited", "lapsed")
MEMBER = ["plan_id", "member_id"]


def cover_without_lapses(members: DataFrame, publicity_on: date) -> DataFrame:
    """One row per spell, as given, with `cover`: covered, or why not (not_yet_joined, exited)."""
    return members.withColumn("cover", _not_in_force(publicity_on).otherwise(COVERED))


def cover_by_last_lapse(
    spells: DataFrame, going_on: DataFrame | None, publicity_on: date, columns: Sequence[str]
) -> DataFrame:
    """One row per spell, its `columns` and `cover`: covered, or why not (not_yet_joined, exited, lapsed).

    `spells` have `lapsed_on`, from `last_lapses`; `going_on`: the spells that go on from a lapsed membership, from
    `going_on_lapsed`, None where there are none. A lapse ends the membership that was in force, also where it goes on
    in another tier later; a membership that began on or after that day is a new one.
    """
    lapsed = F.coalesce(F.col("joined_on") < F.col("lapsed_on"), F.lit(False))
    if going_on is not None:
        flagged = F.broadcast(going_on.withColumn("goes_on_lapsed", F.lit(True)))
        spells = spells.join(flagged, on=[*MEMBER, "joined_on"], how="left")
        lapsed = lapsed | F.coalesce("goes_on_lapsed", F.lit(False))
    cover = _not_in_force(publicity_on).when(lapsed, "lapsed").otherwise(COVERED)
    return spells.withColumn("cover", cover).select(*columns, "cover")


def last_lapses(lapses: DataFrame, publicity_on: date) -> DataFrame:
    """One row per member who lapsed by the day: plan_id, member_id, lapsed_on, the day of his last lapse."""
    by_then = lapses.where(F.col("lapsed_on") <= F.lit(publicity_on))
    return by_then.groupBy(*MEMBER).agg(F.max("lapsed_on").alias("lapsed_on"))


def going_on_lapsed(spells: DataFrame, last: DataFrame) -> DataFrame:
    """The spells that began after the lapse in which their membership ended: plan_id, member_id, joined_on.

    `spells`: every spell of the members in `last` (from `last_lapses`), and perhaps others.
    """
    of_lapsed = with_member_since(spells.join(last, on=MEMBER))
    going_on = of_lapsed.where("joined_on >= lapsed_on and member_since < lapsed_on")
    return going_on.select(*MEMBER, "joined_on").distinct()


def _not_in_force(publicity_on: date) -> Column:
    """Why a spell is not in force at 00:00 of the day; to be gone on with."""
    not_yet_joined = F.col("joined_on") >= F.lit(publicity_on)
    return F.when(not_yet_joined, "not_yet_joined").when(F.col("exited_on") < F.lit(publicity_on), "exited")


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


def cover_of(spell: Mapping, member_since: date, lapsed_on: Collection[date], publicity_on: date) -> str:
    """The cover of one spell: `with_cover` without Spark.

    `member_since`: of the spell, from `memberships_of` all spells of the member in the plan; `lapsed_on`: the days of
    his lapses in it.
    """
    if spell["joined_on"] >= publicity_on:
        return "not_yet_joined"
    if spell["exited_on"] is not None and spell["exited_on"] < publicity_on:
        return "exited"
    lapsed = any(member_since < lapse <= publicity_on for lapse in lapsed_on)
    return "lapsed" if lapsed else COVERED


def memberships_of(spells: Collection[Mapping]) -> list[tuple[Mapping, date]]:
    """One member's spells in a plan, in order, each with the day its unbroken membership began: `with_member_since`
    without Spark."""
    found: list[tuple[Mapping, date]] = []
    for spell in sorted(spells, key=lambda s: s["joined_on"]):
        goes_on = bool(found) and found[-1][0]["exited_on"] == spell["joined_on"]
        found.append((spell, found[-1][1] if goes_on else spell["joined_on"]))
    return found


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
