"""The receipts' part of the gate: which money came in, in time or late, and which rows are no proof of any."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from expectations.receipts import LARGEST_PLAUSIBLE_RECEIPT_FEN, PERIOD_UNKNOWN, ROW_RULES, SET_RULES
from expectations.rule import NO_TERMS, broken_bits, reasons
from expectations.suites import RuleResult, judge
from jobs.collection.allocation import CollectionDays
from jobs.gate.receipt_ids import with_shared_ids
from jobs.gate.results import above_ceiling
from jobs.spark.digest import digest_measures, digest_of, digest_of_all, with_row_hash
from schemas.sources import RECEIPTS

MOST_SUMMED_FEN = 10 * LARGEST_PLAUSIBLE_RECEIPT_FEN
NO_AMOUNT, DUPLICATED, REPEATED = "receipt_amount_out_of_range", "receipt_duplicated", "receipt_repeated"
RATE = "receipts_quarantined_rate"
COPIES, ALSO_ELSEWHERE = "copies", "also_elsewhere"  # parts of a fingerprint


@dataclass(frozen=True)
class ReceiptGate:
    """A period's receipts up to a day, as judged. Rows equal in every column are one payment and its copies.

    `in_time`, `late`: money that came before and after the grace limit, one row per payment. `unsound`: rows that
    break a rule, copies among them, with `reasons` and `amount_at_stake_fen`; `held_fen`: the money they tell of, by
    the day it is booked in suspense. `fingerprint`: digest of all rows looked at, and of what others of their ids say
    (see `payments_of`). `broken`: rows against each rule. Without the copies: `payment_count` rows, of which
    `held_count` break a rule and `collected_count` say that money came in.
    """

    in_time: DataFrame
    late: DataFrame
    unsound: DataFrame
    fingerprint: Mapping
    broken: Mapping[str, int]
    row_count: int
    payment_count: int
    held_count: int
    collected_count: int
    in_time_fen: int
    late_fen: int
    held_fen: Mapping[date, int]

    @property
    def money_fen(self) -> int:
        """What came in, in time or late, sound or not."""
        return self.in_time_fen + self.late_fen + sum(self.held_fen.values())


def judge_receipts(receipts: DataFrame, elsewhere: DataFrame, days: CollectionDays) -> ReceiptGate:
    """Judges every receipt of the period up to the day `as_of`; a row without a day is looked at on every day.

    `elsewhere`: the receipts of all other periods, looked at up to the same day: an id that one of them has too is
    held, since nobody knows yet which of the rows is true.
    """
    marked = with_shared_ids(_until(receipts, days), _until(elsewhere, days))
    judged = marked.withColumn("broken", broken_bits(ROW_RULES, replace(NO_TERMS, publicity_on=days.publicity_on)))
    is_sound = (F.col("broken") == 0) & ~F.col("is_duplicated") & ~F.col("is_repeated")
    is_money = is_sound & (F.col("outcome") == "collected")
    in_time = F.col("attempted_on") < F.lit(days.grace_ends_on)
    groups = _groups(judged, is_money, in_time)
    broken = _broken(groups)
    # Where no row is unsound, nobody looks for one again.
    is_any_unsound = any(broken.values())
    unsound = _unsound(judged.where(~is_sound if is_any_unsound else "false"), receipts.columns).localCheckpoint()
    sound = judged.where(is_money)
    payments = [row for row in groups if not row["is_repeated"]]
    return ReceiptGate(
        in_time=sound.where(in_time).select(*receipts.columns),
        late=sound.where(~in_time).select(*receipts.columns),
        unsound=unsound,
        fingerprint=_fingerprint(groups),
        broken=broken,
        row_count=sum(row["rows"] for row in groups),
        payment_count=sum(row["rows"] for row in payments),
        held_count=sum(row["rows"] for row in payments if row["broken"] or row["is_duplicated"]),
        collected_count=sum(row["collected_count"] for row in payments),
        in_time_fen=sum(row["amount_fen"] or 0 for row in groups if row["is_money"] and row["is_in_time"]),
        late_fen=sum(row["amount_fen"] or 0 for row in groups if row["is_money"] and not row["is_in_time"]),
        held_fen=_held_fen(unsound, days) if is_any_unsound else {},
    )


def payments_of(fingerprint: Mapping) -> dict:
    """The part of a fingerprint that the books of a closed period were made from.

    The rest tells of copies, and of ids that other periods have too. Both may come up after the close: a copy is no
    money, and the row of the later period is the one that is held.
    """
    return {name: part for name, part in fingerprint.items() if name not in (COPIES, ALSO_ELSEWHERE)}


def held_above_ceiling(gate: ReceiptGate, ceiling_ppm: int, floor_rows: int) -> int:
    """How many of the payments that the gate holds are too many; 0 where their rate is within the ceiling."""
    return above_ceiling(gate.held_count, gate.payment_count, ceiling_ppm, floor_rows)


def _until(receipts: DataFrame, days: CollectionDays) -> DataFrame:
    return receipts.where(F.col("attempted_on").isNull() | (F.col("attempted_on") <= F.lit(days.as_of)))


def _unsound(rows: DataFrame, columns: list[str]) -> DataFrame:
    """The rows with all their `reasons`, and `amount_at_stake_fen`: nothing for a copy, its money is counted once."""
    none = F.array().cast("array<string>")
    twice = F.when(F.col("is_duplicated"), F.array(F.lit(DUPLICATED))).otherwise(none)
    copied = F.when(F.col("is_repeated"), F.array(F.lit(REPEATED))).otherwise(none)
    at_stake_fen = F.when(~F.col("is_repeated"), F.col("amount_fen"))
    return rows.select(
        *columns,
        F.concat(reasons(ROW_RULES, F.col("broken")), twice, copied).alias("reasons"),
        F.coalesce(at_stake_fen, F.lit(0).cast("bigint")).alias("amount_at_stake_fen"),
    )


def _held_fen(unsound: DataFrame, days: CollectionDays) -> dict[date, int]:
    """The money that unsound rows tell of, by day: of each row with a possible amount, of one id every distinct row.

    What came before the publicity day, or on no known day, is booked on the publicity day: there the books begin.
    """
    publicity_on = F.lit(days.publicity_on)
    booked_on = F.greatest(F.coalesce("attempted_on", publicity_on), publicity_on)
    is_possible = ~F.array_contains("reasons", NO_AMOUNT) & ~F.array_contains("reasons", REPEATED)
    money = unsound.where(F.col("outcome") == "collected").where(is_possible)
    by_day = money.groupBy(booked_on.alias("booked_on")).agg(F.sum("amount_fen").alias("fen")).collect()
    return {row.booked_on: row.fen for row in by_day}


def count_and_fen(receipts: DataFrame) -> tuple[int, int]:
    """How many receipts there are, and what those of a possible amount come to in fen."""
    row = receipts.agg(F.count(F.lit(1)), F.sum(_summed_fen())).first()
    return row[0], row[1] or 0


def judged_receipts(
    gate: ReceiptGate, held: Mapping[str, tuple[int, int]], days: CollectionDays, too_many_held: int
) -> list[RuleResult]:
    """The suite's results. `held`: of each reason, how many receipts met no share and with how much money;
    `too_many_held`: from `held_above_ceiling`."""
    table = {"receipts_present": int(days.is_deducting and not gate.row_count), RATE: too_many_held}
    counts = {rule.id: held.get(rule.id, (0, 0))[0] for rule in (*SET_RULES, PERIOD_UNKNOWN)} | dict(gate.broken)
    stakes_fen = {reason: fen for reason, (_, fen) in held.items()}
    return judge("source/receipts", {**table, **counts}, stakes_fen, gate.row_count)


def _groups(judged: DataFrame, is_money: Column, in_time: Column) -> list[dict]:
    """The receipts counted and digested by what is wrong with them and whether their money came in time."""
    grouped = (
        with_row_hash(judged, RECEIPTS)
        .withColumn("amount_fen", _summed_fen())
        .groupBy(
            "broken",
            "is_repeated",
            "is_duplicated",
            "is_elsewhere",
            F.coalesce(is_money, F.lit(False)).alias("is_money"),
            F.coalesce(in_time, F.lit(False)).alias("is_in_time"),
        )
    )
    collected_count = F.count_if(F.col("outcome") == "collected").alias("collected_count")
    return [row.asDict() for row in grouped.agg(*digest_measures(RECEIPTS), collected_count).collect()]


def _broken(groups: list[dict]) -> dict[str, int]:
    """Rows against each rule, copies too."""
    count = lambda is_against: sum(row["rows"] for row in groups if is_against(row))  # noqa: E731
    of_rows = {
        rule.id: count(lambda row, position=position: row["broken"] >> position & 1)
        for position, rule in enumerate(ROW_RULES)
    }
    of_ids = {DUPLICATED: "is_duplicated", REPEATED: "is_repeated"}
    return of_rows | {rule_id: count(lambda row, flag=flag: row[flag]) for rule_id, flag in of_ids.items()}


def _fingerprint(groups: list[dict]) -> dict:
    """The digest of the payments; where there are any, also that of copies, and of ids that other periods have."""
    digest = lambda rows: digest_of_all((digest_of(row, RECEIPTS) for row in rows), RECEIPTS)  # noqa: E731
    payments = [row for row in groups if not row["is_repeated"]]
    beside = {
        COPIES: [row for row in groups if row["is_repeated"]],
        ALSO_ELSEWHERE: [row for row in payments if row["is_elsewhere"]],
    }
    return digest(payments) | {name: digest(rows) for name, rows in beside.items() if rows}


def _summed_fen() -> Column:
    """The amount; an absurd one is in the hash of its row, but not in a sum: that would not hold two of them."""
    return F.when(F.col("amount_fen").between(-MOST_SUMMED_FEN, MOST_SUMMED_FEN), F.col("amount_fen"))
