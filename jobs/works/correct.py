"""The correction of a closed period: it is settled again, and the differences are posted into an open period."""

from collections.abc import Iterable, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from expectations.suites import RuleResult
from jobs.base.errors import GateStopped
from jobs.base.progress import announce
from jobs.correction.dispositions import DISPOSITIONS
from jobs.correction.invariants import correction_breaches
from jobs.gate.members import MembershipGate
from jobs.lake.lake import Lake
from jobs.lake.many_computed import many_computed_once
from jobs.lake.sinks import Measurement, MeasuringSink, WritingSink
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import PeriodRequest
from jobs.pipeline.work import Work
from jobs.register.publications import CORRECT
from jobs.rulebook.calendar import Period
from jobs.works.correct_adjustments import (
    adjustments,
    check_refunds,
    covered_into,
    effective_dues,
    open_write_offs,
)
from jobs.works.correct_cases import CorrectedCases
from jobs.works.correct_differences import (
    compared,
    differences,
    few_differences,
    looked_up,
    many_differences,
    rows_of_same_members,
)
from jobs.works.correct_pinning import PinnedCorrection, check_order, pin_correction
from jobs.works.correct_posting import CorrectionResult, post
from jobs.works.correct_reinstated import reinstated, rows_to_store
from jobs.works.correct_shown import nothing_differs, shown
from jobs.works.corrections import ADJUSTMENTS, KEY, REINSTATEMENTS
from jobs.works.settle_gate import Gate, judge_sources, results_with_shares, stop_if_critical
from jobs.works.settle_plans import settle_plans


class KeepingSink(MeasuringSink):
    """Measures a period that is settled again, and keeps its frames. Bills are not needed."""

    def __init__(self, lake: Lake, period: str, plan_ids: Sequence[str], run_id: str):
        super().__init__(lake, period, plan_ids, run_id)
        self.frames: dict[str, DataFrame] = {}

    def put(self, table_name: str, frame: DataFrame, aggregates: Sequence[Column] = ()) -> dict[str, Measurement]:
        self.frames[table_name] = frame
        if table_name == "settled/bills":
            return {p: Measurement({}, {}) for p in self.plan_ids}
        return super().put(table_name, frame, aggregates)


class Correct(Work):
    """Corrects the closed period `origin` into the request's period."""

    job = CORRECT
    keeps_published_rows = True  # corrections into one period are valid next to each other

    def __init__(self, origin: Period, reason: str):
        self.origin, self.reason, self.origin_period = origin, reason, str(origin)

    def pin(self, lake: Lake, request: PeriodRequest) -> PinnedCorrection:
        check_order(self.origin, request.period, self.reason)
        return pin_correction(request, lake, self.origin, self.reason)

    def remaining(self, pinned: PinnedCorrection) -> PinnedCorrection:
        return pinned

    def judge(self, pinned: PinnedCorrection) -> Gate:
        return judge_sources(pinned.origin)

    def stop(self, pinned: PinnedCorrection, gate: Gate) -> None:
        stop_if_critical(gate)
        if gate.refused:
            raise GateStopped(" ".join(gate.refused.values()))

    def compute(self, pinned: PinnedCorrection, gate: Gate, sink: WritingSink) -> CorrectionResult:
        return _correct(pinned, gate, sink)

    def breaches(self, pinned: PinnedCorrection, gate: Gate, result: CorrectionResult, sink: WritingSink) -> list[str]:
        return [
            f"plan {plan_id}: {breach}"
            for plan_id, stored in result.read_back.items()
            for breach in correction_breaches(stored)
        ]

    def rule_results(
        self, pinned: PinnedCorrection, gate: Gate, result: CorrectionResult | None
    ) -> Iterable[RuleResult]:
        """The sources of the closed period as they are now, and the recoveries."""
        settled = None if result is None else result.settled
        if settled is None:
            return (*gate.results, *pinned.recovery_results)
        judged = results_with_shares(pinned.origin, gate, settled.share_fen, settled.limited_claims)
        return (*judged, *pinned.recovery_results)

    def show(
        self, pinned: PinnedCorrection, gate: Gate, result: CorrectionResult, rule_results: Sequence[RuleResult]
    ) -> Outcome:
        if not result.digests:
            return nothing_differs(pinned, rule_results)
        return shown(pinned, result.rows, result.case_rows, result.reinstated_count, rule_results)


def _correct(pinned: PinnedCorrection, gate: Gate, sink: WritingSink) -> CorrectionResult:
    cases, keeping = CorrectedCases(pinned), KeepingSink(pinned.lake, pinned.origin_name, gate.plan_ids, "recomputed")
    settled = settle_plans(pinned.origin, gate, keeping, cases.with_paid_aid)
    case_rows = cases.rows(_sponsored_by_case(keeping.frames["settled/benefits"]))
    recomputed = keeping.frames["settled/assessments"]
    announce("differences by member")
    written_off = many_computed_once(open_write_offs(pinned))
    void = reinstated(pinned, recomputed, written_off)
    left = written_off if void.rows is None else _less_reinstated(written_off, void.rows)
    rows = _adjustments(pinned, recomputed, gate.members, left, void.rows)
    check_refunds(pinned, rows)
    measured = sink.put(ADJUSTMENTS, rows, _disposition_sums())
    stored_void = sink.put(REINSTATEMENTS, rows_to_store(pinned, void))
    return post(pinned, settled, sink, case_rows, void, measured, stored_void)


def _adjustments(
    pinned: PinnedCorrection,
    recomputed: DataFrame,
    members: MembershipGate,
    written_off: DataFrame,
    void: DataFrame | None,
) -> DataFrame:
    """The rows of settled/adjustments, in the way that fits the number of members and of differences."""
    effective, spells = effective_dues(pinned), members.good
    if pinned.lake.has_few_rows:
        return adjustments(pinned, differences(recomputed, effective), written_off, covered_into(pinned, spells, void))
    if pinned.lake.is_native and pinned.of_origin.publications:
        effective = many_computed_once(effective)  # a join of all members, read several times
    comparison = compared(recomputed, effective)
    if comparison.finds_few(sum(pinned.origin.pools[p]["covered_count"] for p in pinned.plan_ids)):
        few = few_differences(recomputed, effective, comparison)
        return adjustments(pinned, few, written_off, covered_into(pinned, rows_of_same_members(spells, few), void))
    covered = looked_up(covered_into(pinned, spells, void, of_several=members.kept_good))
    of_assessed, of_others = many_differences(recomputed, effective, comparison)
    others_covered = covered_into(pinned, rows_of_same_members(spells, of_others), void)
    return adjustments(pinned, of_assessed, looked_up(written_off), covered).unionByName(
        adjustments(pinned, of_others, written_off, others_covered)
    )


def _sponsored_by_case(benefits: DataFrame) -> dict[tuple[str, int], int]:
    rows = benefits.select("plan_id", "claim_id", "sponsored_fen").collect()
    return {(row.plan_id, row.claim_id): row.sponsored_fen for row in rows}


def _less_reinstated(written_off: DataFrame, void: DataFrame) -> DataFrame:
    taken = void.select(*KEY, (-F.col("amount_fen")).alias("written_off_fen"))
    both = written_off.unionByName(taken).groupBy(*KEY).agg(F.sum("written_off_fen").alias("written_off_fen"))
    return both.where("written_off_fen > 0")


def _disposition_sums() -> list[Column]:
    """The sums of a plan's differences by disposition, under its name."""
    return [F.sum(F.when(F.col("disposition") == name, F.col("delta_fen"))).alias(name) for name in DISPOSITIONS]
