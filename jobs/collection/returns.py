"""Returned receipts: money of an earlier collection that was returned, and the receipts less that money.

A payer's return takes back his latest receipts first. It never takes back a later receipt, nor more than was received.
"""

from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.spark.by_plan import fen

RETURNED_TOO_MUCH = "receipt_returned_too_much"
KEY = ["payer_id", "receipt_id"]
PART = ("payer_id", "receipt_id", "attempted_on", "is_return", "is_late", "part_fen")


@dataclass(frozen=True)
class TakenBack:
    """What returns take back.

    `parts`: one row per receipt or return and `is_late`, with `part_fen`, the money of the receipt that went back, or
    of the return that took it back. `is_late`: the money came after the grace limit, so that no share was met by it.
    `excess`: the returns that take back more than was received, with `excess_fen`.
    """

    parts: DataFrame
    excess: DataFrame

    def less_returned(self, receipts: DataFrame, is_late: bool) -> DataFrame:
        """The receipts with `amount_fen` reduced by returns; those returned in full are dropped."""
        gone = self.parts.where(~F.col("is_return") & (F.col("is_late") == is_late)).select(*KEY, "part_fen")
        kept_fen = F.col("amount_fen") - F.coalesce("part_fen", fen(0))
        return (
            receipts.join(gone, KEY, "left")
            .withColumn("amount_fen", kept_fen)
            .where("amount_fen > 0")
            .select(*receipts.columns)
        )


def take_back(in_time: DataFrame, late: DataFrame, returned: DataFrame, grace_ends_on: date) -> TakenBack:
    """Matches returns with the receipts of their payers, late receipts first.

    `in_time`, `late`: receipts before and after the grace limit. `returned`: the returns. Only a return made after the
    grace limit can take back a late receipt.
    """
    payers = returned.select("payer_id").distinct()
    columns = ("payer_id", "receipt_id", "attempted_on", "amount_fen")
    is_late = F.col("attempted_on") >= F.lit(grace_ends_on)
    returns = returned.select(*columns, F.lit(True).alias("is_return"))
    late_money = late.join(payers, "payer_id", "left_semi").select(*columns, F.lit(False).alias("is_return"))
    after_limit = _with_part(late_money.unionByName(returns.where(is_late))).withColumn("is_late", F.lit(True))
    left = after_limit.where("is_return").withColumn("amount_fen", F.col("amount_fen") - F.col("part_fen"))
    left = left.where("amount_fen > 0").select(*columns, "is_return").unionByName(returns.where(~is_late))
    money = in_time.join(payers, "payer_id", "left_semi").select(*columns, F.lit(False).alias("is_return"))
    in_all = _with_part(money.unionByName(left)).withColumn("is_late", F.lit(False))
    excess_fen = F.col("amount_fen") - F.col("part_fen")
    excess = in_all.where("is_return").select(*KEY, excess_fen.alias("excess_fen")).where("excess_fen > 0")
    parts = after_limit.unionByName(in_all).where("part_fen > 0").select(*PART)
    return TakenBack(parts, returned.join(excess, KEY))


def _with_part(events: DataFrame) -> DataFrame:
    """Receipts and returns with `part_fen`: of a receipt, what went back; of a return, what it took back.

    The payer's balance rises with receipts and falls with returns, but not below zero. Of a receipt is kept what no
    later balance falls below.
    """
    in_order = Window.partitionBy("payer_id").orderBy("attempted_on", "is_return", "receipt_id")
    so_far = in_order.rowsBetween(Window.unboundedPreceding, 0)
    signed_fen = F.when(F.col("is_return"), -F.col("amount_fen")).otherwise(F.col("amount_fen"))
    totals = events.withColumn("total_fen", F.sum(signed_fen).over(so_far))
    lowest = totals.withColumn("lowest_fen", F.least(F.min("total_fen").over(so_far), fen(0)))
    balance_fen = F.col("total_fen") - F.col("lowest_fen")
    before_fen = F.coalesce(F.lag("lowest_fen").over(in_order), fen(0))
    balances = lowest.withColumns({"balance_fen": balance_fen, "too_much_fen": before_fen - F.col("lowest_fen")})
    from_here = in_order.rowsBetween(0, Window.unboundedFollowing)
    opening_fen = F.col("balance_fen") - F.col("amount_fen")
    kept_fen = F.greatest(F.min("balance_fen").over(from_here) - opening_fen, fen(0))
    not_part_fen = F.when(F.col("is_return"), F.col("too_much_fen")).otherwise(kept_fen)
    return balances.withColumn("part_fen", F.col("amount_fen") - not_part_fen)


def parts_by_account(parts: DataFrame, shares: DataFrame, first_plan_id: str) -> DataFrame:
    """Returned money by plan and account: plan_id, is_share, is_return, attempted_on, `fen`.

    `shares`: allocated shares, with payer_id, plan_id, due_fen, collected_fen. The money is that of the payer's unmet
    shares (`is_share`), in order of plans; what is beyond them, and late money, was unapplied cash. A payer without a
    bill, and late money, have it in `first_plan_id`.
    """
    payers = parts.select("payer_id").distinct()
    unmet_fen = F.sum(F.col("due_fen") - F.col("collected_fen")).alias("unmet_fen")
    unmet = shares.join(payers, "payer_id", "left_semi").groupBy("payer_id", "plan_id").agg(unmet_fen)
    by_plan = Window.partitionBy("payer_id").orderBy("plan_id").rowsBetween(Window.unboundedPreceding, 0)
    slots = unmet.withColumn("slot_end", F.sum("unmet_fen").over(by_plan))
    rest = payers.join(
        unmet.groupBy("payer_id").agg(F.min("plan_id").alias("plan_id"), F.sum("unmet_fen").alias("slot_start")),
        "payer_id",
        "left",
    )
    in_order = Window.partitionBy("payer_id", "is_return", "is_late").orderBy("attempted_on", "receipt_id")
    ends = parts.withColumn("part_end", F.sum("part_fen").over(in_order.rowsBetween(Window.unboundedPreceding, 0)))
    of_shares = ends.where(~F.col("is_late")).join(
        slots.select("payer_id", "plan_id", (F.col("slot_end") - F.col("unmet_fen")).alias("slot_start"), "slot_end"),
        "payer_id",
    )
    beyond = ends.join(rest, "payer_id").select(
        *ends.columns,
        F.when(F.col("is_late"), F.lit(first_plan_id))
        .otherwise(F.coalesce("plan_id", F.lit(first_plan_id)))
        .alias("plan_id"),
        F.when(F.col("is_late"), fen(0)).otherwise(F.coalesce("slot_start", fen(0))).alias("slot_start"),
        F.col("part_end").alias("slot_end"),
    )
    both = of_shares.withColumn("is_share", F.lit(True)).unionByName(beyond.withColumn("is_share", F.lit(False)))
    start = F.greatest(F.col("part_end") - F.col("part_fen"), F.col("slot_start"))
    overlap_fen = F.greatest(F.least("part_end", "slot_end") - start, fen(0))
    accounts = ("plan_id", "is_share", "is_return", "attempted_on")
    return both.groupBy(*accounts).agg(F.sum(overlap_fen).alias("fen")).where("fen > 0")
