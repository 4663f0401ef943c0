"""Cover of members for any number of lapses. The rule is in jobs/settlement/coverage.py; this makes it fast."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.settlement.coverage import (
    MEMBER,
    continued_after_lapse,
    cover_by_last_lapse,
    cover_without_lapses,
    last_lapses,
)
from jobs.spark.broadcasting import MAX_BROADCAST_ROWS
from jobs.spark.computed import computed_once
from jobs.spark.id_filter import filter_of_ids, rows_passing, with_passed


def with_cover(
    members: DataFrame, lapses: DataFrame | None, publicity_on: date, most_to_broadcast: int = MAX_BROADCAST_ROWS
) -> DataFrame:
    """The spells with `cover`: covered, or why not (not_yet_joined, exited, lapsed).

    `lapses`: one row per lapse: plan_id, member_id, lapsed_on (local day; cover ended at 00:00); None: no lapse.
    """
    if lapses is None:
        return cover_without_lapses(members, publicity_on)
    last = computed_once(last_lapses(lapses, publicity_on))
    lapse_count = last.count()
    if not lapse_count:  # saves a pass over all members
        return cover_without_lapses(members, publicity_on)
    lapsed_ids = computed_once(filter_of_ids(last, "member_id"))
    is_few = lapse_count <= most_to_broadcast
    joined = _with_few_lapses(members, last) if is_few else _with_many_lapses(members, last, lapsed_ids)
    spells = rows_passing(members.select(*MEMBER, "joined_on", "exited_on"), "member_id", lapsed_ids)
    going_on = computed_once(continued_after_lapse(spells, last))
    return cover_by_last_lapse(joined, None if going_on.isEmpty() else going_on, publicity_on, members.columns)


def _with_few_lapses(members: DataFrame, last: DataFrame) -> DataFrame:
    """The spells with their member's last lapse, if every executor can hold all lapses."""
    return members.join(F.broadcast(last), on=MEMBER, how="left")


def _with_many_lapses(members: DataFrame, last: DataFrame, lapsed_ids: DataFrame) -> DataFrame:
    """The same for lapses of many years: shuffles only spells whose id may have lapsed."""
    passed = with_passed(members, "member_id", lapsed_ids, "may_have_lapsed")
    may_have_lapsed = passed.where("may_have_lapsed").join(last.hint("merge"), on=MEMBER, how="left")
    never = passed.where("not may_have_lapsed").withColumn("lapsed_on", F.lit(None).cast("date"))
    return may_have_lapsed.unionByName(never).drop("may_have_lapsed")
