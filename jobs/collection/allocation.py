"""What became of every member's due: the money of his payer, given to one share after another."""

from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

COLLECTED, IN_GRACE, LAPSED, NETTED, WAIVED = "collected", "in_grace", "lapsed", "netted", "waived"
WITHOUT_BILL, AFTER_GRACE = "receipt_without_bill", "receipt_after_grace"
OVERPAID, NOT_ENOUGH, AFTER_LAPSE = "receipt_overpaid", "receipt_not_enough", "receipt_after_lapse"


@dataclass(frozen=True)
class CollectionDays:
    """The days of a period's collection. Money counts from the publicity day until the grace limit, to the day `as_of`.

    At 00:00 of `grace_ends_on` what is not paid is given up. Source: retries until two natural days before the next
    deduction day (B).
    """

    publicity_on: date
    deduction_on: date
    grace_ends_on: date
    as_of: date

    @property
    def is_final(self) -> bool:
        return self.as_of >= self.grace_ends_on

    @property
    def is_deducting(self) -> bool:
        return self.as_of >= self.deduction_on


def payers(in_time: DataFrame, bills: DataFrame) -> DataFrame:
    """One row per payer with a bill or with money that came in time. Key: payer_id. Amounts in fen.

    `owed_fen` over all his plans, `received_fen`, `receipt_count`; 0 where there is none. One pass over both tables:
    sums of numbers only, so that no row has to be put in order.
    """
    nothing = _fen(0)
    owed = bills.select(
        "payer_id", F.col("due_fen").alias("owed_fen"), nothing.alias("received_fen"), nothing.alias("n")
    )
    received = in_time.select(
        "payer_id", nothing.alias("owed_fen"), F.col("amount_fen").alias("received_fen"), _fen(1).alias("n")
    )
    return (
        owed.unionByName(received)
        .groupBy("payer_id")
        .agg(
            F.sum("owed_fen").alias("owed_fen"),
            F.sum("received_fen").alias("received_fen"),
            F.sum("n").alias("receipt_count"),
        )
    )


def payers_to_allocate(of_payers: DataFrame) -> DataFrame:
    """The payers (from `payers`) whose money has to be given to one share after another.

    The others paid nothing, or once and what they owe: then every share is met, or none.
    """
    is_exact = (F.col("receipt_count") == 1) & (F.col("received_fen") == F.col("owed_fen"))
    return of_payers.where((F.col("receipt_count") > 0) & ~is_exact)


def plain_shares(assessments: DataFrame, in_time: DataFrame) -> DataFrame:
    """One row per assessment of a payer of whom nothing is to be allocated, with `collected_fen` and `collected_on`.

    Key: plan_id, member_id. `assessments` holds these payers only; of `in_time` each of them has at most one receipt.
    The receipts are looked up by payer: neither table is put in order.
    """
    paid_on = in_time.select("payer_id", F.col("attempted_on").alias("paid_on")).hint("shuffle_hash")
    is_met = F.col("paid_on").isNotNull() & (F.col("due_fen") > 0)
    return assessments.join(paid_on, "payer_id", "left").select(
        *assessments.columns,
        F.when(is_met, F.col("due_fen")).otherwise(_fen(0)).alias("collected_fen"),
        F.when(is_met, F.col("paid_on")).alias("collected_on"),
    )


def allocated_shares(
    assessments: DataFrame, joined: DataFrame, to_allocate: DataFrame, in_time: DataFrame, whole_shares: bool
) -> DataFrame:
    """One row per assessment of a payer whose money is to be allocated, with `collected_fen` and `collected_on`.

    `assessments`, `to_allocate` (from `payers_to_allocate`) and `in_time` hold these payers only; `joined` one row per
    plan and member with `joined_on`. The payer's own share is met first, then the others in the order of joining (B/C).
    Under `whole_shares` a share is met whole or not at all. A share, or the part of it that is met, is met on the
    day of the receipt that completes it.
    """
    in_order = Window.partitionBy("payer_id").orderBy(
        (F.col("member_id") == F.col("payer_id")).desc(),
        F.col("joined_on").asc_nulls_last(),
        "member_id",
        "plan_id",
    )
    ordered = (
        assessments.join(joined, on=["plan_id", "member_id"], how="left")
        .withColumn("needed_fen", F.sum("due_fen").over(in_order.rowsBetween(Window.unboundedPreceding, 0)))
        .join(to_allocate.select("payer_id", "received_fen"), "payer_id")
    )
    reached = F.greatest(F.least("due_fen", F.col("received_fen") - F.col("needed_fen") + F.col("due_fen")), _fen(0))
    is_met = (F.col("received_fen") >= F.col("needed_fen")) & (F.col("due_fen") > 0)
    part = F.when(is_met, F.col("due_fen")).otherwise(_fen(0)) if whole_shares else reached
    met = ordered.withColumn("collected_fen", part.cast("bigint"))
    days = (
        met.where("collected_fen > 0")
        .join(with_running_fen(in_time).select("payer_id", "attempted_on", "running_fen"), "payer_id")
        .where("running_fen >= least(needed_fen, received_fen)")
        .groupBy("plan_id", "member_id")
        .agg(F.min("attempted_on").alias("collected_on"))
    )
    return met.join(days, on=["plan_id", "member_id"], how="left").select(
        *assessments.columns, "collected_fen", "collected_on"
    )


def with_running_fen(receipts: DataFrame) -> DataFrame:
    """The receipts with `running_fen`: what the payer's receipts come to up to and with this one, in order of time."""
    in_order = Window.partitionBy("payer_id").orderBy("attempted_on", "receipt_id")
    so_far = in_order.rowsBetween(Window.unboundedPreceding, 0)
    return receipts.withColumn("running_fen", F.sum("amount_fen").over(so_far))


def collections(shares: DataFrame, helped: DataFrame, days: CollectionDays) -> DataFrame:
    """One row per assessment: due, collected, status, day. Key: plan_id, member_id. Amounts in fen.

    `helped`: one row per plan and member whose arrears may be netted, with `aid_fen` to net them from. A due that is
    not met at the grace limit is netted from the aid where the member is helped (B), else the membership lapses. What
    a member does not owe because the platform bears it is waived.
    """
    is_met = (F.col("due_fen") == 0) | (F.col("collected_fen") == F.col("due_fen"))
    is_netted = F.lit(days.is_final) & ~is_met & (F.col("aid_fen") >= F.col("due_fen"))
    is_netted = F.coalesce(is_netted & (F.col("collected_fen") == 0), F.lit(False))
    status = (
        F.when((F.col("due_fen") == 0) & (F.col("sponsored_fen") > 0), WAIVED)
        .when(is_met, COLLECTED)
        .when(is_netted, NETTED)
        .otherwise(LAPSED if days.is_final else IN_GRACE)
    )
    return (
        shares.join(F.broadcast(helped), on=["plan_id", "member_id"], how="left")
        .withColumn("status", status)
        .select(
            "plan_id",
            "member_id",
            "due_fen",
            F.when(F.col("status") == NETTED, F.col("due_fen"))
            .otherwise(F.col("collected_fen"))
            .alias("collected_fen"),
            "status",
            F.when(F.col("status") == NETTED, F.lit(days.grace_ends_on))
            .otherwise(F.col("collected_on"))
            .alias("collected_on"),
        )
    )


def money_without_share(
    to_allocate: DataFrame, in_time: DataFrame, late: DataFrame, allocated: DataFrame, first_plan_id: str
) -> DataFrame:
    """One row per receipt with money that meets no share: the receipt, `excess_fen`, `reason`, `plan_id`. Key:
    receipt_id.

    `to_allocate`, `in_time`: payers whose money is to be allocated, and their receipts. `late`: receipts after the
    grace limit. `allocated`: the rows of `allocated_shares`. The plan is the first the payer has a bill of; for a
    payer without any, `first_plan_id`.
    """
    met = allocated.groupBy("payer_id").agg(F.sum("collected_fen").alias("met_fen"), F.min("plan_id").alias("of_plan"))
    known = to_allocate.join(met, "payer_id", "left").withColumn("met_fen", F.coalesce("met_fen", _fen(0)))
    reason = (
        F.when(F.col("of_plan").isNull(), WITHOUT_BILL)
        .when(F.col("received_fen") > F.col("owed_fen"), OVERPAID)
        .otherwise(NOT_ENOUGH)
    )
    over_fen = F.greatest(F.least("amount_fen", F.col("running_fen") - F.col("met_fen")), _fen(0))
    plan_id = F.coalesce("of_plan", F.lit(first_plan_id))
    excess = (
        with_running_fen(in_time)
        .join(known, "payer_id")
        .withColumns({"excess_fen": over_fen, "reason": reason, "plan_id": plan_id})
        .where("excess_fen > 0")
    )
    after = late.withColumns(
        {"excess_fen": F.col("amount_fen"), "reason": F.lit(AFTER_GRACE), "plan_id": F.lit(first_plan_id)}
    )
    columns = (*late.columns, "excess_fen", "reason", "plan_id")
    return excess.select(*columns).unionByName(after.select(*columns))


def lapses(collected: DataFrame, already_ended: DataFrame) -> DataFrame:
    """One row per membership that ends for arrears: plan_id, member_id.

    `already_ended`: plan_id, member_id whose cover ended for the arrears of an earlier period after the publicity day.
    """
    unpaid = collected.where(F.col("status") == LAPSED).select("plan_id", "member_id")
    return unpaid.join(already_ended, on=["plan_id", "member_id"], how="left_anti")


def _fen(amount: int) -> Column:
    return F.lit(amount).cast("bigint")
