"""Cover of members for any number of lapses. The rule is in jobs/settlement/coverage.py; this makes it fast."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.lake.many_computed import many_computed_once
from jobs.settlement.coverage import (
    MEMBER,
    continued_after_lapse,
    cover_by_last_lapse,
    cover_where,
    cover_without_lapses,
    last_lapses,
)
from jobs.spark.broadcasting import MAX_BROADCAST_ROWS, broadcast_if_few
from jobs.spark.computed import computed_once
from jobs.spark.id_filter import bit_of, filter_of_ids, rows_passing, word_of

Cover = Callable[[DataFrame], DataFrame]  # from spells to the same spells with `cover`
SPELL = [*MEMBER, "joined_on"]
MAX_BROADCAST_WORDS = 4_000_000  # 56 bytes each, for 64 ids
PARTS = 4  # of the days of lapses: a bitmap for each


def with_cover(
    members: DataFrame, lapses: DataFrame | None, publicity_on: date, most_to_broadcast: int = MAX_BROADCAST_ROWS
) -> DataFrame:
    """The spells with `cover`: covered, or why not (not_yet_joined, exited, lapsed). Arguments as for `cover_of`."""
    return cover_of(members, lapses, publicity_on, most_to_broadcast)(members)


def cover_of(
    members: DataFrame, lapses: DataFrame | None, publicity_on: date, most_to_broadcast: int = MAX_BROADCAST_ROWS
) -> Cover:
    """The function that adds `cover` to any of the members' spells; what it looks up is found now, once.

    `members`: every spell of each member. `lapses`: one row per lapse: plan_id, member_id, lapsed_on (local day; cover
    ended at 00:00); None: no lapse.
    """
    if lapses is None:
        return partial(cover_without_lapses, publicity_on=publicity_on)
    lapses = lapses.where(F.col("lapsed_on") <= F.lit(publicity_on))
    by_day = {row.lapsed_on: row["count"] for row in lapses.groupBy("lapsed_on").count().collect()}
    if not by_day:  # saves a pass over all members
        return partial(cover_without_lapses, publicity_on=publicity_on)
    if sum(by_day.values()) > most_to_broadcast:
        return _by_bitmaps(members, lapses, _parts_of(by_day), publicity_on)
    last = computed_once(last_lapses(lapses, publicity_on))
    lapsed_ids = computed_once(filter_of_ids(last, "member_id"))
    spells = rows_passing(members.select(*SPELL, "exited_on"), "member_id", lapsed_ids)
    going_on = computed_once(continued_after_lapse(spells, last))
    continued = None if going_on.isEmpty() else going_on

    def covered(rows: DataFrame) -> DataFrame:
        joined = rows.join(F.broadcast(last), on=MEMBER, how="left")
        return cover_by_last_lapse(joined, continued, publicity_on, rows.columns)

    return covered


def _parts_of(by_day: dict[date, int]) -> list[date]:
    """The first days of up to PARTS stretches of days, in order, with about as many lapses in each. The first begins
    with the first lapse of all."""
    days: list[date] = []
    before, total = 0, sum(by_day.values())
    for day, count in sorted(by_day.items()):
        if before * PARTS >= len(days) * total:
            days.append(day)
        before += count
    return days


def _by_bitmaps(members: DataFrame, lapses: DataFrame, parts: Sequence[date], publicity_on: date) -> Cover:
    """The same for lapses of many years: bitmaps tell of nearly every spell whether it has lapsed."""
    lapsed = _Lapsed(_words_of(lapses, parts), parts)
    undecided = many_computed_once(lapsed.undecided(members.select(*SPELL, "exited_on")))
    others = computed_once(_lapsed_of(undecided, lapses, publicity_on))
    count = others.count()

    def covered(rows: DataFrame) -> DataFrame:
        return _with_lapsed(lapsed.flagged(rows), others, count, publicity_on).select(*rows.columns, "cover")

    return covered


def _with_lapsed(flagged: DataFrame, others: DataFrame, count: int, publicity_on: date) -> DataFrame:
    """The flagged spells with `cover`. `others`: so many spells that have lapsed although they are not flagged so."""
    is_lapsed = F.col("is_lapsed")
    if count:
        marked = broadcast_if_few(others.withColumn("is_other", F.lit(True)), count)
        flagged = flagged.join(marked, on=SPELL, how="left")
        is_lapsed = is_lapsed | F.coalesce("is_other", F.lit(False))
    return flagged.withColumn("cover", cover_where(is_lapsed, publicity_on))


def _lapsed_of(undecided: DataFrame, lapses: DataFrame, publicity_on: date) -> DataFrame:
    """The undecided spells that began before their member's last lapse, or continue a membership that did."""
    of_members = rows_passing(lapses, "member_id", filter_of_ids(undecided, "member_id"))
    last = computed_once(last_lapses(of_members, publicity_on))
    before = undecided.where("is_doubtful").join(last, on=MEMBER).where("joined_on < lapsed_on").select(*SPELL)
    return before.unionByName(continued_after_lapse(undecided, last)).distinct()


def _words_of(lapses: DataFrame, parts: Sequence[date]) -> DataFrame:
    """One row per plan and 64 members, with a bitmap for each part: who has a lapse in it or later."""
    in_words = lapses.withColumns({"word": word_of("member_id"), "bit": bit_of("member_id")})
    from_part = [
        F.bit_or(F.when(F.col("lapsed_on") >= F.lit(day), F.col("bit")).otherwise(_no_bits())) for day in parts
    ]
    names = _names(parts)
    return many_computed_once(
        in_words.groupBy("plan_id", "word").agg(*(of.alias(name) for of, name in zip(from_part, names, strict=True)))
    )


def _no_bits() -> Column:
    return F.lit(0).cast("bigint")


def _names(parts: Sequence[date]) -> list[str]:
    return [f"lapsed_{place}" for place in range(len(parts))]


class _Lapsed:
    """Which members have lapsed. `words`: from `_words_of`; `parts`: the first days of its parts."""

    def __init__(self, words: DataFrame, parts: Sequence[date]):
        is_few = words.count() <= MAX_BROADCAST_WORDS
        self._words = F.broadcast(words) if is_few else words.hint("merge")
        self._parts = parts

    def flagged(self, spells: DataFrame) -> DataFrame:
        """The spells with `is_lapsed`: whether their member has a lapse in a later part than the one they began in."""
        return self._joined(spells).withColumn("is_lapsed", _holds(self._later())).select(*spells.columns, "is_lapsed")

    def undecided(self, spells: DataFrame) -> DataFrame:
        """The spells of which only the days of lapses tell whether they have lapsed, and those that they may continue.

        `is_doubtful`: the member has a lapse in the part in which the spell began, before or after that day. A spell
        may continue a lapsed membership if another one ended, both since the first lapse of all.
        """
        later, first = _holds(self._later()), F.lit(self._parts[0])
        joined = self._joined(spells).withColumn("is_doubtful", _holds(self._same()) & ~later)
        may_go_on = (F.col("exited_on") >= first) | ((F.col("joined_on") >= first) & ~later)
        has_lapse = _holds(F.col(_names(self._parts)[0]))
        return joined.where(has_lapse & may_go_on).select(*spells.columns, "is_doubtful")

    def _later(self) -> Column:
        """The bitmap of lapses in later parts than the one in which the spell began."""
        bits = _no_bits()
        for name, first in reversed(list(zip(_names(self._parts), self._parts, strict=True))):
            bits = F.when(F.col("joined_on") < F.lit(first), F.col(name)).otherwise(bits)
        return bits

    def _same(self) -> Column:
        """The bitmap of lapses in the part in which the spell began, or later; before the first part there are none."""
        names = _names(self._parts)
        bits = F.col(names[-1])
        for place, first in reversed(list(enumerate(self._parts))):
            before = F.col(names[place - 1]) if place else _no_bits()
            bits = F.when(F.col("joined_on") < F.lit(first), before).otherwise(bits)
        return bits

    def _joined(self, spells: DataFrame) -> DataFrame:
        return spells.withColumn("word", word_of("member_id")).join(self._words, on=["plan_id", "word"], how="left")


def _holds(bits: Column) -> Column:
    """Whether the member's bit is set."""
    return F.coalesce(bits.bitwiseAND(bit_of("member_id")) != 0, F.lit(False))
