"""A filter of ids of a fixed size: it never misses an id it was made of, and may let others through.

Ids are folded into 2^21 words of 64 bits, so what every task holds of a filter is bounded, however many members there
are. What passes is then looked at exactly: an id let through by mistake costs a little time, never a result.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

WORD_COUNT = 1 << 21


def word_of(id_column: str) -> Column:
    """The number of the word, 64 ids long, that the id falls into."""
    return F.shiftright(id_column, 6)


def bit_of(id_column: str) -> Column:
    """The id's bit among its 64."""
    return F.expr(f"shiftleft(1L, cast({id_column} & 63 as int))")


def filter_of_ids(ids: DataFrame, id_column: str) -> DataFrame:
    """One row per folded word with `bits`; rows without an id are left out."""
    words = ids.where(F.col(id_column).isNotNull()).select(
        word_of(id_column).alias("word"), bit_of(id_column).alias("bits")
    )
    return filter_of_words(words)


def filter_of_words(words: DataFrame) -> DataFrame:
    """The filter of ids that are given as (word, bits)."""
    return words.groupBy(_folded(F.col("word")).alias("folded_word")).agg(F.bit_or("bits").alias("bits"))


def with_passed(rows: DataFrame, id_column: str, id_filter: DataFrame, name: str) -> DataFrame:
    """The rows, as given, with a column that says whether the filter lets their id through."""
    passed = F.coalesce(F.col("bits").bitwiseAND(bit_of(id_column)) != 0, F.lit(False))
    return (
        rows.withColumn("folded_word", _folded(word_of(id_column)))
        .join(F.broadcast(id_filter), on="folded_word", how="left")
        .withColumn(name, passed)
        .drop("folded_word", "bits")
    )


def _folded(word: Column) -> Column:
    return word.bitwiseAND(F.lit(WORD_COUNT - 1))
