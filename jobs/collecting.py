"""A period's collection: what it is made from, what it writes, and what is proven of it before it is published."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from expectations.suites import judge
from jobs.errors import IntegrityBroken, Refused, WrongUsage
from jobs.lake.collected import Facts, facts_by_plan
from jobs.lake.gate.receipts import ReceiptGate, judge_receipts
from jobs.lake.helped import aid_to_net, netted_before_fen, netted_from_these, next_settled
from jobs.lake.lake import Lake, small_frame
from jobs.lake.ledger import FEE, fee_digests, transfers_of
from jobs.lake.publications import Publication, published, published_in, rows_of
from jobs.lake.runs import Run
from jobs.lake.sinks import WritingBeside
from jobs.lake.sources import pin_versions, read_source, versions_read
from jobs.matching import match
from jobs.outcome import announce
from jobs.request import PeriodRequest
from jobs.settlement.collection import CollectionDays, collections, lapses
from jobs.settlement.collection_invariants import CollectionReadBack, breaches
from jobs.settlement.collection_journal import collection_transfers
from jobs.settlement.coverage import in_force_on
from jobs.settlement.fee import fee_row
from jobs.settlement.id_filter import filter_of_ids, with_passed
from jobs.settlement.journal import Transfer, journal_rows

JOB = "collect"
KEY = ("plan_id", "member_id")
JOINED = T.StructType().add("plan_id", "string").add("member_id", "long").add("joined_on", "date")
AID_OF_NEXT = "aid_of_next"
TABLES_OF_JOB = ("settled/collections", "settled/lapses", "ledger/journal")


@dataclass(frozen=True)
class Inputs:
    """What a period's collection is made from. Maps are by plan.

    `settled`: the publications whose bills are collected; `standing`: the collections published by now; `next_settled`:
    settlements of the next period whose aid arrears may be netted from; `netted_before_fen`: what the previous period's
    arrears took from this one's aid.
    """

    request: PeriodRequest
    lake: Lake
    days: CollectionDays
    settled: Mapping[str, Publication]
    standing: Mapping[str, Publication]
    next_settled: Mapping[str, Publication]
    netted_before_fen: Mapping[str, int]
    pools: Mapping[str, dict]
    gate: ReceiptGate
    run: Run

    @property
    def plan_ids(self) -> tuple[str, ...]:
        return tuple(sorted(self.settled))

    def settled_rows(self, table: str) -> DataFrame:
        return rows_of(self.lake, table, list(self.settled.values()))


@dataclass(frozen=True)
class Written:
    """A collection as written and read back: digests by plan and table, facts by plan, and the money without a
    share."""

    digests: Mapping[str, Mapping[str, dict]]
    facts: Mapping[str, Facts]
    fees: Mapping[str, dict]
    without_bill: DataFrame
    excess: Mapping[str, tuple[int, int]]
    results: list


def days_of(request: PeriodRequest) -> CollectionDays:
    """The days of the period's collection, by the platform's calendar."""
    calendar, period = request.platform.calendar, request.period
    return CollectionDays(
        calendar.publicity_on(period), calendar.deduction_on(period), calendar.grace_ends_on(period), request.as_of
    )


def pin_collection(request: PeriodRequest, lake: Lake) -> Inputs:
    """Finds the settled plans of the period and judges its receipts; raises Refused where nothing is settled."""
    announce("pinning receipts")
    period = str(request.period)
    settled = published_in(lake, "settle", period)
    if not settled:
        raise Refused(f"Period {period}: not settled. Nothing was collected. Settle it first: `fentan settle`.")
    if request.plan_ids is not None and set(request.plan_ids) != set(settled):
        raise WrongUsage(
            f"--plan {' '.join(request.plan_ids)}: a payer's money pays for all his plans "
            f"({', '.join(sorted(settled))}). "
            "Nothing was collected. Leave --plan out."
        )
    versions = pin_versions(lake, ("source/receipts",))
    receipts = read_source(lake, "source/receipts", versions["source/receipts"]).where(F.col("period") == period)
    announce("judging receipts")
    days = days_of(request)
    gate = judge_receipts(receipts, days)
    calendar = request.platform.calendar
    following = next_settled(lake, calendar, request.period, settled) if days.is_final else {}
    before_fen = netted_before_fen(lake, calendar, request.period, settled)
    return Inputs(
        request=request,
        lake=lake,
        days=days,
        settled=settled,
        standing=published_in(lake, JOB, period),
        next_settled=following,
        netted_before_fen=before_fen,
        pools={row.plan_id: row.asDict() for row in rows_of(lake, "settled/pools", list(settled.values())).collect()},
        gate=gate,
        run=_run(request, settled, gate, days, _aid_versions(following, before_fen)),
    )


def write_collection(inputs: Inputs, sink: WritingBeside) -> Written:
    """Writes collections, lapses and journal beside what is published, reads them back and proves them."""
    matched = match(
        inputs.settled_rows("settled/assessments"),
        inputs.settled_rows("settled/bills"),
        inputs.gate,
        lambda members: _joined(inputs, members),
        inputs.request.platform.collection.deducts == "whole_shares",
        inputs.plan_ids[0],
    )
    excess = matched.excess
    helped = _helped(inputs)
    collected = sink.put("settled/collections", collections(matched.shares, helped, inputs.days))
    stored = sink.stored("settled/collections", matched.shares)
    ended_at = _instant(inputs.days.grace_ends_on, inputs.request.platform.time_zone)
    ending = lapses(stored, _ended_already(inputs, ended_at)).withColumn("ended_at", F.lit(ended_at))
    lapsed = sink.put("settled/lapses", ending)

    facts = facts_by_plan(inputs.plan_ids, stored, helped, excess, inputs.days, inputs.netted_before_fen)
    transfers = {
        p: collection_transfers(
            inputs.pools[p], facts[p].collected, inputs.days, inputs.request.platform.collection.shortfall_borne_by
        )
        for p in inputs.plan_ids
    }
    journal = {p: journal_rows(transfers[p], str(inputs.request.period), p, JOB) for p in inputs.plan_ids}
    posted = sink.put_rows({"ledger/journal": journal})["ledger/journal"]
    settled = transfers_of(inputs.lake, list(inputs.settled.values()))
    every = {p: [*settled[p], *(transfer for _, transfer in transfers[p])] for p in inputs.plan_ids}
    fees = fee_rows(inputs, every)
    results = [result for table, counts in sink.broken.items() for result in judge(table, counts)]
    _prove(inputs, facts, every, fees, results)
    of_fees = fee_digests(inputs.lake, inputs.run, fees)
    digests = {
        p: {
            "settled/collections": collected[p].digest,
            "settled/lapses": lapsed[p].digest,
            "ledger/journal": posted[p].digest,
            FEE.name: of_fees[p],
        }
        for p in inputs.plan_ids
    }
    return Written(digests, facts, fees, excess, _by_reason(excess), results)


def fee_rows(inputs: Inputs, transfers: Mapping[str, list[Transfer]]) -> dict[str, dict]:
    """The row of ledger/fee of every plan, from all transfers of its settlement and its collection."""
    return {p: fee_row(transfers[p], inputs.pools[p]["brought_forward_fen"]) for p in inputs.plan_ids}


def _aid_versions(following: Mapping[str, Publication], before_fen: Mapping[str, int]) -> dict:
    """What of neighbouring periods bears on the collection; nothing is said where nothing does."""
    of_next = (
        {AID_OF_NEXT: {p: publication.digest for p, publication in sorted(following.items())}} if following else {}
    )
    return of_next | ({"netted_before_fen": dict(before_fen)} if before_fen else {})


def _run(
    request: PeriodRequest, settled: Mapping[str, Publication], gate: ReceiptGate, days: CollectionDays, aid: dict
) -> Run:
    stage = "final" if days.is_final else "deducting" if days.is_deducting else "announced"
    rules = json.dumps([repr(request.platform.collection), repr(request.platform.calendar)])
    return Run(
        job=JOB,
        platform_id=request.platform.platform_id,
        period=str(request.period),
        plan_ids=tuple(sorted(settled)),
        input_versions={
            "settled": {p: publication.digest for p, publication in sorted(settled.items())},
            "receipts": dict(gate.fingerprint),
            "stage": stage,
            **aid,
        },
        conf_digest=hashlib.sha256(rules.encode()).hexdigest()[:16],
        settings={"as_of": str(days.as_of)},
    )


def _joined(inputs: Inputs, members: DataFrame) -> DataFrame:
    """One row per plan and member of `members` (member_id) who was covered on the publicity day, with `joined_on`."""
    if members.isEmpty():
        return small_frame(inputs.lake.spark, JOINED, [])
    version = max(versions_read(inputs.lake, p.run_id)["source/members"] for p in inputs.settled.values())
    spells = read_source(inputs.lake, "source/members", version).select(*KEY, "joined_on", "exited_on")
    covered = spells.where(in_force_on(F.lit(inputs.days.publicity_on)))
    passed = with_passed(covered, "member_id", filter_of_ids(members, "member_id"), "passed")
    return passed.where("passed").groupBy(*KEY).agg(F.min("joined_on").alias("joined_on"))


def _helped(inputs: Inputs) -> DataFrame:
    """One row per plan and member whose arrears may be netted from aid (from `aid_to_net`)."""
    calendar, period = inputs.request.platform.calendar, inputs.request.period
    before = netted_from_these(inputs.lake, calendar, period, inputs.netted_before_fen)
    return aid_to_net(inputs.lake, list(inputs.settled.values()), list(inputs.next_settled.values()), before)


def _ended_already(inputs: Inputs, ended_at: datetime) -> DataFrame:
    """Members whose cover ended between the publicity day and this period's grace limit, for an earlier period."""
    calendar, period = inputs.request.platform.calendar, inputs.request.period
    overlapping = [
        publication
        for (of, _), publication in published(inputs.lake, JOB).items()
        if calendar.period(of) < period and calendar.grace_ends_on(calendar.period(of)) > inputs.days.publicity_on
    ]
    public_at = _instant(inputs.days.publicity_on, inputs.request.platform.time_zone)
    rows = rows_of(inputs.lake, "settled/lapses", overlapping)
    return rows.where((F.col("ended_at") > F.lit(public_at)) & (F.col("ended_at") <= F.lit(ended_at))).select(
        "plan_id", "member_id"
    )


def _instant(day: date, time_zone: str) -> datetime:
    """00:00 of the day at the platform's place, as a UTC instant."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone)).astimezone(UTC)


def _by_reason(excess: DataFrame) -> dict[str, tuple[int, int]]:
    grouped = excess.groupBy("reason").agg(F.count(F.lit(1)).alias("n"), F.sum("excess_fen").alias("fen"))
    return {row.reason: (row.n, row.fen) for row in grouped.collect()}


def _prove(inputs: Inputs, facts: Mapping[str, Facts], every: Mapping, fees: Mapping, results: list) -> None:
    faults = [f"{r.table_name}: {r.sentence} ({r.observed})" for r in results if not r.success]
    for p in inputs.plan_ids:
        stored = CollectionReadBack(
            every[p], inputs.pools[p], fees[p], facts[p].row_count, facts[p].due_fen, facts[p].collected_by_status_fen,
            sum(facts[p].collected.suspense_fen.values()), inputs.netted_before_fen.get(p, 0),
        )  # fmt: skip
        faults += [f"plan {p}: {breach}" for breach in breaches(stored)]
    came_fen = inputs.gate.in_time_fen + inputs.gate.late_fen
    kept_fen = sum(
        sum(f.collected.collected_fen.values()) + sum(f.collected.suspense_fen.values()) for f in facts.values()
    )
    if came_fen != kept_fen:
        faults.append(f"{came_fen:,} fen came in, but shares and suspense hold {kept_fen:,}")
    if faults:
        raise IntegrityBroken(
            f"Period {inputs.request.period}: {'; '.join(faults)}. Nothing was published. "
            "Collect again; if it fails again, check the storage and report this message."
        )
