"""Additional dues: amounts that corrections charge a payer in the collection of the open period, after all shares."""

from collections.abc import Iterable
from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.collection.days import CollectionDays
from jobs.correction.dispositions import ASKED
from jobs.correction.dispositions import REFUNDED as OF_REFUND
from jobs.spark.by_plan import fen

# Published statuses of settled/adjustment_collections.
MET, IN_GRACE, WRITTEN_OFF, REFUNDED = "collected", "in_grace", "written_off", "refunded"
REFUND_OUTCOME = "refund"  # of a refund in the shape of a receipt


def whole_dues_met(money_fen: int, owed_before_fen: int, dues_fen: Iterable[int]) -> list[int]:
    """What one payer's money meets of each additional due, in their order: the whole due or nothing.

    `money_fen`: his receipts in time, and his refunds as far as he owes. `owed_before_fen`: his shares of the period,
    which come first. A due that is not met ends it, as it does for shares: later, smaller dues are not met before it.
    A due that was cancelled before it was billed (0) needs no money.
    """
    met_fen, needed_fen = [], owed_before_fen
    for due_fen in dues_fen:
        needed_fen += due_fen
        met_fen.append(due_fen if money_fen >= needed_fen else 0)  # 0 either way if it was cancelled
    return met_fen


def refund_as_money_fen(refund_fen: int, owed_fen: int) -> int:
    """The part of a payer's refund that counts as money of his: as much as he owes in the period, dues included."""
    return min(refund_fen, owed_fen)


def refunds_as_receipts(refunds: DataFrame, owed: DataFrame, period: str, deduction_on: date) -> DataFrame:
    """Refunds as money of their payers, in the shape of receipts of the deduction day.

    `refunds`: rows of settled/adjustments that are refunded. `owed`: one row per payer with `owed_fen`, his shares and
    additional dues. Only as much counts as he owes; the ids are below zero, so that no receipt has them. The outcome is
    REFUND_OUTCOME.
    """
    by_payer = refunds.groupBy("payer_id").agg(F.sum(-F.col("delta_fen")).alias("refund_fen"))
    joined = by_payer.join(owed, "payer_id")
    return joined.select(
        (-F.col("payer_id") - F.lit(1)).cast("bigint").alias("receipt_id"),
        F.lit(period).alias("period"),
        "payer_id",
        F.least("refund_fen", "owed_fen").alias("amount_fen"),
        F.lit(REFUND_OUTCOME).alias("outcome"),
        F.lit(deduction_on).alias("attempted_on"),
    ).where("amount_fen > 0")


def dues_met(asked: DataFrame, money: DataFrame, running: DataFrame) -> DataFrame:
    """The additional dues with `met_fen` and `collected_on`: `whole_dues_met` for every payer.

    `asked`: rows of settled/adjustments that are asked; those of one member and period are one due, of which later
    revisions may have cancelled a part (below zero). If they cancelled all, its rows are met on no day. `money`: one
    row per payer with `received_fen` and `shares_fen`, what his shares of the period need before. `running`: his
    receipts with `running_fen` (from `with_running_fen`): the day of the one that reaches what is needed is the day on
    which the due is met.
    """
    due = ("origin_period", "plan_id", "member_id")
    up_to_it = Window.partitionBy("payer_id").orderBy(*due)  # by default up to all rows of the same due
    needed_fen = F.coalesce("shares_fen", fen(0)) + F.sum("delta_fen").over(up_to_it)
    due_fen = F.sum("delta_fen").over(Window.partitionBy("payer_id", *due))
    needed = asked.join(money, "payer_id", "left").withColumns({"needed_fen": needed_fen, "net_due_fen": due_fen})
    has_money = F.coalesce(F.col("received_fen") >= F.col("needed_fen"), F.lit(False))
    is_met = has_money | (F.col("net_due_fen") == 0)
    dues = needed.withColumn("met_fen", F.when(is_met, F.col("delta_fen")).otherwise(fen(0)))
    key = ("plan_id", "origin_period", "revision", "member_id")
    days = (
        dues.where("met_fen <> 0 AND net_due_fen > 0")
        .select(*key, "payer_id", "needed_fen")
        .join(running.select("payer_id", "attempted_on", "running_fen"), "payer_id")
        .where("running_fen >= needed_fen")
        .groupBy(*key)
        .agg(F.min("attempted_on").alias("collected_on"))
    )
    return dues.join(days, list(key), "left").select(*asked.columns, "met_fen", "collected_on")


def adjustment_collections(met: DataFrame, refunds: DataFrame, days: CollectionDays) -> DataFrame:
    """The rows of settled/adjustment_collections, without period and run.

    `met`: from `dues_met`. `refunds`: rows of settled/adjustments that are refunded, paid out on the deduction day, on
    which cancelled dues and refunds end too.
    """
    is_paid = days.is_deducting
    is_met = (F.col("met_fen") != 0) & (F.col("collected_on").isNotNull() | F.lit(is_paid))
    unmet = WRITTEN_OFF if days.is_final else IN_GRACE
    dues = met.withColumns(
        {
            "disposition": F.lit(ASKED),
            "status": F.when(is_met, MET).otherwise(unmet),
            "met_fen": F.when(is_met, F.col("met_fen")).otherwise(fen(0)),
            "collected_on": F.when(is_met, F.coalesce("collected_on", F.lit(days.deduction_on))),
        }
    )
    paid = refunds.withColumns(
        {
            "disposition": F.lit(OF_REFUND),
            "met_fen": F.col("delta_fen") if is_paid else fen(0),
            "status": F.lit(REFUNDED if is_paid else IN_GRACE),
            "collected_on": F.lit(days.deduction_on if is_paid else None).cast("date"),
        }
    )
    columns = ("plan_id", "origin_period", "revision", "member_id", "disposition", "payer_id", "delta_fen", "met_fen",
               "status", "collected_on")  # fmt: skip
    return dues.select(*columns).unionByName(paid.select(*columns))
