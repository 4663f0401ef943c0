"""A period's collection: the rows it writes, and the proof of them before publication."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.base.errors import Refused
from jobs.collection.finality import unspent_receipts, with_final_reasons
from jobs.collection.set_off_and_lapse import collections, lapses, set_off_part_fen
from jobs.gate.receipts import ReceiptGate
from jobs.lake.sinks import Measurement, WritingSink
from jobs.lake.sources import read_source
from jobs.ledger.adjustment_postings import adjustment_transfers
from jobs.ledger.arrears_postings import taken_back_transfers
from jobs.ledger.collection_invariants import CollectionReadBack, breaches
from jobs.ledger.collection_postings import collection_transfers
from jobs.ledger.fee import fee_row
from jobs.ledger.journal import Transfer, journal_rows
from jobs.register.books import FEE, transfers_of
from jobs.register.inputs import versions_read
from jobs.register.publications import rows_of
from jobs.settlement.coverage import in_force_on
from jobs.spark.digest import digest_of_rows
from jobs.spark.id_filter import filter_of_ids, rows_passing
from jobs.works.aid_for_set_off import aid_for_set_off, earlier_set_off
from jobs.works.collect_adjustments import AdjustmentSums, none_collected, sums_of_adjustments, without_refunds
from jobs.works.collect_allocation import Allocations, allocate
from jobs.works.collect_pinning import JOB, PinnedCollection
from jobs.works.collect_returns import returned_by_plan
from jobs.works.collection_sums import CollectionSums, sums_by_plan, suspense_by_plan
from jobs.works.corrections import COLLECTIONS
from jobs.works.earlier_arrears import take_from_aid
from jobs.works.final_positions import overlapping_collections

KEY, MEMBERS = ("plan_id", "member_id"), "source/members"
JOINED = T.StructType().add("plan_id", "string").add("member_id", "long").add("joined_on", "date")


@dataclass(frozen=True)
class CollectionResult:
    """A collection as written and read back.

    By plan: `digests` (then by table), `sums`, `transfers` (settlement and collection) and `fees`. `excess`: one row
    per receipt with unapplied cash; `excess_by_reason`: its count of receipts and fen. `additional_fen`: money that met
    additional dues, less refunds that met shares or dues.
    """

    digests: Mapping[str, Mapping[str, dict]]
    sums: Mapping[str, CollectionSums]
    transfers: Mapping[str, list[Transfer]]
    fees: Mapping[str, dict]
    excess: DataFrame
    excess_by_reason: Mapping[str, tuple[int, int]]
    additional_fen: int = 0


def write_collection(pinned: PinnedCollection, sink: WritingSink) -> CollectionResult:
    """Writes collections, lapses and journal; each is computed from the read-back rows of the one before."""
    allocations, arrears = _allocations(pinned), pinned.earlier_arrears
    dues = _dues_before_arrears(pinned, allocations.shares)
    aid, taken_fen = take_from_aid(arrears, _aid_for_set_off(pinned), dues, pinned.days.is_final)
    rows = collections(allocations.shares, aid, pinned.days)
    if pinned.final.lapsed:
        rows = rows.unionByName(pinned.final.final_lapses)
    collected = sink.put("settled/collections", rows)
    stored = sink.stored("settled/collections", rows)
    ended_at = _midnight(pinned.days.grace_ends_on, pinned.request.platform.time_zone)
    ending = lapses(stored, _ended_already(pinned, ended_at)).withColumn("ended_at", F.lit(ended_at))
    lapsed = sink.put("settled/lapses", ending)
    adjusted, adjustment_sums = _adjustments(pinned, allocations, sink)

    suspense_fen = suspense_by_plan(allocations.excess, pinned.gate.held_fen, pinned.plan_ids[0])
    returned = returned_by_plan(pinned.net.parts, allocations.shares, pinned.plan_ids[0])
    arrears_fen = {
        p: pinned.earlier_set_off_fen.get(p, 0) + sum(taken_fen.get(p, {}).values()) for p in pinned.plan_ids
    }
    sums = sums_by_plan(pinned.plan_ids, stored, aid, suspense_fen, arrears_fen, returned, pinned.days.grace_ends_on)
    posted = {p: _transfers(pinned, p, sums[p], taken_fen.get(p, {}), adjustment_sums[p]) for p in pinned.plan_ids}
    journal = {p: journal_rows(posted[p], str(pinned.request.period), p, JOB) for p in pinned.plan_ids}
    journal_digests = sink.put_rows({"ledger/journal": journal})["ledger/journal"]
    settled = transfers_of(pinned.lake.small, list(pinned.settled.values()))
    corrected = pinned.corrections.transfers
    transfers = {p: [*corrected[p], *settled[p], *(transfer for _, transfer in posted[p])] for p in pinned.plan_ids}
    fees = {p: fee_row(transfers[p], pinned.pools[p]["brought_forward_fen"]) for p in pinned.plan_ids}
    digests = {
        p: {
            "settled/collections": collected[p].digest,
            "settled/lapses": lapsed[p].digest,
            **({COLLECTIONS: adjusted[p].digest} if adjusted else {}),
            "ledger/journal": journal_digests[p],
            FEE.name: digest_of_rows([fees[p]], FEE),
        }
        for p in pinned.plan_ids
    }
    additional_fen = sum(of_plan.met_fen for of_plan in adjustment_sums.values()) - allocations.refunds_used_fen
    return CollectionResult(
        digests, sums, transfers, fees, allocations.excess, _by_reason(allocations.excess), additional_fen
    )


def _adjustments(
    pinned: PinnedCollection, allocations: Allocations, sink: WritingSink
) -> tuple[Mapping[str, Measurement], Mapping[str, AdjustmentSums]]:
    """Writes what became of additional dues and refunds; by plan the measured rows, and the sums of the stored ones."""
    if allocations.additional is None:
        return {}, none_collected(pinned.plan_ids)
    rows = pinned.corrections.collections(allocations.additional, pinned.days)
    measured = sink.put(COLLECTIONS, rows)
    return measured, sums_of_adjustments(sink.stored(COLLECTIONS, rows), pinned.plan_ids)


def _dues_before_arrears(pinned: PinnedCollection, shares: DataFrame) -> DataFrame:
    """The dues that a member's aid pays before his earlier arrears: plan_id, member_id, due_fen, collected_fen.

    Of a final lapse, that is what was set off from his aid.
    """
    columns = (*KEY, "due_fen", "collected_fen")
    if not pinned.final.lapsed:
        return shares.select(*columns)
    set_off_fen = set_off_part_fen(pinned.days.grace_ends_on)
    final = pinned.final.final_lapses.select(*KEY, set_off_fen.alias("due_fen"), F.lit(0).alias("collected_fen"))
    return shares.select(*columns).unionByName(final)


def _allocations(pinned: PinnedCollection) -> Allocations:
    """The receipts allocated to the open shares and additional dues. Final allocations are left untouched."""
    assessments, bills = pinned.settled_rows("settled/assessments"), pinned.settled_rows("settled/bills")
    final = pinned.final
    if not final:
        allocations = allocate_to_shares(pinned, assessments, bills, pinned.gate)
        if pinned.net.parts is None:
            return allocations
        return replace(allocations, excess=pinned.net.with_whole_amounts(allocations.excess).localCheckpoint())
    if final.lapsed:
        assessments = assessments.join(final.final_lapses.select(*KEY), list(KEY), "left_anti")
        bills = assessments  # of a bill, only payer_id and due_fen are read: the assessments have both
    allocated_before = final.allocated_by_payer().localCheckpoint()
    allocations = allocate_to_shares(pinned, assessments, bills, _remaining_receipts(pinned, allocated_before))
    return replace(allocations, excess=_with_final_reasons(pinned, allocations.excess, allocated_before))


def allocate_to_shares(
    pinned: PinnedCollection, assessments: DataFrame, bills: DataFrame, receipts: ReceiptGate
) -> Allocations:
    """The receipts, and refunds as far as their payers owe, allocated to these shares by the rules of the platform.

    What a refund did not meet is paid out: it is no unapplied cash.
    """
    whole_shares = pinned.request.platform.collection.deducts == "whole_shares"
    allocations = allocate(
        assessments,
        bills,
        pinned.corrections.with_refunds(receipts, bills, pinned.days),
        lambda members: _joined(pinned, members),
        whole_shares,
        pinned.plan_ids[0],
        pinned.corrections.asked(),
        not pinned.lake.has_few_rows,
    )
    if not pinned.corrections:
        return allocations
    excess, unmet_fen = without_refunds(allocations.excess)
    used_fen = pinned.corrections.refunds_as_money_fen(bills, pinned.days) - unmet_fen
    return replace(allocations, excess=excess, refunds_used_fen=used_fen)


def _remaining_receipts(pinned: PinnedCollection, allocated_before: DataFrame) -> ReceiptGate:
    """The receipts less what is already allocated to final shares; raises Refused if that money is no longer there."""
    remaining = unspent_receipts(pinned.gate.in_time, allocated_before).localCheckpoint()
    allocated_fen = allocated_before.agg(F.sum("met_fen")).first()[0] or 0
    remaining_fen = remaining.agg(F.sum("amount_fen")).first()[0] or 0
    missing_fen = allocated_fen + remaining_fen - pinned.gate.in_time_fen
    if missing_fen:
        raise Refused(
            f"Period {pinned.request.period}: source/receipts has less sound money than the period's closed books and "
            f"lapses were made from ({missing_fen:,} fen are missing). Nothing was collected. Bring those receipts "
            "back, or mend or release those that are held now (`fentan quarantine list --period "
            f"{pinned.request.period}` shows them; often one receipt_id occurs twice, in this period or in two), "
            "and collect again."
        )
    return replace(pinned.gate, in_time=remaining)


def _with_final_reasons(pinned: PinnedCollection, excess: DataFrame, allocated_before: DataFrame) -> DataFrame:
    """The unapplied cash with the receipts' whole amounts and the reasons that final positions give."""
    final, whole = pinned.final, pinned.net.with_whole_amounts(excess)
    return with_final_reasons(
        whole, final.payers_of_lapsed(), final.payers_of_closed(), allocated_before
    ).localCheckpoint()


def _transfers(
    pinned: PinnedCollection,
    plan_id: str,
    sums: CollectionSums,
    taken_fen: Mapping[str, int],
    adjusted: AdjustmentSums,
) -> list[tuple[date, Transfer]]:
    """The plan's transfers. `taken_fen`: by period of origin, earlier arrears that aid pays. `adjusted`: what became of
    additional dues."""
    borne_by = pinned.request.platform.collection.shortfall_borne_by
    taken_over_fen = pinned.final.suspense_fen if plan_id == pinned.plan_ids[0] else 0
    posted = collection_transfers(pinned.pools[plan_id], sums.collected, pinned.days, borne_by, taken_over_fen)
    write_offs = pinned.earlier_arrears.write_offs.get(plan_id, {})
    taken_back = taken_back_transfers(taken_fen, write_offs, borne_by)
    with_arrears = [*posted, *((pinned.days.deduction_on, transfer) for transfer in taken_back)]
    corrections = pinned.corrections.transfers[plan_id]
    of_corrections = adjustment_transfers(corrections, adjusted.totals, pinned.days, borne_by)
    return sorted([*with_arrears, *of_corrections], key=lambda posting: posting[0])


def _joined(pinned: PinnedCollection, members: DataFrame) -> DataFrame:
    """One row per plan and member of `members` (member_id) who was covered on the publicity day, with `joined_on`."""
    if members.isEmpty():
        return pinned.lake.empty(JOINED)
    small = pinned.lake.small
    run_ids = {settlement.run_id for settlement in pinned.settled.values()}
    version = max(versions_read(small, run_id, [MEMBERS])[MEMBERS] for run_id in run_ids)
    spells = read_source(pinned.lake, MEMBERS, version).select(*KEY, "joined_on", "exited_on")
    covered = spells.where(in_force_on(F.lit(pinned.days.publicity_on)))
    passed = rows_passing(covered, "member_id", filter_of_ids(members, "member_id"))
    return passed.groupBy(*KEY).agg(F.min("joined_on").alias("joined_on"))


def _aid_for_set_off(pinned: PinnedCollection) -> DataFrame:
    """One row per plan and beneficiary whose arrears may be set off from aid (from `aid_for_set_off`)."""
    calendar, period = pinned.request.platform.calendar, pinned.request.period
    earlier = earlier_set_off(pinned.lake, calendar, period, pinned.earlier_set_off_fen)
    return aid_for_set_off(pinned.lake, list(pinned.settled.values()), list(pinned.next_settled.values()), earlier)


def _ended_already(pinned: PinnedCollection, ended_at: datetime) -> DataFrame:
    """Members whose cover an earlier period's lapse ended between the publicity day and this period's grace limit."""
    earlier = overlapping_collections(pinned.lake.small, pinned.request.platform.calendar, pinned.request.period)
    public_at = _midnight(pinned.days.publicity_on, pinned.request.platform.time_zone)
    rows = rows_of(pinned.lake, "settled/lapses", earlier)
    ended = rows.where((F.col("ended_at") > F.lit(public_at)) & (F.col("ended_at") <= F.lit(ended_at)))
    return ended.select("plan_id", "member_id")


def _midnight(day: date, time_zone: str) -> datetime:
    """00:00 of the day in the platform's time zone, as a UTC instant."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone)).astimezone(UTC)


def _by_reason(excess: DataFrame) -> dict[str, tuple[int, int]]:
    grouped = excess.groupBy("reason").agg(F.count(F.lit(1)).alias("receipt_count"), F.sum("excess_fen").alias("fen"))
    return {row.reason: (row.receipt_count, row.fen) for row in grouped.collect()}


def collection_breaches(pinned: PinnedCollection, result: CollectionResult) -> list[str]:
    """Every invariant that does not hold on the read-back rows."""
    sums = result.sums
    messages = [
        f"plan {p}: {breach}"
        for p in pinned.plan_ids
        for breach in breaches(
            CollectionReadBack(
                result.transfers[p], pinned.pools[p], result.fees[p], sums[p].row_count, sums[p].due_fen,
                sums[p].collected_by_status_fen, sum(sums[p].collected.suspense_fen.values()),
                pinned.earlier_set_off_fen.get(p, 0),
            )
        )
    ]  # fmt: skip
    held_fen = pinned.final.allocated_fen + result.additional_fen
    held_fen += sum(
        sum(plan_sums.collected.collected_fen.values()) + sum(plan_sums.collected.suspense_fen.values())
        for plan_sums in sums.values()
    )
    if pinned.gate.money_fen != held_fen:
        messages.append(f"{pinned.gate.money_fen:,} fen came in, but shares and suspense hold {held_fen:,}")
    return messages
