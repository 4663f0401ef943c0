"""Payers whose receipts need no allocation, found without a shuffle of every bill and receipt.

A word is 64 payer ids in one BIGINT, one word for each amount: a payer whose bit is set in the word of his bill and in
the word of a receipt, for the same amount, has paid what he owes. Payers with several bills or receipts are found by
counting, as in jobs.gate.member_words.
"""

from pyspark.sql import DataFrame
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
    words = by_amount.groupBy("word").agg(
        F.bit_or(F.col("billed").bitwiseAND(F.col("paid"))).alias("exact"),
        F.bit_or("billed").alias("billed"),
        F.bit_or("paid").alias("paid"),
        F.sum("bill_count").alias("bill_count"),
        F.sum("receipt_count").alias("receipt_count"),
    )
    is_crowded = (F.col("bill_count") != F.bit_count("billed")) | (F.col("receipt_count") != F.bit_count("paid"))
    other = F.when(is_crowded, F.col("paid")).otherwise(F.col("paid").bitwiseAND(F.bitwise_not("exact")))
    return words.select("word", other.alias("bits")).where("bits != 0")


def _by_amount(rows: DataFrame, amount: str, kind: str) -> DataFrame:
    """The bit of each row's payer in the column `kind` (billed or paid), 0 in the other one."""
    bits = {"billed": F.lit(0).cast("bigint"), "paid": F.lit(0).cast("bigint"), kind: bit_of("payer_id")}
    return rows.select(
        word_of("payer_id").alias("word"),
        F.col(amount).alias("amount_fen"),
        bits["billed"].alias("billed"),
        bits["paid"].alias("paid"),
    )
