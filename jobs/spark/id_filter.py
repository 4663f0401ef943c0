"""An id filter of bounded size (a Bloom filter with one hash): it passes every id it was built from, and some others.

An id sets one bit in a bitmap of 2^21 words of 64 bits; ids that differ by a multiple of 2^27 share a bit. So a filter
has at most 2^21 rows, however many members there are. Callers check the rows that pass exactly: a false pass costs a
little time and never changes a result.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

WORD_COUNT = 1 << 21


def word_of(id_column: str) -> Column:
    """The number of the id's word, before folding; a word covers 64 consecutive ids."""
    return F.shiftright(id_column, 6)


def bit_of(id_column: str) -> Column:
    """The id's bit in its word: a BIGINT with one bit set."""
    return F.expr(f"shiftleft(1L, cast({id_column} & 63 as int))")


def filter_of_ids(ids: DataFrame, id_column: str) -> DataFrame:
    """The filter of the ids: one row per folded word (folded_word, bits). Rows with a null id are ignored."""
    words = ids.where(F.col(id_column).isNotNull()).select(
        word_of(id_column).alias("word"), bit_of(id_column).alias("bits")
    )
    return filter_of_words(words)


def filter_of_words(words: DataFrame) -> DataFrame:
    """The filter of ids that are grouped by word already: rows with `word` (from `word_of`) and `bits`."""
    return words.groupBy(_folded(F.col("word")).alias("folded_word")).agg(F.bit_or("bits").alias("bits"))


def with_passed(rows: DataFrame, id_column: str, id_filter: DataFrame, name: str) -> DataFrame:
    """The same rows with a boolean column `name`: whether the filter passes the row's id; false for a null id."""
    passed = F.coalesce(F.col("bits").bitwiseAND(bit_of(id_column)) != 0, F.lit(False))
    return (
        rows.withColumn("folded_word", _folded(word_of(id_column)))
        .join(F.broadcast(id_filter), on="folded_word", how="left")
        .withColumn(name, passed)
        .drop("folded_word", "bits")
    )


def rows_passing(rows: DataFrame, id_column: str, id_filter: DataFrame) -> DataFrame:
    """The rows whose id the filter passes: all rows of each such id."""
    return with_passed(rows, id_column, id_filter, "passed").where("passed").drop("passed")


def _folded(word: Column) -> Column:
    return word.bitwiseAND(F.lit(WORD_COUNT - 1))
