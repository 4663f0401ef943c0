"""The receipts' part of the gate: which money came in, in time or late, and which rows are no proof of any."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from expectations.receipts import LARGEST_PLAUSIBLE_RECEIPT_FEN, PERIOD_UNKNOWN, ROW_RULES, SET_RULES
from expectations.rule import NO_TERMS, broken_bits, reasons
from expectations.suites import Judged, judge
from jobs.collection.allocation import CollectionDays
from jobs.spark.digest import digest_measures, digest_of, digest_of_all, with_row_hash
from jobs.spark.id_filter import bit_of, filter_of_words, with_passed, word_of
from schemas.sources import RECEIPTS

MOST_SUMMED_FEN = 10 * LARGEST_PLAUSIBLE_RECEIPT_FEN
NO_AMOUNT = "receipt_amount_out_of_range"


@dataclass(frozen=True)
class ReceiptGate:
    """A period's receipts up to a day, as judged.

    `in_time`, `late`: money that came before and after the grace limit. `unsound`: rows that break a rule, with
    `reasons`; `held_fen`: the money they tell of, by the day it is booked in suspense. `fingerprint`: digest of all
    rows looked at. `broken`: rows against each rule.
    """

    in_time: DataFrame
    late: DataFrame
    unsound: DataFrame
    fingerprint: Mapping
    broken: Mapping[str, int]
    row_count: int
    in_time_fen: int
    late_fen: int
    held_fen: Mapping[date, int]

    @property
    def money_fen(self) -> int:
        """What came in, in time or late, sound or not."""
        return self.in_time_fen + self.late_fen + sum(self.held_fen.values())


def judge_receipts(receipts: DataFrame, days: CollectionDays) -> ReceiptGate:
    """Judges every receipt of the period up to the day `as_of`; a row without a day is looked at on every day."""
    until = receipts.where(F.col("attempted_on").isNull() | (F.col("attempted_on") <= F.lit(days.as_of)))
    judged = until.withColumn("broken", broken_bits(ROW_RULES, replace(NO_TERMS, publicity_on=days.publicity_on)))
    duplicated = _duplicated_ids(until).localCheckpoint()
    is_any_duplicated = not duplicated.isEmpty()
    duplicated_count = duplicated.agg(F.sum("count")).first()[0] if is_any_duplicated else 0
    sound = judged.where("broken = 0 and outcome = 'collected'").drop("broken")
    if is_any_duplicated:
        flagged = duplicated.select("receipt_id", F.lit(True).alias("duplicated"))
        judged = judged.join(F.broadcast(flagged), "receipt_id", "left")
        sound = sound.join(F.broadcast(duplicated), "receipt_id", "left_anti")
    else:
        judged = judged.withColumn("duplicated", F.lit(None).cast("boolean"))
    in_time = F.col("attempted_on") < F.lit(days.grace_ends_on)
    twice = F.when(F.col("duplicated"), F.array(F.lit("receipt_duplicated"))).otherwise(F.array().cast("array<string>"))
    groups = _groups(judged, in_time)
    broken = {
        rule.id: sum(row["rows"] for row in groups if row["broken"] >> position & 1)
        for position, rule in enumerate(ROW_RULES)
    } | {"receipt_duplicated": duplicated_count}
    # Where no row is unsound, nobody looks for one again.
    is_any_unsound = any(broken.values())
    unsound = judged.where("broken != 0 or duplicated" if is_any_unsound else "false").select(
        *receipts.columns, F.concat(reasons(ROW_RULES, F.col("broken")), twice).alias("reasons")
    )
    unsound = unsound.localCheckpoint()
    return ReceiptGate(
        in_time=sound.where(in_time),
        late=sound.where(~in_time),
        unsound=unsound,
        fingerprint=digest_of_all((digest_of(row, RECEIPTS) for row in groups), RECEIPTS),
        broken=broken,
        row_count=sum(row["rows"] for row in groups),
        in_time_fen=sum(row["amount_fen"] or 0 for row in groups if row["is_sound"] and row["is_in_time"]),
        late_fen=sum(row["amount_fen"] or 0 for row in groups if row["is_sound"] and not row["is_in_time"]),
        held_fen=_held_fen(unsound, days) if is_any_unsound else {},
    )


def _held_fen(unsound: DataFrame, days: CollectionDays) -> dict[date, int]:
    """The money that unsound rows tell of, by day: of each row with a possible amount, of one id every row.

    What came before the publicity day, or on no known day, is booked on the publicity day: there the books begin.
    """
    publicity_on = F.lit(days.publicity_on)
    booked_on = F.greatest(F.coalesce("attempted_on", publicity_on), publicity_on)
    money = unsound.where(F.col("outcome") == "collected").where(~F.array_contains("reasons", NO_AMOUNT))
    by_day = money.groupBy(booked_on.alias("booked_on")).agg(F.sum("amount_fen").alias("fen")).collect()
    return {row.booked_on: row.fen for row in by_day}


def count_and_fen(receipts: DataFrame) -> tuple[int, int]:
    """How many receipts there are, and what those of a possible amount come to in fen."""
    row = receipts.agg(F.count(F.lit(1)), F.sum(_summed_fen())).first()
    return row[0], row[1] or 0


def judged_receipts(gate: ReceiptGate, held: Mapping[str, tuple[int, int]], days: CollectionDays) -> list[Judged]:
    """The suite's results. `held`: of each reason, how many receipts met no share and with how much money."""
    table = {"receipts_present": int(days.is_deducting and not gate.row_count)}
    counts = {rule.id: held.get(rule.id, (0, 0))[0] for rule in (*SET_RULES, PERIOD_UNKNOWN)} | dict(gate.broken)
    return judge("source/receipts", {**table, **counts}, {reason: fen for reason, (_, fen) in held.items()})


def _groups(judged: DataFrame, in_time) -> list[dict]:
    """The receipts counted and digested by what is wrong with them and whether their money came in time."""
    is_sound = (F.col("broken") == 0) & (F.col("outcome") == "collected") & F.col("duplicated").isNull()
    grouped = (
        with_row_hash(judged, RECEIPTS)
        .withColumn("amount_fen", _summed_fen())
        .groupBy(
            "broken",
            F.coalesce(is_sound, F.lit(False)).alias("is_sound"),
            F.coalesce(in_time, F.lit(False)).alias("is_in_time"),
        )
    )
    return [row.asDict() for row in grouped.agg(*digest_measures(RECEIPTS)).collect()]


def _summed_fen() -> Column:
    """The amount; an absurd one is in the hash of its row, but not in a sum: that would not hold two of them."""
    return F.when(F.col("amount_fen").between(-MOST_SUMMED_FEN, MOST_SUMMED_FEN), F.col("amount_fen"))


def _duplicated_ids(receipts: DataFrame) -> DataFrame:
    """One row per receipt id that several rows have, with their `count`. 64 ids share a word; only crowded words are
    looked at closer."""
    numbered = receipts.where(F.col("receipt_id").isNotNull())
    words = (
        numbered.select(word_of("receipt_id").alias("word"), bit_of("receipt_id").alias("bit"))
        .groupBy("word")
        .agg(F.bit_or("bit").alias("bits"), F.count(F.lit(1)).alias("row_count"))
    )
    crowded = words.where(F.col("row_count") != F.bit_count("bits")).select("word", "bits").localCheckpoint()
    if crowded.isEmpty():
        return numbered.where("false").groupBy("receipt_id").count()
    closer = with_passed(numbered, "receipt_id", filter_of_words(crowded), "crowded").where("crowded")
    return closer.groupBy("receipt_id").count().where("count > 1")
