"""Inputs of a period's collection."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.base.errors import Refused, WrongUsage
from jobs.base.progress import announce
from jobs.collection.days import CollectionDays
from jobs.gate.held_id import held_id_column
from jobs.gate.receipt_decisions import NO_DECISIONS, DecidedReceipts
from jobs.gate.receipts import ReceiptGate, count_and_fen, judge_receipts
from jobs.lake.lake import Lake, none_of
from jobs.lake.sources import pin_versions, read_source
from jobs.pipeline.request import PeriodRequest, exists_in
from jobs.register.decisions import USED, deciders
from jobs.register.publications import Publication, few_rows_of, published_in, rows_of
from jobs.register.runs import Run, rows_of_runs
from jobs.works.aid_for_set_off import earlier_set_off_fen, next_settlements
from jobs.works.collect_adjustments import PeriodCorrections, corrections_of_period
from jobs.works.collect_returns import NetReceipts, net_of_returns
from jobs.works.earlier_arrears import EarlierArrears, earlier_arrears
from jobs.works.final_positions import FinalPositions, final_positions_of, overlapping_collections
from jobs.works.late_claims import LateClaims, late_claims
from jobs.works.late_returns import RECEIPTS_TABLE, RECEIPTS_VERSION, SOURCE, returned_after_close
from jobs.works.receipt_decisions import decided_receipts
from schemas.sources import RECEIPTS as RECEIPTS_SOURCE

JOB = "collect"
# Keys of a collection's input_versions in control/runs. They enter run ids: never change them.
SETTLED, RECEIPTS, STAGE = "settled", "receipts", "stage"
AID_OF_NEXT, EARLIER_SET_OFF_FEN, ENDED_BEFORE = "aid_of_next", "netted_before_fen", "ended_before"
CLOSED_BEFORE, FINAL_LAPSES, EARLIER_ARREARS = "closed_before", "standing_lapses", "earlier_arrears_fen"
CORRECTIONS = "corrections"


@dataclass(frozen=True)
class PinnedCollection:
    """The pinned inputs of a period's collection. Maps are by plan.

    `settled`: settlements whose bills are collected: those of open plans or, if every plan is closed, of all plans.
    `collected`, `closed`: the period's collections and closes so far. `final`: the part of the collections that may no
    longer change. `next_settled`: settlements of the next period whose aid arrears may be set off from.
    `earlier_set_off_fen`: the part of this period's aid that arrears of the previous period took.
    `ended_before`: collections of earlier periods whose lapses ended cover before this period's grace limit.
    `earlier_arrears`: what the period's beneficiaries owe from earlier periods, written off then.
    `receipts_version`: of the source. `decided`: decisions on receipts of the period. `corrections`: those into the
    period. `stop_settings`: the ceilings and the operator's consent, as settings of the run.
    """

    request: PeriodRequest
    lake: Lake
    days: CollectionDays
    settled: Mapping[str, Publication]
    collected: Mapping[str, Publication]
    closed: Mapping[str, Publication]
    final: FinalPositions
    next_settled: Mapping[str, Publication]
    earlier_set_off_fen: Mapping[str, int]
    ended_before: Mapping[str, list[str]]
    pools: Mapping[str, dict]
    earlier_arrears: EarlierArrears
    receipts_version: int
    corrections: PeriodCorrections
    decided: DecidedReceipts = NO_DECISIONS
    stop_settings: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def run(self) -> Run:
        """The run that collects these plans from these inputs."""
        return Run(
            job=JOB,
            platform_id=self.request.platform.platform_id,
            period=str(self.request.period),
            plan_ids=self.plan_ids,
            input_versions=self._input_versions(),
            rules=self.request.platform.collection_rules(self.request.period),
            settings={**self._rows_judged, **self.stop_settings},
        )

    @cached_property
    def net(self) -> NetReceipts:
        """The period's receipts as judged, and what went back."""
        announce("judging receipts")
        receipts = self._receipts
        is_own = F.col("period") == str(self.request.period)
        # If an id occurs in a closed period and in a later one, the later row is held: closed books do not change.
        elsewhere = receipts.where(F.lit(not self.is_closed) & (F.col("period").isNull() | ~is_own))
        gate = judge_receipts(receipts.where(is_own), elsewhere, self.days, self.decided)
        return net_of_returns(gate, self.days, self.final)

    @property
    def gate(self) -> ReceiptGate:
        """The period's receipts as judged, less what went back."""
        return self.net.gate

    @cached_property
    def receipts_without_period(self) -> DataFrame:
        """The receipts whose period is missing or not in the calendar."""
        return self._receipts.where(none_of("period", self.request.platform.calendar.period_names))

    @property
    def plan_ids(self) -> tuple[str, ...]:
        return tuple(sorted(self.settled))

    @property
    def next_unsettled(self) -> tuple[str, ...]:
        """Plans whose next period becomes public before the grace limit but is not settled; only for a final collection
        of open plans."""
        following = self.request.platform.calendar.next_within_grace(self.request.period)
        if following is None or self.is_closed or not self.days.is_final:
            return ()
        existing = [p for p in self.plan_ids if exists_in(self.request.platform, p, following)]
        return tuple(p for p in existing if p not in self.next_settled)

    @cached_property
    def without_period_sums(self) -> tuple[int, int]:
        """Count and fen of the receipts without a period. Only `collect` needs them: counting costs a pass."""
        return count_and_fen(self.receipts_without_period)

    @cached_property
    def undecided_without_period_count(self) -> int:
        """The count of receipts without a period and without a decision."""
        count, _ = self.without_period_sums
        decided = deciders(self.lake.small, SOURCE) if count else {}
        if not decided:
            return count
        is_decided = held_id_column(RECEIPTS_SOURCE).isin(*sorted(decided))
        return self.receipts_without_period.where(~is_decided).count()

    @cached_property
    def late_claims(self) -> LateClaims:
        """Claims of settled periods that arrived after the settlement, in the newest version of the source."""
        return late_claims(self.lake.small, self.request.platform)

    @cached_property
    def returned_after_close(self) -> list[dict]:
        """The returns of closed periods that are in no books (see `returned_after_close`)."""
        calendar, period = self.request.platform.calendar, str(self.request.period)
        return returned_after_close(self.lake, calendar, self.receipts_version, period, self.days)

    @property
    def is_closed(self) -> bool:
        """Whether every plan of the period is closed."""
        return all(p in self.closed for p in self.settled)

    def settled_rows(self, table: str) -> DataFrame:
        """The rows of a settled table that belong to the plans being collected."""
        return rows_of(self.lake, table, list(self.settled.values()))

    @cached_property
    def _receipts(self) -> DataFrame:
        return read_source(self.lake, SOURCE, self.receipts_version)

    @cached_property
    def _rows_judged(self) -> dict[str, Any]:
        """Settings of the run that tell which rows of source/receipts it judges."""
        table_id = self.lake.small.table_id(SOURCE, self.receipts_version)
        return {"as_of": str(self.days.as_of), RECEIPTS_VERSION: self.receipts_version, RECEIPTS_TABLE: table_id}

    @cached_property
    def _fingerprint(self) -> dict[str, Any]:
        """The fingerprint of the receipts; where a collection in force has judged the same rows, the recorded one."""
        run_ids = {act.run_id for act in self.collected.values()}
        for row in rows_of_runs(self.lake.small, run_ids).values():
            settings, inputs = json.loads(row["settings"]), json.loads(row["input_versions"])
            is_same = all(settings.get(name) == value for name, value in self._rows_judged.items())
            if is_same and inputs.get(USED, {}) == self.decided.inputs:
                return inputs[RECEIPTS]
        return dict(self.gate.fingerprint)

    def _input_versions(self) -> dict:
        """The inputs that identify the run. Neighbouring periods and closed plans only appear if there are any."""
        neighbours = {
            AID_OF_NEXT: _digests(self.next_settled),
            EARLIER_SET_OFF_FEN: dict(self.earlier_set_off_fen),
            ENDED_BEFORE: dict(self.ended_before),
            CLOSED_BEFORE: _digests({p: self.final.settled[p] for p in self.final.closed}),
            FINAL_LAPSES: _digests(self.final.lapsed),
            EARLIER_ARREARS: self.earlier_arrears.inputs,
            USED: self.decided.inputs,
            CORRECTIONS: self.corrections.digests,
        }
        return {
            SETTLED: _digests(self.settled),
            RECEIPTS: self._fingerprint,
            STAGE: "final" if self.days.is_final else "deducting" if self.days.is_deducting else "announced",
            **{name: by_plan for name, by_plan in neighbours.items() if by_plan},
        }


def days_of(request: PeriodRequest) -> CollectionDays:
    """The days of the period's collection in the platform's calendar."""
    calendar, period = request.platform.calendar, request.period
    return CollectionDays(
        calendar.publicity_on(period), calendar.deduction_on(period), calendar.grace_ends_on(period), request.as_of
    )


def pin_collection(request: PeriodRequest, lake: Lake) -> PinnedCollection:
    """Pins the period's settlements and receipts; raises Refused if nothing is settled."""
    announce("pinning receipts")
    small, calendar, period = lake.small, request.platform.calendar, str(request.period)
    all_settled, closed = (published_in(small, job, period) for job in ("settle", "close"))
    if not all_settled:
        raise Refused(
            f"Period {period}: not settled. Nothing was collected. Settle it first with `fentan settle --period "
            f"{period}`."
        )
    settled = {p: publication for p, publication in all_settled.items() if p not in closed} or all_settled
    _check_plans(request, settled)
    days = days_of(request)
    version = pin_versions(lake, (SOURCE,))[SOURCE]
    is_closed = all(p in closed for p in settled)
    collected = published_in(small, JOB, period)
    decided = decided_receipts(small, period, version, (p.run_id for p in collected.values()), is_closed)
    return PinnedCollection(
        request=request,
        lake=lake,
        days=days,
        settled=settled,
        collected=collected,
        closed=closed,
        final=final_positions_of(lake, calendar, request.period, settled),
        next_settled=next_settlements(small, calendar, request.period, settled) if days.is_final else {},
        earlier_set_off_fen=earlier_set_off_fen(small, calendar, request.period, settled),
        earlier_arrears=earlier_arrears(lake, calendar, request.period, list(settled.values()), days),
        ended_before=_ended_before(lake, request, settled) if days.is_final else {},
        pools={row["plan_id"]: row for row in few_rows_of(small, "settled/pools", settled.values())},
        receipts_version=version,
        decided=decided,
        corrections=corrections_of_period(lake, period, tuple(sorted(settled))),
    )


def _check_plans(request: PeriodRequest, settled: Mapping[str, Publication]) -> None:
    if request.plan_ids is not None and set(request.plan_ids) != set(settled):
        raise WrongUsage(
            f"--plan {' '.join(request.plan_ids)}: a payer's money pays for all his plans "
            f"({', '.join(sorted(settled))}). "
            "Nothing was collected. Leave --plan out."
        )


def _ended_before(lake: Lake, request: PeriodRequest, settled: Mapping[str, Publication]) -> dict[str, list[str]]:
    """By plan, the collections of earlier periods whose lapses ended cover before this period's grace limit."""
    collections: dict[str, list[str]] = {}
    for publication in overlapping_collections(lake.small, request.platform.calendar, request.period):
        if publication.plan_id in settled:
            collections.setdefault(publication.plan_id, []).append(f"{publication.period} {publication.digest}")
    return {plan_id: sorted(names) for plan_id, names in sorted(collections.items())}


def _digests(publications: Mapping[str, Publication]) -> dict[str, str]:
    return {p: publication.digest for p, publication in sorted(publications.items())}
