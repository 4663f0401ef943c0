"""Which receipts share an id: copies of one payment, or rows that contradict each other.

Hardly any id is shared, so few rows are compared: a word of 64 ids shows whether one of its ids occurs twice, and only
rows of such words are compared.
"""

from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F

from jobs.spark.broadcasting import broadcast_if_few
from jobs.spark.id_filter import bit_of, filter_of_words, rows_passing, word_of

IDS_OF_A_WORD = 64


def with_shared_ids(receipts: DataFrame, elsewhere: DataFrame) -> DataFrame:
    """The receipts, each with three flags. Rows may be equal, so there is no key.

    `is_repeated`: the row is a copy, equal in every column to one that is not repeated. `is_duplicated`: a row of
    other content has the same id. `is_elsewhere`: `elsewhere`, the receipts of all other periods, has the same id; only
    its column receipt_id is read. A row without an id may be repeated, never duplicated.
    """
    words = _words(receipts).localCheckpoint()
    facts = _facts(words)
    shared = _shared_ids(receipts, elsewhere, words, facts)
    if shared is None and facts.without_id_count < 2:
        return _alone(receipts)
    if shared is None:
        shared = receipts.where("false").select("receipt_id", F.lit(True).alias("is_elsewhere"))
    few = broadcast_if_few(shared, shared.count())
    with_id = receipts.where("receipt_id is not null")
    compared = with_id.join(few, "receipt_id", "left_semi").unionByName(receipts.where("receipt_id is null"))
    others = with_id.join(few, "receipt_id", "left_anti")
    return _alone(others).unionByName(_compared(compared, few))


def _alone(receipts: DataFrame) -> DataFrame:
    """Rows that share their id with no other row."""
    no = F.lit(False)
    return receipts.withColumns({"is_repeated": no, "is_duplicated": no, "is_elsewhere": no})


def _compared(receipts: DataFrame, shared: DataFrame) -> DataFrame:
    """Rows that may share their id with others, with their flags; all columns are compared, and null equals null."""
    equal_rows = Window.partitionBy(*receipts.columns).orderBy("receipt_id")
    numbered = receipts.withColumn("is_repeated", F.row_number().over(equal_rows) > 1).localCheckpoint()
    contents = numbered.where("receipt_id is not null and not is_repeated").groupBy("receipt_id").count()
    several = contents.where("count > 1").select("receipt_id", F.lit(True).alias("is_several"))
    flagged = numbered.join(shared, "receipt_id", "left").join(several, "receipt_id", "left")
    is_elsewhere, is_several = (F.coalesce(name, F.lit(False)) for name in ("is_elsewhere", "is_several"))
    return flagged.select(
        *receipts.columns,
        "is_repeated",
        (is_elsewhere | is_several).alias("is_duplicated"),
        is_elsewhere.alias("is_elsewhere"),
    ).localCheckpoint()


def _shared_ids(receipts: DataFrame, elsewhere: DataFrame, words: DataFrame, facts: Row) -> DataFrame | None:
    """One row per receipt id that several rows have: receipt_id, `is_elsewhere`; None where no id is shared."""
    near = _near(elsewhere, facts)
    words_near = _words(near).select("word", F.col("bits").alias("bits_near")).localCheckpoint()
    is_any_near = not words_near.isEmpty()
    if not facts.crowded_count and not is_any_near:
        return None
    both = F.col("bits").bitwiseAND(F.col("bits_near"))
    common = words.join(words_near.hint("shuffle_hash"), "word").where(both != 0).select("word", both.alias("bits"))
    common = (common if is_any_near else words.where("false").select("word", "bits")).localCheckpoint()
    crowded = words.where(_is_crowded()).select("word", "bits")
    several = _of_words(receipts, crowded.unionByName(common)).groupBy("receipt_id").count()
    also_near = _of_words(near, common).select("receipt_id", F.lit(True).alias("is_elsewhere")).distinct()
    shared = several.join(also_near, "receipt_id", "left").where("count > 1 or is_elsewhere")
    shared = shared.select("receipt_id", F.coalesce("is_elsewhere", F.lit(False)).alias("is_elsewhere"))
    shared = shared.localCheckpoint()
    return None if shared.isEmpty() else shared


def _near(elsewhere: DataFrame, facts: Row) -> DataFrame:
    """The ids of other periods within the period's range of ids. Where ids grow with time, this avoids opening the
    files of other periods."""
    if facts.first_word is None:
        return elsewhere.where("false").select("receipt_id")
    least, greatest = facts.first_word * IDS_OF_A_WORD, (facts.last_word + 1) * IDS_OF_A_WORD - 1
    return elsewhere.where(F.col("receipt_id").between(least, greatest)).select("receipt_id")


def _words(receipts: DataFrame) -> DataFrame:
    """One row per word: `bits` of its ids, `row_count`. The word of rows without an id is null."""
    return (
        receipts.select(word_of("receipt_id").alias("word"), bit_of("receipt_id").alias("bit"))
        .groupBy("word")
        .agg(F.bit_or("bit").alias("bits"), F.count(F.lit(1)).alias("row_count"))
    )


def _is_crowded() -> Column:
    """Whether some id of the word occurs more than once; null for rows without an id."""
    return F.col("row_count") != F.bit_count("bits")


def _facts(words: DataFrame) -> Row:
    without_id_count = F.sum(F.when(F.col("word").isNull(), F.col("row_count")).otherwise(0))
    return words.agg(
        F.min("word").alias("first_word"),
        F.max("word").alias("last_word"),
        F.count_if(_is_crowded()).alias("crowded_count"),
        F.coalesce(without_id_count, F.lit(0)).alias("without_id_count"),
    ).first()


def _of_words(receipts: DataFrame, words: DataFrame) -> DataFrame:
    """The rows whose id is in the words, and a few others, with all columns."""
    return rows_passing(receipts, "receipt_id", filter_of_words(words))
