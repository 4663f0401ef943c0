"""The members whose due differs from what was charged. In most corrections of large lakes they are few."""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.lake.many_computed import many_computed_once
from jobs.lake.native import is_native
from jobs.spark.by_plan import fen
from jobs.spark.id_filter import bit_of, filter_of_ids, filter_of_words, rows_passing, word_of
from jobs.works.corrections import KEY

FEW_OF_MEMBERS = 10  # where at most a tenth of the members differ, they are looked for first


@dataclass(frozen=True)
class Comparison:
    """Which members' rows to compare, by words of 64 members (`word` and `bits`). `differing`: those whose due differs,
    `count` of them. `no_longer`: those charged then and not assessed now."""

    differing: DataFrame
    count: int
    no_longer: DataFrame

    def finds_few(self, member_count: int) -> bool:
        """Whether few of so many members differ."""
        return self.count * FEW_OF_MEMBERS <= member_count


def compared(recomputed: DataFrame, effective: DataFrame) -> Comparison:
    """Finds the members whose due differs without a join of all members.

    `recomputed`: rows of settled/assessments as of now. `effective`: from `effective_dues`. A due of 0 is like none.
    """
    words = many_computed_once(_words(recomputed, effective))
    differing = words.where("differing != 0").select("word", F.col("differing").alias("bits"))
    no_longer = words.where("no_longer != 0").select("word", F.col("no_longer").alias("bits"))
    return Comparison(differing, words.agg(F.sum(F.bit_count("differing"))).first()[0] or 0, no_longer)


def differences(recomputed: DataFrame, effective: DataFrame) -> DataFrame:
    """One row per member whose due differs: the columns of both and `difference_fen`."""
    return _with_difference(effective.join(_now(recomputed), list(KEY), "full_outer"))


def few_differences(recomputed: DataFrame, effective: DataFrame, comparison: Comparison) -> DataFrame:
    """The same rows, where few members differ."""
    if not comparison.count:
        return differences(recomputed, effective).where("false")
    rows = (rows_passing(rows, "member_id", filter_of_words(comparison.differing)) for rows in (recomputed, effective))
    return many_computed_once(differences(*rows))


def many_differences(
    recomputed: DataFrame, effective: DataFrame, comparison: Comparison
) -> tuple[DataFrame, DataFrame]:
    """The same rows in two parts, where many members differ: of members assessed now, and of the others, who are few.

    The first part is in partitions by KEY, so that later joins on KEY move only their other side.
    """
    now = _now(recomputed)
    of_assessed = _with_difference(now.join(looked_up(effective), list(KEY), "left"))
    assessed, charged = (
        rows_passing(rows, "member_id", filter_of_words(comparison.no_longer)) for rows in (now, effective)
    )
    no_longer = charged.join(assessed.select(*KEY), list(KEY), "left_anti")
    nothing_now = {name: F.lit(None).cast(now.schema[name].dataType) for name in now.columns if name not in KEY}
    return of_assessed, _with_difference(no_longer.withColumns(nothing_now)).select(*of_assessed.columns)


def looked_up(many: DataFrame) -> DataFrame:
    """The frame, to be joined by hash tables where the native engine holds them: neither side is sorted then."""
    return many.hint("shuffle_hash") if is_native(many.sparkSession) else many


def _now(recomputed: DataFrame) -> DataFrame:
    return recomputed.select(*KEY, F.col("payer_id").alias("payer_now"), "tier", "due_fen")


def _with_difference(joined: DataFrame) -> DataFrame:
    effective_due_fen = F.coalesce("effective_due_fen", fen(0))
    with_difference = joined.withColumns(
        {
            "effective_due_fen": effective_due_fen,
            "pooled_fen": F.coalesce("pooled_fen", fen(0)),
            "difference_fen": F.coalesce("due_fen", fen(0)) - effective_due_fen,
        }
    )
    return with_difference.where("difference_fen <> 0")


def rows_of_same_members(rows: DataFrame, others: DataFrame) -> DataFrame:
    """The rows of the members in `others`, and of some more."""
    return rows_passing(rows, "member_id", filter_of_ids(others, "member_id"))


def _words(recomputed: DataFrame, effective: DataFrame) -> DataFrame:
    """One row per 64 members: `word`, and the bits of `Comparison`.

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
    differing = F.col("now").bitwiseXOR(F.col("then")).alias("differing")
    by_plan = by_due.select("plan_id", "word", "now", "then", differing).groupBy("plan_id", "word")
    joined = by_plan.agg(*(F.bit_or(name).alias(name) for name in ("now", "then", "differing")))
    no_longer = F.col("then").bitwiseAND(F.bitwise_not("now")).alias("no_longer")
    return (
        joined.where("differing != 0")
        .select("word", "differing", no_longer)
        .groupBy("word")
        .agg(F.bit_or("differing").alias("differing"), F.bit_or("no_longer").alias("no_longer"))
    )
