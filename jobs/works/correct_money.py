"""Where the money is that reinstated members had paid in time: in the suspense of a plan, or in no books."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.base.errors import Refused
from jobs.collection.unapplied_cash import AFTER_GRACE, AFTER_LAPSE, NOT_ENOUGH, OVERPAID, WITHOUT_BILL
from jobs.ledger.journal import CASH, SUSPENSE
from jobs.register.publications import rows_of
from jobs.spark.by_plan import fen
from jobs.works.correct_pinning import PinnedCorrection
from jobs.works.corrections import KEY, REINSTATEMENTS

HELD = "control/quarantine_receipts"
FOR_BILLS = (OVERPAID, NOT_ENOUGH, AFTER_LAPSE, WITHOUT_BILL)  # held in the first plan that billed the payer
Taken = tuple[dict[str, dict[str, int]], dict[str, int]]


def money_taken_in(pinned: PinnedCorrection, rows: DataFrame, in_time: DataFrame) -> Taken:
    """By plan, the money taken in by account: from its suspense, or from cash (in no books, or handed over). And by
    plan, what its suspense hands over to others.

    `rows`: reinstated members with payer_id and amount_fen. `in_time`: the receipts that met their dues. The rule is
    `jobs.correction.reinstatement.money_by_holder`, as columns. Raises Refused if a plan that holds money is left out.
    """
    payers = rows.select("payer_id").distinct()
    held = _held(pinned, in_time, payers).localCheckpoint()
    before = taken_from_holders(_taken_before(pinned, payers), held).groupBy("payer_id", "holder")
    left = held.join(before.agg(F.sum("fen").alias("taken_fen")), ["payer_id", "holder"], "left")
    left = left.withColumn("held_fen", F.col("held_fen") - F.coalesce("taken_fen", fen(0))).drop("taken_fen")
    needs = rows.groupBy("payer_id", "plan_id").agg(F.sum("amount_fen").alias("need_fen")).localCheckpoint()
    taken = taken_from_holders(needs, left.where("held_fen > 0"))
    sums = taken.groupBy("plan_id", "holder").agg(F.sum("fen").alias("fen")).collect()
    needed = needs.groupBy("plan_id").agg(F.sum("need_fen").alias("fen")).collect()
    from_own = {row.holder: row.fen for row in sums if row.holder == row.plan_id}
    handed_over: dict[str, int] = {}
    for row in sums:
        if row.holder != row.plan_id:
            handed_over[row.holder] = handed_over.get(row.holder, 0) + row.fen
    _check_plans(pinned, handed_over)
    by_account = {
        row.plan_id: {SUSPENSE: from_own.get(row.plan_id, 0), CASH: row.fen - from_own.get(row.plan_id, 0)}
        for row in needed
    }
    return by_account, handed_over


def taken_from_holders(needs: DataFrame, held: DataFrame) -> DataFrame:
    """What each plan takes from which suspense, payer by payer: payer_id, plan_id, holder, fen > 0. First from its own,
    then from those of other plans, in order of plans; what is not held is in no books.

    `needs`: one row per payer and plan, need_fen. `held`: one row per payer and holder (a plan), held_fen.
    """
    own_fen = F.least("need_fen", F.coalesce("held_fen", fen(0)))
    of_own = held.withColumnRenamed("holder", "plan_id")
    own = needs.join(of_own, ["payer_id", "plan_id"], "left").withColumn("own_fen", own_fen).localCheckpoint()
    used = own.select("payer_id", F.col("plan_id").alias("holder"), "own_fen")
    needed = own.select("payer_id", "plan_id", (F.col("need_fen") - F.col("own_fen")).alias("fen")).where("fen > 0")
    left_fen = F.col("held_fen") - F.coalesce("own_fen", fen(0))
    left = held.join(used, ["payer_id", "holder"], "left").select("payer_id", "holder", left_fen.alias("fen"))
    needed = needed.withColumn("need_to", _running("plan_id")).withColumnRenamed("fen", "need_fen")
    left = left.where("fen > 0").withColumn("left_to", _running("holder")).withColumnRenamed("fen", "left_fen")
    since = F.greatest(F.col("need_to") - F.col("need_fen"), F.col("left_to") - F.col("left_fen"))
    of_others = needed.join(left, "payer_id").select(
        "payer_id", "plan_id", "holder", (F.least("need_to", "left_to") - since).alias("fen")
    )
    of_own = own.select("payer_id", "plan_id", F.col("plan_id").alias("holder"), F.col("own_fen").alias("fen"))
    return of_own.unionByName(of_others).where("fen > 0")


def _running(order: str) -> Column:
    """The payer's running total of `fen`, in the order of a column that is unique for him."""
    in_order = Window.partitionBy("payer_id").orderBy(order).rowsBetween(Window.unboundedPreceding, 0)
    return F.sum("fen").over(in_order)


def _held(pinned: PinnedCorrection, in_time: DataFrame, payers: DataFrame) -> DataFrame:
    """By payer and plan (holder), the money of receipts in time that the closed period's books have in suspense."""
    released = sorted(row["held_id"] for row in pinned.decided.released)
    is_in_suspense = (
        (F.col("held_in_period") == pinned.origin_name)
        & (F.col("period") == pinned.origin_name)
        & (F.col("outcome") == "collected")
        & (F.col("amount_at_stake_fen") > 0)
        & ~F.array_contains("reasons", AFTER_GRACE)
    )
    if released:
        is_in_suspense &= ~F.coalesce(F.col("held_id").isin(*released), F.lit(False))
    first_plan, of_bill = F.lit(min(pinned.settled)), F.col("reasons")[0].isin(*FOR_BILLS)
    rows = pinned.lake.read_or_empty(HELD).where(is_in_suspense)
    by_id = rows.groupBy("receipt_id", of_bill.alias("is_of_bill")).agg(F.sum("amount_at_stake_fen").alias("stake_fen"))
    known = in_time.select("receipt_id", "payer_id", "amount_fen").join(F.broadcast(payers), "payer_id", "left_semi")
    billed = rows_of(pinned.lake, "settled/bills", list(pinned.settled.values()))
    first_billed = (
        billed.join(F.broadcast(payers), "payer_id", "left_semi")
        .groupBy("payer_id")
        .agg(F.min("plan_id").alias("first_billed"))
    )
    holder = F.when(F.col("is_of_bill"), F.coalesce("first_billed", first_plan)).otherwise(first_plan)
    in_books = by_id.join(known, "receipt_id").join(first_billed, "payer_id", "left")
    return in_books.groupBy("payer_id", holder.alias("holder")).agg(
        F.sum(F.least("stake_fen", "amount_fen")).alias("held_fen")
    )


def _taken_before(pinned: PinnedCorrection, payers: DataFrame) -> DataFrame:
    """What earlier corrections of the period took in for these payers: payer_id, plan_id, need_fen."""
    void = rows_of(pinned.lake, REINSTATEMENTS, pinned.of_origin_in_all_plans.publications).where("amount_fen > 0")
    assessed = rows_of(pinned.lake, "settled/assessments", list(pinned.settled.values())).select(*KEY, "payer_id")
    of_payers = assessed.join(F.broadcast(payers), "payer_id", "left_semi")
    taken = of_payers.join(void.select(*KEY, "amount_fen"), list(KEY))
    return taken.groupBy("payer_id", "plan_id").agg(F.sum("amount_fen").alias("need_fen"))


def _check_plans(pinned: PinnedCorrection, handed_over: dict[str, int]) -> None:
    missing = sorted(set(handed_over) - set(pinned.plan_ids))
    if missing:
        raise Refused(
            f"Period {pinned.origin_name}: money that came in time for these plans is in the suspense of "
            f"{', '.join(missing)}. Nothing was corrected. Correct these plans together: `fentan correct --period "
            f"{pinned.origin_name} --into {pinned.request.period} --plan "
            f"{' '.join(sorted({*pinned.plan_ids, *missing}))} --reason ...`."
        )
