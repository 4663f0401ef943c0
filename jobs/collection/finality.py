"""Collecting on top of final positions: shares in closed books, and lapses on which a later settlement relies.

Cash allocated to final shares is spent, and later receipts do not reinstate a final lapse.
"""

from functools import reduce

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.collection.allocation import with_running_fen
from jobs.collection.unapplied_cash import AFTER_GRACE, AFTER_LAPSE, NOT_ENOUGH, OVERPAID, WITHOUT_BILL


def unspent_receipts(in_time: DataFrame, met: DataFrame) -> DataFrame:
    """The receipts with `amount_fen` reduced by the cash that final shares took; fully spent receipts are dropped.

    `met`: one row per payer with `met_fen`, the cash his final shares took. It is taken from his earliest receipts.
    """
    zero = F.lit(0).cast("bigint")
    spent_fen = F.coalesce("met_fen", zero)
    unspent_fen = F.greatest(F.least("amount_fen", F.col("running_fen") - spent_fen), zero)
    unspent = with_running_fen(in_time).join(met, "payer_id", "left").withColumn("amount_fen", unspent_fen)
    return unspent.where("amount_fen > 0").select(*in_time.columns)


def with_final_reasons(
    excess: DataFrame, lapsed_payers: DataFrame, closed_payers: DataFrame, met: DataFrame
) -> DataFrame:
    """Unapplied cash (rows of `unapplied_cash`) with reasons and plans that take final positions into account.

    The other inputs have one row per payer: `lapsed_payers` with a finally lapsed share (`lapsed_plan`,
    `lapsed_due_fen`), `closed_payers` with bills of closed plans (`closed_due_fen`), `met` with the cash that final
    shares took (`met_fen`). The reason of a receipt in time becomes
    - AFTER_LAPSE, if the payer's unapplied cash would have met his lapsed share;
    - NOT_ENOUGH instead of WITHOUT_BILL, if it would not have; in both cases the lapsed plan replaces a missing bill's;
    - OVERPAID instead of WITHOUT_BILL, if his cash met his closed bills, else NOT_ENOUGH.
    """
    in_time_fen = F.when(F.col("reason") != AFTER_GRACE, F.col("excess_fen"))
    payer_excess_fen = F.sum(in_time_fen).over(Window.partitionBy("payer_id"))
    by_payer = (lapsed_payers, closed_payers, met)
    joined = reduce(lambda rows, payers: rows.join(payers, "payer_id", "left"), by_payer, excess)
    has_no_bill = F.col("reason") == WITHOUT_BILL
    is_late = F.col("reason") == AFTER_GRACE
    would_meet = F.coalesce(payer_excess_fen >= F.col("lapsed_due_fen"), F.lit(False)) & ~is_late
    all_met = F.coalesce("met_fen", F.lit(0)) >= F.col("closed_due_fen")
    reason = (
        F.when(would_meet, F.lit(AFTER_LAPSE))
        .when(has_no_bill & F.col("lapsed_plan").isNotNull(), F.lit(NOT_ENOUGH))
        .when(has_no_bill & F.col("closed_due_fen").isNotNull(), F.when(all_met, OVERPAID).otherwise(NOT_ENOUGH))
        .otherwise(F.col("reason"))
    )
    plan_id = F.when(has_no_bill, F.coalesce("lapsed_plan", "plan_id")).otherwise(F.col("plan_id"))
    return joined.withColumns({"reason": reason, "plan_id": plan_id}).select(*excess.columns)
