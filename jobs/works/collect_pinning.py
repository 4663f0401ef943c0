"""What a period's collection is made from, and whether it was made from just that already."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.canonical import json_value
from jobs.collection.allocation import CollectionDays
from jobs.errors import Refused, WrongUsage
from jobs.gate.receipts import ReceiptGate, count_and_fen, judge_receipts, payments_of
from jobs.lake.lake import Lake, none_of
from jobs.lake.sources import pin_versions, read_source
from jobs.pipeline.request import PeriodRequest, exists_in
from jobs.progress import announce
from jobs.register.publications import Publication, few_rows_of, published_in, rows_of
from jobs.register.runs import Run, rows_of_runs
from jobs.works.final_positions import FinalPositions, overlapping, standing_of
from jobs.works.late_claims import LateClaims, late_claims
from jobs.works.set_off import netted_before_fen, next_settled

JOB = "collect"
AID_OF_NEXT, NETTED_BEFORE = "aid_of_next", "netted_before_fen"
CLOSED_BEFORE, STANDING_LAPSES = "closed_before", "standing_lapses"
ENDED_BEFORE = "ended_before"


@dataclass(frozen=True)
class PinnedCollection:
    """What a period's collection is made from. Maps are by plan.

    `settled`: the publications whose bills are collected, of the plans that are open (of all, once none is);
    `collected`: the collections published by now, of every plan; `standing`: what of them does not change any more;
    `next_settled`: settlements of the next period whose aid arrears may be netted from; `netted_before_fen`: what the
    previous period's arrears took from this one's aid; `of_no_period`: receipts of a period that is none of the
    calendar's, or not given.
    """

    request: PeriodRequest
    lake: Lake
    days: CollectionDays
    settled: Mapping[str, Publication]
    collected: Mapping[str, Publication]
    closed: Mapping[str, Publication]
    standing: FinalPositions
    next_settled: Mapping[str, Publication]
    netted_before_fen: Mapping[str, int]
    pools: Mapping[str, dict]
    gate: ReceiptGate
    of_no_period: DataFrame
    run: Run

    @property
    def plan_ids(self) -> tuple[str, ...]:
        return tuple(sorted(self.settled))

    @property
    def next_unsettled(self) -> tuple[str, ...]:
        """The plans whose next period is public before the grace limit, but not settled yet; none once it is closed."""
        following = self.request.platform.calendar.next_within_grace(self.request.period)
        if following is None or self.is_closed or not self.days.is_final:
            return ()
        existing = [p for p in self.plan_ids if exists_in(self.request.platform, p, following)]
        return tuple(p for p in existing if p not in self.next_settled)

    @cached_property
    def of_no_period_sums(self) -> tuple[int, int]:
        """How many receipts are of no period, and their fen: counted for a collection, a close does not ask."""
        return count_and_fen(self.of_no_period)

    @cached_property
    def late_claims(self) -> LateClaims:
        """The claims of settled periods that came after the settlement, as the source is now."""
        return late_claims(self.lake.small, self.request.platform)

    @property
    def is_closed(self) -> bool:
        """Whether no plan of the period is open."""
        return all(p in self.closed for p in self.settled)

    def settled_rows(self, table: str) -> DataFrame:
        """The rows of a settled table of the plans that are collected."""
        return rows_of(self.lake, table, list(self.settled.values()))


def days_of(request: PeriodRequest) -> CollectionDays:
    """The days of the period's collection, by the platform's calendar."""
    calendar, period = request.platform.calendar, request.period
    return CollectionDays(
        calendar.publicity_on(period), calendar.deduction_on(period), calendar.grace_ends_on(period), request.as_of
    )


def pin_collection(request: PeriodRequest, lake: Lake) -> PinnedCollection:
    """Finds the settled plans of the period and judges its receipts; raises Refused where nothing is settled."""
    announce("pinning receipts")
    period, calendar = str(request.period), request.platform.calendar
    every, closed = (published_in(lake.small, job, period) for job in ("settle", "close"))
    if not every:
        raise Refused(f"Period {period}: not settled. Nothing was collected. Settle it first: `fentan settle`.")
    settled = {p: publication for p, publication in every.items() if p not in closed} or every
    _check_plans(request, settled)
    versions = pin_versions(lake, ("source/receipts",))
    receipts = read_source(lake, "source/receipts", versions["source/receipts"])
    of_no_period = receipts.where(none_of("period", calendar.period_names))
    announce("judging receipts")
    days = days_of(request)
    is_closed = all(p in closed for p in settled)
    # What the books of a closed period were made from stands: the row of the later period is the one that is held.
    elsewhere = receipts.where(F.lit(not is_closed) & (F.col("period").isNull() | (F.col("period") != period)))
    gate = judge_receipts(receipts.where(F.col("period") == period), elsewhere, days)
    standing = standing_of(lake, calendar, request.period, settled)
    following = next_settled(lake.small, calendar, request.period, settled) if days.is_final else {}
    before_fen = netted_before_fen(lake.small, calendar, request.period, settled)
    return PinnedCollection(
        request=request,
        lake=lake,
        days=days,
        settled=settled,
        collected=published_in(lake.small, JOB, period),
        closed=closed,
        standing=standing,
        next_settled=following,
        netted_before_fen=before_fen,
        pools={row["plan_id"]: row for row in few_rows_of(lake.small, "settled/pools", settled.values())},
        gate=gate,
        of_no_period=of_no_period,
        run=_run(
            request,
            settled,
            gate,
            days,
            {
                AID_OF_NEXT: {p: publication.digest for p, publication in sorted(following.items())},
                NETTED_BEFORE: dict(before_fen),
                ENDED_BEFORE: _ended_before(lake, request, settled) if days.is_final else {},
                CLOSED_BEFORE: {p: every[p].digest for p in sorted(standing.closed)},
                STANDING_LAPSES: {p: publication.digest for p, publication in sorted(standing.lapsed.items())},
            },
        ),
    )


def made_already(inputs: PinnedCollection, next_period_counts: bool = True) -> str | None:
    """The run that collected all settled plans from these receipts under these rules; None: there is none.

    `next_period_counts` False: settlements of the next period made since make no difference, as a close asks: what is
    settled after it does not reach back.
    """
    next_period_counts = next_period_counts and not inputs.is_closed
    found = json_value(inputs.run.input_versions)
    run_ids = sorted({inputs.collected[p].run_id for p in inputs.settled if p in inputs.collected})
    rows = rows_of_runs(inputs.lake.small, run_ids)
    same = [
        run_id
        for run_id, row in sorted(rows.items())
        if row["conf_digest"] == inputs.run.conf_digest
        and _alike(json.loads(row["input_versions"]), found, next_period_counts, inputs.is_closed)
    ]
    # Plans that are open were collected together; of those that are closed, the last to be collected knows the others.
    return same[0] if same and (inputs.is_closed or len(run_ids) == 1) else None


def _alike(recorded: dict, found: dict, next_period_counts: bool, is_closed: bool) -> bool:
    """Whether a collection recorded and one found are of the same plans from the same money.

    Of a closed period the payments alone are compared: a copy that comes up later, or an id that a later period uses
    again, changes nothing in its books.
    """
    both = set(recorded["settled"]) & set(found["settled"])
    by_plan = (NETTED_BEFORE, ENDED_BEFORE, *((AID_OF_NEXT,) if next_period_counts else ()))

    def compared(versions: dict) -> dict:
        return {
            "plans": {**versions["settled"], **versions.get(CLOSED_BEFORE, {})},
            "receipts": payments_of(versions["receipts"]) if is_closed else versions["receipts"],
            "stage": versions["stage"],
            **{name: {p: x for p, x in versions.get(name, {}).items() if p in both} for name in by_plan},
        }

    return compared(recorded) == compared(found)


def _check_plans(request: PeriodRequest, settled: Mapping[str, Publication]) -> None:
    if request.plan_ids is not None and set(request.plan_ids) != set(settled):
        raise WrongUsage(
            f"--plan {' '.join(request.plan_ids)}: a payer's money pays for all his plans "
            f"({', '.join(sorted(settled))}). "
            "Nothing was collected. Leave --plan out."
        )


def _ended_before(lake: Lake, request: PeriodRequest, settled: Mapping[str, Publication]) -> dict[str, list[str]]:
    """By plan, the collections of earlier periods whose lapses ended cover before the period's grace limit."""
    found: dict[str, list[str]] = {}
    for publication in overlapping(lake.small, request.platform.calendar, request.period):
        if publication.plan_id in settled:
            found.setdefault(publication.plan_id, []).append(f"{publication.period} {publication.digest}")
    return {plan_id: sorted(of_plan) for plan_id, of_plan in sorted(found.items())}


def _run(
    request: PeriodRequest, settled: Mapping[str, Publication], gate: ReceiptGate, days: CollectionDays, bearing: dict
) -> Run:
    """The run. `bearing`: whatever else decides its result (closed plans, neighbouring periods); empty ones are left
    out."""
    stage = "final" if days.is_final else "deducting" if days.is_deducting else "announced"
    return Run(
        job=JOB,
        platform_id=request.platform.platform_id,
        period=str(request.period),
        plan_ids=tuple(sorted(settled)),
        input_versions={
            "settled": {p: publication.digest for p, publication in sorted(settled.items())},
            "receipts": dict(gate.fingerprint),
            "stage": stage,
            **{name: of_plans for name, of_plans in bearing.items() if of_plans},
        },
        rules=request.platform.collection_rules(request.period),
        settings={"as_of": str(days.as_of)},
    )
