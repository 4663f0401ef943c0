"""Judges the receipts of a period: money received in time or late, and rows that are held."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from expectations.dates import is_impossible, possible
from expectations.receipts import LARGEST_PLAUSIBLE_RECEIPT_FEN, PERIOD_UNKNOWN, ROW_RULES, SET_RULES
from expectations.rule import NO_TERMS, broken_bits, reasons
from expectations.suites import RuleResult, judge
from jobs.collection.days import CollectionDays
from jobs.gate.receipt_decisions import NO_DECISIONS, DecidedReceipts, with_released_passing
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

    `in_time`, `late`: money received before and after the grace limit, one row per payment. `returned`: money of
    earlier payments that went back; it is still part of the others. `unsound`: rows that break a rule, copies included,
    with `reasons` and `amount_at_stake_fen`; `held_fen`: their money, by the day it is booked in suspense.
    `fingerprint`: digest of all judged rows, of their copies, and of ids that other periods have too (see
    `payments_of`). `broken`: rows against each rule. Without the copies: `payment_count` rows, of which `held_count`
    break a rule and `collected_count` have the outcome collected; `returned_count`: rows of `returned`.
    """

    in_time: DataFrame
    late: DataFrame
    returned: DataFrame
    unsound: DataFrame
    fingerprint: Mapping
    broken: Mapping[str, int]
    row_count: int
    payment_count: int
    held_count: int
    collected_count: int
    in_time_fen: int
    late_fen: int
    returned_count: int
    held_fen: Mapping[date, int]

    @property
    def money_fen(self) -> int:
        """All money received: in time, late and held."""
        return self.in_time_fen + self.late_fen + sum(self.held_fen.values())


def judge_receipts(
    receipts: DataFrame, elsewhere: DataFrame, days: CollectionDays, decided: DecidedReceipts = NO_DECISIONS
) -> ReceiptGate:
    """Judges every receipt of the period up to the day `as_of`; a row without a possible day is judged on every day.

    `elsewhere`: the receipts of all other periods, up to the same day. A row whose id one of them has too is held,
    because it is not known which of the rows is true, unless `decided` says it.
    """
    marked = with_shared_ids(known_until(receipts, days.as_of), known_until(elsewhere, days.as_of))
    judged = marked.withColumn("broken", broken_bits(ROW_RULES, replace(NO_TERMS, publicity_on=days.publicity_on)))
    judged = with_released_passing(judged, decided, days)
    is_sound = (F.col("broken") == 0) & ~F.col("is_duplicated") & ~F.col("is_repeated")
    is_money, is_return = is_sound & (F.col("outcome") == "collected"), F.col("outcome") == "returned"
    in_time = F.col("attempted_on") < F.lit(days.grace_ends_on)
    groups = _groups(judged, is_money, in_time)
    broken = _broken(groups)
    # Where every row is sound, the receipts are not scanned again.
    is_any_unsound = any(broken.values())
    held = judged.where(~is_sound if is_any_unsound else "false")
    unsound = _unsound(held, receipts.columns, decided).localCheckpoint()
    sound = judged.where(is_money)
    payments = [row for row in groups if not row["is_repeated"]]
    return ReceiptGate(
        in_time=sound.where(in_time).select(*receipts.columns),
        late=sound.where(~in_time).select(*receipts.columns),
        returned=judged.where(is_sound & is_return).select(*receipts.columns),
        unsound=unsound,
        fingerprint=_fingerprint(groups),
        broken=broken,
        row_count=sum(row["rows"] for row in groups),
        payment_count=sum(row["rows"] for row in payments),
        held_count=sum(row["rows"] for row in payments if row["broken"] or row["is_duplicated"]),
        collected_count=sum(row["collected_count"] for row in payments),
        in_time_fen=sum(row["amount_fen"] or 0 for row in groups if row["is_money"] and row["is_in_time"]),
        late_fen=sum(row["amount_fen"] or 0 for row in groups if row["is_money"] and not row["is_in_time"]),
        returned_count=sum(row["returned_count"] for row in payments if not row["broken"] and not row["is_duplicated"]),
        held_fen=_held_fen(unsound, days, decided) if is_any_unsound else {},
    )


def payments_of(fingerprint: Mapping) -> dict:
    """The part of a fingerprint that the books of a closed period depend on.

    The rest describes copies, and ids that other periods have too. Both may appear after the close: a copy is not
    money, and of a shared id the row of the later period is held.
    """
    return {name: part for name, part in fingerprint.items() if name not in (COPIES, ALSO_ELSEWHERE)}


def held_above_ceiling(gate: ReceiptGate, ceiling_ppm: int, floor_rows: int) -> int:
    """How many of the held payments exceed the ceiling; 0 where their rate is within it."""
    return above_ceiling(gate.held_count, gate.payment_count, ceiling_ppm, floor_rows)


def known_until(receipts: DataFrame, as_of: date) -> DataFrame:
    """The receipts up to a day; those without a possible day are known on every day."""
    is_dated = F.expr(f"attempted_on IS NOT NULL AND NOT {is_impossible('attempted_on')}")
    return receipts.where(~is_dated | (F.col("attempted_on") <= F.lit(as_of)))


def _unsound(rows: DataFrame, columns: list[str], decided: DecidedReceipts) -> DataFrame:
    """The rows with all their `reasons` and `amount_at_stake_fen`.

    It is zero for a copy, because money counts once, and for a row that a decision declared untrue.
    """
    none = F.array().cast("array<string>")
    twice = F.when(F.col("is_duplicated"), F.array(F.lit(DUPLICATED))).otherwise(none)
    copied = F.when(F.col("is_repeated"), F.array(F.lit(REPEATED))).otherwise(none)
    at_stake_fen = F.when(~F.col("is_repeated") & ~decided.is_untrue, F.col("amount_fen"))
    return rows.select(
        *columns,
        F.concat(reasons(ROW_RULES, F.col("broken")), twice, copied).alias("reasons"),
        F.coalesce(at_stake_fen, F.lit(0).cast("bigint")).alias("amount_at_stake_fen"),
    )


def _held_fen(unsound: DataFrame, days: CollectionDays, decided: DecidedReceipts) -> dict[date, int]:
    """The money of unsound rows with a plausible amount, without copies, by day.

    Every distinct row of an id counts, unless a decision says which of them is true.

    Money from before the publicity day, or of no known day, is booked on the publicity day, when the books begin.
    """
    publicity_on = F.lit(days.publicity_on)
    booked_on = F.greatest(F.coalesce(possible("attempted_on"), publicity_on), publicity_on)
    is_possible = ~F.array_contains("reasons", NO_AMOUNT) & ~F.array_contains("reasons", REPEATED)
    money = unsound.where(F.col("outcome") == "collected").where(is_possible & ~decided.is_untrue)
    by_day = money.groupBy(booked_on.alias("booked_on")).agg(F.sum("amount_fen").alias("fen")).collect()
    return {row.booked_on: row.fen for row in by_day}


def count_and_fen(receipts: DataFrame) -> tuple[int, int]:
    """The number of receipts, and the sum of the plausible amounts in fen."""
    row = receipts.agg(F.count(F.lit(1)), F.sum(_summed_fen())).first()
    return row[0], row[1] or 0


def judged_receipts(
    gate: ReceiptGate, held: Mapping[str, tuple[int, int]], days: CollectionDays, too_many_held: int
) -> list[RuleResult]:
    """The results on source/receipts. `held`: by reason, the number and the money of receipts without a share;
    `too_many_held`: from `held_above_ceiling`."""
    table = {"receipts_present": int(days.is_deducting and not gate.row_count), RATE: too_many_held}
    counts = dict(gate.broken)
    for rule in (*SET_RULES, PERIOD_UNKNOWN):
        counts[rule.id] = counts.get(rule.id, 0) + held.get(rule.id, (0, 0))[0]
    stakes_fen = {reason: fen for reason, (_, fen) in held.items()}
    return judge("source/receipts", {**table, **counts}, stakes_fen, gate.row_count)


def _groups(judged: DataFrame, is_money: Column, in_time: Column) -> list[dict]:
    """Counts and digests of the receipts, by the rules they break and whether their money is in time."""
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
    returned_count = F.count_if(F.col("outcome") == "returned").alias("returned_count")
    return [row.asDict() for row in grouped.agg(*digest_measures(RECEIPTS), collected_count, returned_count).collect()]


def _broken(groups: list[dict]) -> dict[str, int]:
    """Rows against each rule, copies included."""
    count = lambda is_against: sum(row["rows"] for row in groups if is_against(row))  # noqa: E731
    by_row_rule = {
        rule.id: count(lambda row, position=position: row["broken"] >> position & 1)
        for position, rule in enumerate(ROW_RULES)
    }
    flags = {DUPLICATED: "is_duplicated", REPEATED: "is_repeated"}
    return by_row_rule | {rule_id: count(lambda row, flag=flag: row[flag]) for rule_id, flag in flags.items()}


def _fingerprint(groups: list[dict]) -> dict:
    """The digest of the payments and, where any exist, those of copies and of rows whose id other periods have."""
    digest = lambda rows: digest_of_all((digest_of(row, RECEIPTS) for row in rows), RECEIPTS)  # noqa: E731
    payments = [row for row in groups if not row["is_repeated"]]
    others = {
        COPIES: [row for row in groups if row["is_repeated"]],
        ALSO_ELSEWHERE: [row for row in payments if row["is_elsewhere"]],
    }
    return digest(payments) | {name: digest(rows) for name, rows in others.items() if rows}


def _summed_fen() -> Column:
    """The amount; null where it is absurd, because two of them would overflow a sum. The row's hash contains it."""
    return F.when(F.col("amount_fen").between(-MOST_SUMMED_FEN, MOST_SUMMED_FEN), F.col("amount_fen"))
