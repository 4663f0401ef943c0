"""Allocation of receipts: each payer's cash is applied to the shares he owes, one after another."""

from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.spark.by_plan import fen

# Published statuses of settled/collections, then published reasons of unapplied cash.
COLLECTED, IN_GRACE, LAPSED, NETTED, WAIVED = "collected", "in_grace", "lapsed", "netted", "waived"
WITHOUT_BILL, AFTER_GRACE = "receipt_without_bill", "receipt_after_grace"
OVERPAID, NOT_ENOUGH, AFTER_LAPSE = "receipt_overpaid", "receipt_not_enough", "receipt_after_lapse"


@dataclass(frozen=True)
class CollectionDays:
    """The days of a period's collection, and its cut-off `as_of`.

    Receipts count from the publicity day until 00:00 of `grace_ends_on`, up to and including the day `as_of`. At the
    grace limit, unpaid dues are set off or lapse. Source: `grace_days_before_next_deduction` in calendar.yaml.
    """

    publicity_on: date
    deduction_on: date
    grace_ends_on: date
    as_of: date

    @property
    def is_final(self) -> bool:
        """Whether the cut-off has reached the grace limit."""
        return self.as_of >= self.grace_ends_on

    @property
    def is_deducting(self) -> bool:
        """Whether the cut-off has reached the deduction day."""
        return self.as_of >= self.deduction_on


def totals_by_payer(in_time: DataFrame, bills: DataFrame) -> DataFrame:
    """One row per payer with a bill or a receipt in time. Key: payer_id.

    `in_time`: valid receipts of cash before the grace limit. Columns: `owed_fen` over all his plans, `received_fen`,
    `receipt_count`; 0 where he has none. One aggregation over a union reads both tables once, without the sort that a
    join would need.
    """
    zero = fen(0)
    owed = bills.select("payer_id", F.col("due_fen").alias("owed_fen"), zero.alias("received_fen"), zero.alias("n"))
    received = in_time.select(
        "payer_id", zero.alias("owed_fen"), F.col("amount_fen").alias("received_fen"), fen(1).alias("n")
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


def payers_to_allocate(payer_totals: DataFrame) -> DataFrame:
    """The rows of `totals_by_payer` whose receipts must be allocated share by share.

    Payers with no receipt, or with a single receipt equal to what they owe, need no allocation: none of their shares
    is met, or all are.
    """
    is_exact = (F.col("receipt_count") == 1) & (F.col("received_fen") == F.col("owed_fen"))
    return payer_totals.where((F.col("receipt_count") > 0) & ~is_exact)


def shares_by_lookup(with_paid_on: DataFrame) -> DataFrame:
    """One row per assessment of a payer who needs no allocation, with `collected_fen` and `collected_on`.

    Key: plan_id, member_id. `with_paid_on`: assessments of these payers only, with the day of the payer's one receipt;
    null if he has none.
    """
    is_met = F.col("paid_on").isNotNull() & (F.col("due_fen") > 0)
    return with_paid_on.select(
        *(name for name in with_paid_on.columns if name != "paid_on"),
        F.when(is_met, F.col("due_fen")).otherwise(fen(0)).alias("collected_fen"),
        F.when(is_met, F.col("paid_on")).alias("collected_on"),
    )


def allocated_shares(
    assessments: DataFrame, joined: DataFrame, to_allocate: DataFrame, in_time: DataFrame, whole_shares: bool
) -> DataFrame:
    """One row per assessment of a payer whose receipts must be allocated, with `collected_fen` and `collected_on`.

    `assessments`, `to_allocate` (from `payers_to_allocate`) and `in_time` have these payers only. `joined`: one row per
    plan and member with `joined_on`. Order of allocation: the payer's own share, then the others by day of joining
    (source: quotes of the rules). `whole_shares`: a share is met in full or not at all (setting `deducts` of the
    platform). `collected_on`: the day of the receipt that completes what is met of the share.
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
    available_fen = F.col("received_fen") - (F.col("needed_fen") - F.col("due_fen"))  # left by the shares before it
    part_fen = F.greatest(F.least("due_fen", available_fen), fen(0))
    is_met = (F.col("received_fen") >= F.col("needed_fen")) & (F.col("due_fen") > 0)
    met_fen = F.when(is_met, F.col("due_fen")).otherwise(fen(0)) if whole_shares else part_fen
    met = ordered.withColumn("collected_fen", met_fen.cast("bigint"))
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
    """The receipts with `running_fen`: the payer's running total up to and including this receipt, in order of time."""
    in_order = Window.partitionBy("payer_id").orderBy("attempted_on", "receipt_id")
    so_far = in_order.rowsBetween(Window.unboundedPreceding, 0)
    return receipts.withColumn("running_fen", F.sum("amount_fen").over(so_far))


def collections(shares: DataFrame, helped: DataFrame, days: CollectionDays) -> DataFrame:
    """The rows of settled/collections: one row per assessment. Key: plan_id, member_id.

    `shares`: assessments with `collected_fen` and `collected_on`. `helped`: one row per plan and beneficiary with
    `aid_fen`. At the grace limit, a share of which nothing was collected is set off from the member's aid, up to that
    aid (source: quotes of the rules): NETTED if the aid covers it. Any other unmet share lapses, with what was set off
    as collected. A due of zero is WAIVED if the share was sponsored. Only set-offs are collected on the grace limit.
    """
    is_met = (F.col("due_fen") == 0) | (F.col("collected_fen") == F.col("due_fen"))
    may_set_off = F.lit(days.is_final) & ~is_met & (F.col("collected_fen") == 0) & (F.col("aid_fen") > 0)
    set_off_fen = F.when(may_set_off, F.least("aid_fen", "due_fen")).otherwise(fen(0))
    status = (
        F.when((F.col("due_fen") == 0) & (F.col("sponsored_fen") > 0), WAIVED)
        .when(is_met, COLLECTED)
        .when(set_off_fen == F.col("due_fen"), NETTED)
        .otherwise(LAPSED if days.is_final else IN_GRACE)
    )
    return (
        shares.join(F.broadcast(helped), on=["plan_id", "member_id"], how="left")
        .withColumns({"status": status, "set_off_fen": set_off_fen})
        .select(
            "plan_id",
            "member_id",
            "due_fen",
            (F.col("collected_fen") + F.col("set_off_fen")).alias("collected_fen"),
            "status",
            F.when(F.col("set_off_fen") > 0, F.lit(days.grace_ends_on))
            .otherwise(F.col("collected_on"))
            .alias("collected_on"),
        )
    )


def unapplied_cash(
    to_allocate: DataFrame, in_time: DataFrame, late: DataFrame, allocated: DataFrame, first_plan_id: str
) -> DataFrame:
    """One row per receipt with unapplied cash: the receipt, `excess_fen`, `reason`, `plan_id`. Key: receipt_id.

    `to_allocate`, `in_time`: the payers whose receipts must be allocated, and those receipts. `late`: receipts after
    the grace limit. `allocated`: from `allocated_shares`. `plan_id`, in whose books the cash is held: the first plan
    that billed the payer; `first_plan_id` for late receipts and payers without a bill.
    """
    met = allocated.groupBy("payer_id").agg(
        F.sum("collected_fen").alias("met_fen"), F.min("plan_id").alias("billed_plan_id")
    )
    payers = to_allocate.join(met, "payer_id", "left").withColumn("met_fen", F.coalesce("met_fen", fen(0)))
    reason = (
        F.when(F.col("billed_plan_id").isNull(), WITHOUT_BILL)
        .when(F.col("received_fen") > F.col("owed_fen"), OVERPAID)
        .otherwise(NOT_ENOUGH)
    )
    # Shares take the payer's earliest cash; the excess is the part of a receipt beyond what they took.
    excess_fen = F.greatest(F.least("amount_fen", F.col("running_fen") - F.col("met_fen")), fen(0))
    plan_id = F.coalesce("billed_plan_id", F.lit(first_plan_id))
    excess = (
        with_running_fen(in_time)
        .join(payers, "payer_id")
        .withColumns({"excess_fen": excess_fen, "reason": reason, "plan_id": plan_id})
        .where("excess_fen > 0")
    )
    after_grace = late.withColumns(
        {"excess_fen": F.col("amount_fen"), "reason": F.lit(AFTER_GRACE), "plan_id": F.lit(first_plan_id)}
    )
    columns = (*late.columns, "excess_fen", "reason", "plan_id")
    return excess.select(*columns).unionByName(after_grace.select(*columns))


def lapses(collected: DataFrame, already_ended: DataFrame) -> DataFrame:
    """The memberships that end for arrears: plan_id, member_id.

    `collected`: settled/collections. `already_ended`: members whose cover ended since the publicity day for the arrears
    of an earlier period; they do not lapse twice.
    """
    unpaid = collected.where(F.col("status") == LAPSED).select("plan_id", "member_id")
    return unpaid.join(already_ended, on=["plan_id", "member_id"], how="left_anti")
