"""The members whose due differs from what was charged. In most corrections of large lakes they are few."""

from collections.abc import Callable
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.lake.computed import many_computed_once
from jobs.spark.by_plan import fen
from jobs.spark.id_filter import bit_of, filter_of_ids, filter_of_words, rows_passing, word_of
from jobs.works.corrections import KEY

MOST_OF_FEW = 10_000_000  # members; more are not looked for first
AMOUNTS = ("due_fen", "effective_due_fen", "pooled_fen", "written_off_fen")


def tier_code(tier: str) -> Column:
    """A tier as a number: the native engine finds no maximum of texts."""
    return F.xxhash64(tier)


def differences(recomputed: DataFrame, effective: DataFrame, written_off: DataFrame, covered: DataFrame) -> DataFrame:
    """One row per member whose due differs: the columns of all four and `difference_fen`; amounts are 0, not null.

    `recomputed`: rows of settled/assessments as of now, with `payer_now` for their payer. `effective`: from
    `effective_dues`. `written_off`: one row per member, written_off_fen. `covered`: from `covered_into`; of several
    payers, `payer_today` is the one with the lowest id. One aggregation, where joins would sort all members again and
    again.
    """
    now = recomputed.select(*KEY, F.col("payer_id").alias("payer_now"), tier_code("tier").alias("tier"), "due_fen")
    every = reduce(_with_rows, (now, effective, written_off, covered))
    once = [F.max(name).alias(name) for name in every.columns if name not in (*KEY, "payer_today")]
    by_member = every.groupBy(*KEY).agg(*once, F.min("payer_today").alias("payer_today"))
    amounts = by_member.withColumns({name: F.coalesce(name, fen(0)) for name in AMOUNTS if name != "due_fen"})
    difference_fen = F.coalesce("due_fen", fen(0)) - F.col("effective_due_fen")
    return amounts.withColumn("difference_fen", difference_fen).where("difference_fen <> 0")


def _with_rows(one: DataFrame, other: DataFrame) -> DataFrame:
    return one.unionByName(other, allowMissingColumns=True)


def narrowing(recomputed: DataFrame, effective: DataFrame, most: int = MOST_OF_FEW) -> Callable[[DataFrame], DataFrame]:
    """A function that leaves out rows of members whose due is the same; it keeps some of them, and all if more than
    `most` members differ. Its argument has a member_id."""
    words = many_computed_once(_words_of_differing(recomputed, effective))
    count = words.agg(F.sum(F.bit_count("bits"))).first()[0] or 0
    if count > most:
        return lambda rows: rows
    if not count:
        return lambda rows: rows.where("false")
    id_filter = filter_of_words(words)
    return lambda rows: rows_passing(rows, "member_id", id_filter)


def rows_of_same_members(rows: DataFrame, others: DataFrame) -> DataFrame:
    """The rows of the members in `others`, and of some more."""
    return rows_passing(rows, "member_id", filter_of_ids(others, "member_id"))


def _words_of_differing(recomputed: DataFrame, effective: DataFrame) -> DataFrame:
    """One row per 64 members: `word` and `bits`, those whose due differs.

    Dues have few different values, so the members of each plan, word and due fit into two bitmaps, one of each side.
    """
    now, then, none = bit_of("member_id"), bit_of("member_id"), F.lit(0).cast("bigint")
    word = word_of("member_id").alias("word")
    both = (
        recomputed.where("due_fen <> 0")
        .select("plan_id", word, "due_fen", now.alias("now"), none.alias("then"))
        .unionByName(
            effective.where("effective_due_fen <> 0").select(
                "plan_id", word, F.col("effective_due_fen").alias("due_fen"), none.alias("now"), then.alias("then")
            )
        )
    )
    by_due = both.groupBy("plan_id", "word", "due_fen").agg(
        F.bit_or("now").alias("now"), F.bit_or("then").alias("then")
    )
    differing = by_due.where("now <> then").withColumn("bits", F.col("now").bitwiseXOR(F.col("then")))
    return differing.groupBy("word").agg(F.bit_or("bits").alias("bits"))
