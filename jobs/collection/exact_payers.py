"""Payers whose receipts need no allocation, found without a shuffle of every bill and receipt.

A word is 64 payer ids in one BIGINT, one word for each amount: a payer whose bit is set in the word of his bill and in
the word of a receipt, for the same amount, has paid what he owes, unless he has several bills or receipts. Several of
different amounts set his bit in several words; several of the same amount are found by counting.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.spark.id_filter import bit_of, word_of


def words_of_other_payers(in_time: DataFrame, bills: DataFrame) -> DataFrame:
    """One row per 64 payer ids: `word` and `bits`, those of payers with receipts who may need an allocation.

    Every payer is among them who has receipts but not just one, equal to his only bill. Others may be.
    """
    both = _by_amount(bills, "due_fen", "billed").unionByName(_by_amount(in_time, "amount_fen", "paid"))
    by_amount = both.groupBy("word", "amount_fen").agg(
        F.bit_or("billed").alias("billed"),
        F.bit_or("paid").alias("paid"),
        F.count_if(F.col("billed") != 0).alias("bill_count"),
        F.count_if(F.col("paid") != 0).alias("receipt_count"),
    )
    repeated = _repeated("billed", "bill_count").bitwiseOR(_repeated("paid", "receipt_count"))
    words = by_amount.groupBy("word").agg(
        F.bit_or(F.col("billed").bitwiseAND(F.col("paid"))).alias("exact"),
        F.bit_or(repeated).alias("repeated"),
        *_in_any_and_in_odd("billed"),
        *_in_any_and_in_odd("paid"),
    )
    several = F.col("repeated").bitwiseOR(_in_several("billed")).bitwiseOR(_in_several("paid"))
    other = F.col("paid").bitwiseAND(F.bitwise_not("exact").bitwiseOR(several))
    return words.select("word", other.alias("bits")).where("bits != 0")


def _repeated(kind: str, count: str) -> Column:
    """All bits of a word and amount that has more rows than bits, because some payer has two rows of the amount."""
    return F.when(F.col(count) != F.bit_count(kind), F.col(kind)).otherwise(0)


def _in_any_and_in_odd(kind: str) -> list[Column]:
    """Of a word: the bits set for any amount, those set for an odd number of amounts, and how often a bit is set."""
    return [
        F.bit_or(kind).alias(kind),
        F.bit_xor(kind).alias(f"{kind}_odd"),
        F.sum(F.bit_count(kind)).alias(f"{kind}_count"),
    ]


def _in_several(kind: str) -> Column:
    """The bits set for two amounts; all bits of the word where one is set for more, which the count shows."""
    in_two = F.col(kind).bitwiseAND(F.bitwise_not(f"{kind}_odd"))
    at_most_twice = F.col(f"{kind}_count") == F.bit_count(kind) + F.bit_count(in_two)
    return F.when(at_most_twice, in_two).otherwise(F.col(kind))


def _by_amount(rows: DataFrame, amount: str, kind: str) -> DataFrame:
    """The bit of each row's payer in the column `kind` (billed or paid), 0 in the other one."""
    bits = {"billed": F.lit(0).cast("bigint"), "paid": F.lit(0).cast("bigint"), kind: bit_of("payer_id")}
    return rows.select(
        word_of("payer_id").alias("word"),
        F.col(amount).alias("amount_fen"),
        bits["billed"].alias("billed"),
        bits["paid"].alias("paid"),
    )


def words_of_days(in_time: DataFrame) -> DataFrame:
    """One row per 64 payer ids and day on which one of them paid: `paid_word`, `paid_on` and the `bits` of who did."""
    days = in_time.select(
        word_of("payer_id").alias("paid_word"), F.col("attempted_on").alias("paid_on"), bit_of("payer_id").alias("bit")
    )
    return days.groupBy("paid_word", "paid_on").agg(F.bit_or("bit").alias("bits"))


def paid_on_by_word(assessments: DataFrame, days: DataFrame) -> DataFrame:
    """The assessments with `paid_on`, null where the payer has no receipt. Each payer has at most one.

    `days`: from `words_of_days`.
    """
    has_paid = F.col("bits").bitwiseAND(bit_of("payer_id")) != 0
    numbered = assessments.withColumn("word", word_of("payer_id"))
    joined = numbered.join(F.broadcast(days), (F.col("word") == F.col("paid_word")) & has_paid, "left")
    return joined.select(*assessments.columns, "paid_on")
