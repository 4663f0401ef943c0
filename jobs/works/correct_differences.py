"""The members whose due differs from what was charged. In most corrections of large lakes they are few."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.lake.computed import many_computed_once
from jobs.spark.by_plan import fen
from jobs.spark.id_filter import bit_of, filter_of_ids, filter_of_words, rows_passing, word_of
from jobs.works.corrections import KEY

MOST_OF_FEW = 10_000_000  # members; more are not looked for first


def differences(recomputed: DataFrame, effective: DataFrame) -> DataFrame:
    """One row per member whose due differs: the columns of both and `difference_fen`.

    `recomputed`: rows of settled/assessments as of now. `effective`: from `effective_dues`.
    """
    now = recomputed.select(*KEY, F.col("payer_id").alias("payer_now"), "tier", "due_fen")
    joined = effective.join(now, list(KEY), "full_outer").withColumns(
        {
            "effective_due_fen": F.coalesce("effective_due_fen", fen(0)),
            "pooled_fen": F.coalesce("pooled_fen", fen(0)),
            "difference_fen": F.coalesce("due_fen", fen(0)) - F.coalesce("effective_due_fen", fen(0)),
        }
    )
    return joined.where("difference_fen <> 0")


def few_differences(recomputed: DataFrame, effective: DataFrame, most: int = MOST_OF_FEW) -> DataFrame | None:
    """The same rows, computed without a join of all members; None if more than `most` members differ."""
    words = many_computed_once(_words_of_differing(recomputed, effective))
    count = words.agg(F.sum(F.bit_count("bits"))).first()[0] or 0
    if count > most:
        return None
    both = (rows_passing(rows, "member_id", filter_of_words(words)) for rows in (recomputed, effective))
    return many_computed_once(differences(*both)) if count else differences(*both).where("false")


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
