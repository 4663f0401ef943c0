"""The members whose lapse for a corrected period is void: their money was there in time, or they owe nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.collection.set_off_and_lapse import LAPSED
from jobs.correction.reinstatement import NOTHING_OWED
from jobs.ledger.correction_postings import PAID_IN_TIME
from jobs.register.publications import rows_of
from jobs.spark.by_plan import by_plan, fen
from jobs.works.collect_pinning import pin_collection
from jobs.works.collect_writing import allocate_to_shares
from jobs.works.correct_differences import rows_of_same_members
from jobs.works.correct_money import money_taken_in
from jobs.works.correct_pinning import PinnedCorrection
from jobs.works.corrections import KEY, REINSTATEMENTS
from schemas import TABLES


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
    now = rows_of_same_members(recomputed, lapsed).select(*KEY, F.col("due_fen").alias("due_now_fen"))
    paid, in_time = _paid_in_time(pinned, lapsed)
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
    without_payer = rows.drop("payer_id")
    if in_time is None:
        return Reinstated(without_payer)
    return Reinstated(without_payer, *money_taken_in(pinned, rows.where("amount_fen > 0"), in_time))


def _lapsed(pinned: PinnedCorrection) -> DataFrame | None:
    """The members with a lapse for the period that is not void yet, and the due that lapsed."""
    collected = [pinned.collected[p] for p in pinned.plan_ids]
    rows = rows_of(pinned.lake, "settled/collections", collected).where(F.col("status") == LAPSED)
    lapsed = rows.select(*KEY, "due_fen")
    if pinned.of_origin.publications:
        void = rows_of(pinned.lake, REINSTATEMENTS, pinned.of_origin.publications)
        lapsed = lapsed.join(void.select(*KEY).distinct(), list(KEY), "left_anti")
    return lapsed.localCheckpoint()


def _paid_in_time(pinned: PinnedCorrection, lapsed: DataFrame) -> tuple[DataFrame | None, DataFrame | None]:
    """The lapsed members whose due is met by all receipts known now that came in time and were not waived: plan_id,
    member_id, payer_id. And these receipts.

    Only payers with a lapsed member are allocated again, over all plans of the period.
    """
    if not pinned.lake.exists("source/receipts"):
        return None, None
    collection = pin_collection(replace(pinned.origin.request, plan_ids=None), pinned.lake)
    assessments = collection.settled_rows("settled/assessments")
    payers = assessments.join(F.broadcast(lapsed.select(*KEY)), list(KEY), "left_semi").select("payer_id").distinct()
    payers = payers.localCheckpoint()
    of_payers = assessments.join(F.broadcast(payers), "payer_id", "left_semi").select(*assessments.columns)
    waived = pinned.waived_receipt_ids
    is_waived = F.col("receipt_id").isin(*waived) if waived else F.lit(False)
    in_time = collection.gate.in_time.where(~is_waived).join(F.broadcast(payers), "payer_id", "left_semi")
    receipts = replace(
        collection.gate,
        in_time=in_time.select(*collection.gate.in_time.columns).localCheckpoint(),
        late=collection.gate.late.where("false"),
    )
    shares = allocate_to_shares(collection, of_payers, of_payers, receipts).shares
    met = shares.where((F.col("due_fen") > 0) & (F.col("collected_fen") == F.col("due_fen")))
    paid = met.select(*KEY, "payer_id").join(F.broadcast(lapsed.select(*KEY)), list(KEY), "left_semi").localCheckpoint()
    return paid, receipts.in_time


def rows_to_store(pinned: PinnedCorrection, void: Reinstated) -> DataFrame:
    """The rows of settled/reinstatements, without period and run."""
    if void.rows is None:
        return pinned.lake.empty(TABLES[REINSTATEMENTS].spark_schema).drop("period", "run_id")
    revision = by_plan({p: F.lit(number) for p, number in pinned.revision.items()}, F.lit(None)).cast("int")
    origin = F.lit(pinned.origin_name).alias("origin_period")
    return void.rows.select("plan_id", origin, revision.alias("revision"), "member_id", "reason", "amount_fen")
