"""A period's collection: what it writes, and what is proven of it before it is published."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.collection.allocation import collections, lapses
from jobs.collection.finality import unspent_receipts, with_final_reasons
from jobs.errors import Refused
from jobs.gate.receipts import ReceiptGate
from jobs.lake.sinks import WritingSink
from jobs.lake.sources import read_source
from jobs.ledger.collection_invariants import CollectionReadBack, breaches
from jobs.ledger.collection_postings import collection_transfers
from jobs.ledger.fee import fee_row
from jobs.ledger.journal import Transfer, journal_rows
from jobs.register.books import FEE, transfers_of
from jobs.register.inputs import versions_read
from jobs.register.publications import rows_of
from jobs.settlement.coverage import in_force_on
from jobs.spark.digest import digest_of_rows
from jobs.spark.id_filter import filter_of_ids, with_passed
from jobs.works.collect_matching import Allocations, match
from jobs.works.collect_pinning import JOB, PinnedCollection
from jobs.works.collection_sums import CollectionSums, sums_by_plan, suspense_by_plan
from jobs.works.final_positions import overlapping
from jobs.works.set_off import aid_to_net, netted_before

KEY = ("plan_id", "member_id")
JOINED = T.StructType().add("plan_id", "string").add("member_id", "long").add("joined_on", "date")


@dataclass(frozen=True)
class CollectionResult:
    """A collection as written and read back: digests by plan and table, by plan its sums and all transfers of the
    period, and the money without a share, by receipt and, as rows and fen, by reason."""

    digests: Mapping[str, Mapping[str, dict]]
    sums: Mapping[str, CollectionSums]
    transfers: Mapping[str, list[Transfer]]
    fees: Mapping[str, dict]
    without_share: DataFrame
    without_share_by_reason: Mapping[str, tuple[int, int]]


def write_collection(inputs: PinnedCollection, sink: WritingSink) -> CollectionResult:
    """Puts collections, lapses and journal into the sink, each from what was read back of the one before."""
    matched = _matched(inputs)
    excess, helped = matched.excess, _helped(inputs)
    rows = collections(matched.shares, helped, inputs.days)
    if inputs.standing.lapsed:
        rows = rows.unionByName(inputs.standing.lapsed_rows)
    collected = sink.put("settled/collections", rows)
    stored = sink.stored("settled/collections", rows)
    ended_at = _instant(inputs.days.grace_ends_on, inputs.request.platform.time_zone)
    ending = lapses(stored, _ended_already(inputs, ended_at)).withColumn("ended_at", F.lit(ended_at))
    lapsed = sink.put("settled/lapses", ending)

    suspense_fen = suspense_by_plan(excess, inputs.gate.held_fen, inputs.plan_ids[0])
    sums = sums_by_plan(inputs.plan_ids, stored, helped, suspense_fen, inputs.netted_before_fen)
    transfers = {p: _transfers(inputs, p, sums[p]) for p in inputs.plan_ids}
    journal = {p: journal_rows(transfers[p], str(inputs.request.period), p, JOB) for p in inputs.plan_ids}
    posted = sink.put_rows({"ledger/journal": journal})["ledger/journal"]
    settled = transfers_of(inputs.lake.small, list(inputs.settled.values()))
    every = {p: [*settled[p], *(transfer for _, transfer in transfers[p])] for p in inputs.plan_ids}
    fees = {p: fee_row(every[p], inputs.pools[p]["brought_forward_fen"]) for p in inputs.plan_ids}
    digests = {
        p: {
            "settled/collections": collected[p].digest,
            "settled/lapses": lapsed[p].digest,
            "ledger/journal": posted[p],
            FEE.name: digest_of_rows([fees[p]], FEE),
        }
        for p in inputs.plan_ids
    }
    return CollectionResult(digests, sums, every, fees, excess, _by_reason(excess))


def _matched(inputs: PinnedCollection) -> Allocations:
    """The money of the receipts given to the shares that are open; what stands keeps what it took."""
    assessments, bills = inputs.settled_rows("settled/assessments"), inputs.settled_rows("settled/bills")
    whole_shares = inputs.request.platform.collection.deducts == "whole_shares"
    joined_of = lambda members: _joined(inputs, members)  # noqa: E731
    standing, first_plan_id = inputs.standing, inputs.plan_ids[0]
    if not standing:
        return match(assessments, bills, inputs.gate, joined_of, whole_shares, first_plan_id)
    if standing.lapsed:
        assessments = assessments.join(standing.lapsed_rows.select(*KEY), list(KEY), "left_anti")
        bills = assessments
    met = standing.met().localCheckpoint()
    matched = match(assessments, bills, _receipts_left(inputs, met), joined_of, whole_shares, first_plan_id)
    came_fen = inputs.gate.in_time.unionByName(inputs.gate.late).select("receipt_id", "amount_fen")
    excess = matched.excess.drop("amount_fen").join(came_fen, "receipt_id").select(*matched.excess.columns)
    told = with_final_reasons(excess, standing.payers_of_lapsed(), standing.payers_of_closed(), met)
    return replace(matched, excess=told.localCheckpoint())


def _receipts_left(inputs: PinnedCollection, met: DataFrame) -> ReceiptGate:
    """The receipts, less what met shares that stand; raises Refused where that is not among them any more."""
    left = unspent_receipts(inputs.gate.in_time, met).localCheckpoint()
    met_fen, left_fen = met.agg(F.sum("met_fen")).first()[0] or 0, left.agg(F.sum("amount_fen")).first()[0] or 0
    if met_fen + left_fen != inputs.gate.in_time_fen:
        raise Refused(
            f"Period {inputs.request.period}: source/receipts has less sound money than the period's closed books and "
            f"lapses were made from ({met_fen + left_fen - inputs.gate.in_time_fen:,} fen are missing). Nothing was "
            "collected. Bring those receipts back, or mend those that are held now (one id twice, in this period or in "
            "two?), and collect again."
        )
    return replace(inputs.gate, in_time=left)


def _transfers(inputs: PinnedCollection, plan_id: str, sums: CollectionSums) -> list[tuple[date, Transfer]]:
    borne_by = inputs.request.platform.collection.shortfall_borne_by
    taken_over_fen = inputs.standing.suspense_fen if plan_id == inputs.plan_ids[0] else 0
    return collection_transfers(inputs.pools[plan_id], sums.collected, inputs.days, borne_by, taken_over_fen)


def _joined(inputs: PinnedCollection, members: DataFrame) -> DataFrame:
    """One row per plan and member of `members` (member_id) who was covered on the publicity day, with `joined_on`."""
    if members.isEmpty():
        return inputs.lake.empty(JOINED)
    version = max(versions_read(inputs.lake.small, p.run_id)["source/members"] for p in inputs.settled.values())
    spells = read_source(inputs.lake, "source/members", version).select(*KEY, "joined_on", "exited_on")
    covered = spells.where(in_force_on(F.lit(inputs.days.publicity_on)))
    passed = with_passed(covered, "member_id", filter_of_ids(members, "member_id"), "passed")
    return passed.where("passed").groupBy(*KEY).agg(F.min("joined_on").alias("joined_on"))


def _helped(inputs: PinnedCollection) -> DataFrame:
    """One row per plan and member whose arrears may be netted from aid (from `aid_to_net`)."""
    calendar, period = inputs.request.platform.calendar, inputs.request.period
    before = netted_before(inputs.lake, calendar, period, inputs.netted_before_fen)
    return aid_to_net(inputs.lake, list(inputs.settled.values()), list(inputs.next_settled.values()), before)


def _ended_already(inputs: PinnedCollection, ended_at: datetime) -> DataFrame:
    """Members whose cover ended between the publicity day and this period's grace limit, for an earlier period."""
    earlier = overlapping(inputs.lake.small, inputs.request.platform.calendar, inputs.request.period)
    public_at = _instant(inputs.days.publicity_on, inputs.request.platform.time_zone)
    rows = rows_of(inputs.lake, "settled/lapses", earlier)
    return rows.where((F.col("ended_at") > F.lit(public_at)) & (F.col("ended_at") <= F.lit(ended_at))).select(
        "plan_id", "member_id"
    )


def _instant(day: date, time_zone: str) -> datetime:
    """00:00 of the day at the platform's place, as a UTC instant."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone)).astimezone(UTC)


def _by_reason(excess: DataFrame) -> dict[str, tuple[int, int]]:
    grouped = excess.groupBy("reason").agg(F.count(F.lit(1)).alias("n"), F.sum("excess_fen").alias("fen"))
    return {row.reason: (row.n, row.fen) for row in grouped.collect()}


def collection_breaches(inputs: PinnedCollection, written: CollectionResult) -> list[str]:
    """Every invariant that does not hold on what was read back."""
    found, sums = [], written.sums
    for p in inputs.plan_ids:
        stored = CollectionReadBack(
            written.transfers[p], inputs.pools[p], written.fees[p], sums[p].row_count, sums[p].due_fen,
            sums[p].collected_by_status_fen, sum(sums[p].collected.suspense_fen.values()),
            inputs.netted_before_fen.get(p, 0),
        )  # fmt: skip
        found += [f"plan {p}: {breach}" for breach in breaches(stored)]
    kept_fen = inputs.standing.met_fen + sum(
        sum(f.collected.collected_fen.values()) + sum(f.collected.suspense_fen.values()) for f in sums.values()
    )
    if inputs.gate.money_fen != kept_fen:
        found.append(f"{inputs.gate.money_fen:,} fen came in, but shares and suspense hold {kept_fen:,}")
    return found
