"""The members whose lapse for a corrected period is void: their money was there in time, or they owe nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.collection.allocation import AFTER_LAPSE, LAPSED, NOT_ENOUGH, OVERPAID, WITHOUT_BILL
from jobs.correction.reinstatement import NOTHING_OWED
from jobs.errors import Refused
from jobs.ledger.correction_postings import PAID_IN_TIME
from jobs.ledger.journal import CASH, SUSPENSE
from jobs.register.publications import rows_of
from jobs.spark.by_plan import by_plan, fen
from jobs.works.collect_pinning import pin_collection
from jobs.works.collect_writing import allocate_to_shares
from jobs.works.correct_pinning import PinnedCorrection
from jobs.works.corrections import KEY, REINSTATEMENTS
from schemas import TABLES

HELD = "control/quarantine_receipts"
FOR_BILLS = (OVERPAID, NOT_ENOUGH, AFTER_LAPSE)  # held in the first plan that billed the payer


@dataclass(frozen=True)
class Reinstated:
    """`rows`: plan_id, member_id, reason, amount_fen; None: no member. `by_account_fen`: by plan, money taken in from
    its suspense or from cash. `handed_over_fen`: by plan, money in its suspense that met dues of other plans."""

    rows: DataFrame | None = None
    by_account_fen: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    handed_over_fen: Mapping[str, int] = field(default_factory=dict)


def reinstated(pinned: PinnedCorrection, recomputed: DataFrame, written_off: DataFrame) -> Reinstated:
    """The members to reinstate; the rule is `jobs.correction.reinstatement.reinstatement`, as columns.

    `recomputed`: rows of settled/assessments as of now. `written_off`: from `open_write_offs`.
    """
    lapsed = _lapsed(pinned)
    if lapsed is None or lapsed.isEmpty():
        return Reinstated()
    due_now_fen = F.coalesce("due_now_fen", fen(0))
    now = recomputed.select(*KEY, F.col("due_fen").alias("due_now_fen"))
    paid = _paid_in_time(pinned, lapsed)
    with_terms = lapsed.join(now, list(KEY), "left").join(written_off, list(KEY), "left")
    if paid is None:
        with_terms = with_terms.withColumns({"payer_id": fen(None), "is_paid": F.lit(False)})
    else:
        with_terms = with_terms.join(paid.withColumn("is_paid", F.lit(True)), list(KEY), "left")
    is_paid = F.coalesce("is_paid", F.lit(False))
    taken_fen = F.least(F.coalesce("written_off_fen", fen(0)), F.col("due_fen"))
    rows = with_terms.where(is_paid | (due_now_fen == 0)).select(
        *KEY,
        "payer_id",
        F.when(is_paid, F.lit(PAID_IN_TIME)).otherwise(F.lit(NOTHING_OWED)).alias("reason"),
        F.when(is_paid, taken_fen).otherwise(fen(0)).alias("amount_fen"),
    )
    rows = rows.localCheckpoint()
    if rows.isEmpty():
        return Reinstated()
    by_account, handed_over = ({}, {}) if paid is None else _money(pinned, rows.where("amount_fen > 0"))
    return Reinstated(rows.drop("payer_id"), by_account, handed_over)


def _lapsed(pinned: PinnedCorrection) -> DataFrame | None:
    """The members with a lapse for the period that is not void yet, and the due that lapsed."""
    collected = [pinned.collected[p] for p in pinned.plan_ids]
    rows = rows_of(pinned.lake, "settled/collections", collected).where(F.col("status") == LAPSED)
    lapsed = rows.select(*KEY, "due_fen")
    if pinned.of_origin.publications:
        void = rows_of(pinned.lake, REINSTATEMENTS, pinned.of_origin.publications)
        lapsed = lapsed.join(void.select(*KEY).distinct(), list(KEY), "left_anti")
    return lapsed.localCheckpoint()


def _paid_in_time(pinned: PinnedCorrection, lapsed: DataFrame) -> DataFrame | None:
    """The lapsed members whose due is met by all receipts known now that came in time and were not waived: plan_id,
    member_id, payer_id.

    Only payers with a lapsed member are allocated again, over all plans of the period.
    """
    if not pinned.lake.exists("source/receipts"):
        return None
    collection = pin_collection(replace(pinned.origin.request, plan_ids=None), pinned.lake)
    assessments = collection.settled_rows("settled/assessments")
    payers = assessments.join(F.broadcast(lapsed.select(*KEY)), list(KEY), "left_semi").select("payer_id").distinct()
    payers = payers.localCheckpoint()
    of_payers = assessments.join(F.broadcast(payers), "payer_id", "left_semi").select(*assessments.columns)
    in_time = collection.gate.in_time.where(~F.col("receipt_id").isin(*pinned.waived_receipt_ids))
    in_time = in_time.join(F.broadcast(payers), "payer_id", "left_semi")
    receipts = replace(
        collection.gate,
        in_time=in_time.select(*collection.gate.in_time.columns).localCheckpoint(),
        late=collection.gate.late.where("false"),
    )
    shares = allocate_to_shares(collection, of_payers, of_payers, receipts).shares
    met = shares.where((F.col("due_fen") > 0) & (F.col("collected_fen") == F.col("due_fen")))
    return met.select(*KEY, "payer_id").join(F.broadcast(lapsed.select(*KEY)), list(KEY), "left_semi").localCheckpoint()


def _money(pinned: PinnedCorrection, rows: DataFrame) -> tuple[dict[str, dict[str, int]], dict[str, int]]:
    """Where the money is: in this plan's suspense, or not (in no books, or handed over by the plan that holds it)."""
    holders = _holders(pinned, rows)
    sums = (
        rows.join(holders, "payer_id", "left")
        .groupBy("plan_id", "holder")
        .agg(F.sum("amount_fen").alias("fen"))
        .collect()
    )
    by_account: dict[str, dict[str, int]] = {}
    handed_over: dict[str, int] = {}
    for row in sums:
        account = SUSPENSE if row.holder == row.plan_id else CASH
        of_plan = by_account.setdefault(row.plan_id, {})
        of_plan[account] = of_plan.get(account, 0) + row.fen
        if row.holder not in (None, row.plan_id):
            handed_over[row.holder] = handed_over.get(row.holder, 0) + row.fen
    missing = sorted(set(handed_over) - set(pinned.plan_ids))
    if missing:
        raise Refused(
            f"Period {pinned.origin_name}: money that came in time for these plans is in the suspense of "
            f"{', '.join(missing)}. Nothing was corrected. Correct these plans together: `fentan correct --period "
            f"{pinned.origin_name} --into {pinned.request.period} --plan "
            f"{' '.join(sorted({*pinned.plan_ids, *missing}))} --reason ...`."
        )
    return by_account, handed_over


def _holders(pinned: PinnedCorrection, rows: DataFrame) -> DataFrame:
    """By payer with held money of the period, the plan in whose suspense it is: payer_id, holder."""
    held = pinned.lake.read_or_empty(HELD).where(
        (F.col("held_in_period") == pinned.origin_name) & (F.col("amount_at_stake_fen") > 0)
    )
    first_plan = F.lit(min(pinned.settled))
    billed = rows_of(pinned.lake, "settled/bills", list(pinned.settled.values())).join(
        F.broadcast(rows.select("payer_id").distinct()), "payer_id", "left_semi"
    )
    first_billed = billed.groupBy("payer_id").agg(F.min("plan_id").alias("first_billed"))
    reason = F.col("reasons")[0]
    of_bill = reason.isin(*FOR_BILLS, WITHOUT_BILL)
    holder = F.when(of_bill, F.coalesce("first_billed", first_plan)).otherwise(first_plan)
    return held.join(first_billed, "payer_id").groupBy("payer_id").agg(F.min(holder).alias("holder"))


def rows_to_store(pinned: PinnedCorrection, void: Reinstated) -> DataFrame:
    """The rows of settled/reinstatements, without period and run."""
    if void.rows is None:
        return pinned.lake.empty(TABLES[REINSTATEMENTS].spark_schema).drop("period", "run_id")
    revision = by_plan({p: F.lit(number) for p, number in pinned.revision.items()}, F.lit(None)).cast("int")
    origin = F.lit(pinned.origin_name).alias("origin_period")
    return void.rows.select("plan_id", origin, revision.alias("revision"), "member_id", "reason", "amount_fen")
