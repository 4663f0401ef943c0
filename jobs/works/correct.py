"""The correction of a closed period: it is settled again, and the differences are posted into an open period."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from expectations.suites import RuleResult
from jobs.correction.dispositions import DISPOSITIONS
from jobs.correction.invariants import CorrectionReadBack, correction_breaches
from jobs.correction.pools import effective_pool, pool_deltas
from jobs.errors import GateStopped
from jobs.lake.lake import Lake
from jobs.lake.sinks import Measurement, MeasuringSink, WritingSink
from jobs.ledger.arrears_postings import WriteOff, write_off_of
from jobs.ledger.correction_postings import CorrectionAmounts, adjusted_fen, correction_transfers
from jobs.ledger.journal import Transfer, journal_rows
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import PeriodRequest
from jobs.pipeline.work import Work
from jobs.progress import announce
from jobs.register.books import transfers_of
from jobs.register.publications import CORRECT, published
from jobs.rulebook.calendar import Period
from jobs.works.correct_cases import CorrectedCases
from jobs.works.correct_members import (
    adjustments,
    check_refunds,
    covered_into,
    differences,
    effective_dues,
    open_write_offs,
)
from jobs.works.correct_pinning import PinnedCorrection, check_order, pin_correction
from jobs.works.correct_reinstated import Reinstated, reinstated, rows_to_store
from jobs.works.correct_shown import nothing_differs, shown
from jobs.works.corrections import ADJUSTMENTS, BENEFITS, KEY, POOLS, REINSTATEMENTS, rows_by_plan
from jobs.works.settle_gate import Gate, judge_sources, results_with_shares, stop_if_critical
from jobs.works.settle_plans import SettlementResult, settle_plans


@dataclass(frozen=True)
class CorrectionResult:
    """A correction as written and read back. By plan with a difference: `digests` (then by table), `rows` (of
    settled/adjusted_pools), `read_back`. `reinstated_count`: by plan. `settled`: the closed period, settled again."""

    digests: Mapping[str, Mapping[str, dict]]
    rows: Mapping[str, dict]
    read_back: Mapping[str, CorrectionReadBack]
    reinstated_count: Mapping[str, int] = field(default_factory=dict)
    case_rows: Mapping[str, list[dict]] = field(default_factory=dict)
    settled: SettlementResult | None = None


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
    written_off = open_write_offs(pinned).localCheckpoint()
    void = reinstated(pinned, recomputed, written_off)
    left = written_off if void.rows is None else _less_reinstated(written_off, void.rows)
    spells = gate.members.good
    differing = differences(recomputed, effective_dues(pinned))
    rows = adjustments(pinned, differing, left, covered_into(pinned, spells, void.rows))
    check_refunds(pinned, rows)
    measured = sink.put(ADJUSTMENTS, rows, _disposition_sums())
    stored_void = sink.put(REINSTATEMENTS, rows_to_store(pinned, void))
    return _post(pinned, settled, sink, case_rows, void, measured, stored_void)


def _post(
    pinned: PinnedCorrection,
    settled: SettlementResult,
    sink: WritingSink,
    case_rows: Mapping[str, list[dict]],
    void: Reinstated,
    measured: Mapping[str, Measurement],
    stored_void: Mapping[str, Measurement],
) -> CorrectionResult:
    """The pools, cases and transfers of the plans that differ; the others get no row."""
    borne_by = pinned.request.platform.collection.shortfall_borne_by
    amounts = {p: _amounts(pinned, p, settled.pools[p], case_rows[p], void, measured[p]) for p in settled.pools}
    differing = [
        p
        for p, of_plan in amounts.items()
        if any(pool_deltas(of_plan.effective, of_plan.recomputed).values())
        or case_rows[p]
        or measured[p].digest["rows"]
        or stored_void[p].digest["rows"]
        or of_plan.handed_over_fen
    ]
    pools = {p: [_pool_row(pinned, p, amounts[p], settled.pools[p]["rule_version"])] for p in differing}
    transfers = {p: correction_transfers(amounts[p], borne_by, _reference(pinned, p)) for p in differing}
    journal = {p: _journal_rows(pinned, p, transfers[p]) for p in differing}
    few = sink.put_rows({POOLS: pools, BENEFITS: {p: case_rows[p] for p in differing}, "ledger/journal": journal})
    stored_cases, stored_journal = rows_by_plan(sink.rows[BENEFITS]), rows_by_plan(sink.rows["ledger/journal"])
    stored_pools = {row["plan_id"]: row for row in sink.rows[POOLS]}
    read_back = {
        p: CorrectionReadBack(
            pool=stored_pools[p],
            parts_fen={name: measured[p].values.get(name) or 0 for name in DISPOSITIONS},
            benefit_fen=sum(row["delta_benefit_fen"] for row in stored_cases.get(p, ())),
            sponsored_fen=sum(row["delta_sponsored_fen"] for row in stored_cases.get(p, ())),
            effective=amounts[p].effective,
            recomputed=amounts[p].recomputed,
            returned_to_pool_fen=0 if borne_by == "platform" else amounts[p].aid_part_fen(),
            transfers=[Transfer(*(row[name] for name in Transfer._fields)) for row in stored_journal.get(p, ())],
        )
        for p in differing
    }
    digests = {
        p: {
            ADJUSTMENTS: measured[p].digest,
            REINSTATEMENTS: stored_void[p].digest,
            **{table: few[table][p] for table in few},
        }
        for p in differing
    }
    counts = {p: stored_void[p].digest["rows"] for p in differing}
    return CorrectionResult(digests, {p: pools[p][0] for p in differing}, read_back, counts, case_rows, settled)


def _amounts(
    pinned: PinnedCorrection,
    plan_id: str,
    recomputed: Mapping[str, int],
    case_rows: list[dict],
    void: Reinstated,
    measured: Measurement,
) -> CorrectionAmounts:
    of_plan = [row for row in pinned.of_origin.pool_rows() if row["plan_id"] == plan_id]
    parts_fen = {name: measured.values.get(name) or 0 for name in DISPOSITIONS}
    return CorrectionAmounts(
        effective=effective_pool(pinned.origin.pools[plan_id], of_plan),
        recomputed=recomputed,
        asked_fen=parts_fen["asked"],
        refunded_fen=parts_fen["refunded"],
        written_off_fen=parts_fen["written_off"],
        pooled_fen=parts_fen["pooled"],
        recovered_fen=sum(row["recovered_fen"] for row in case_rows),
        write_off=_write_off(pinned, plan_id),
        paid_in_time_fen=void.by_account_fen.get(plan_id, {}),
        handed_over_fen=void.handed_over_fen.get(plan_id, 0),
    )


def _write_off(pinned: PinnedCorrection, plan_id: str) -> WriteOff:
    """The period's write-off, with what later aid and earlier corrections took back of it."""
    small, calendar = pinned.lake.small, pinned.request.platform.calendar
    own = transfers_of(small, [pinned.collected[plan_id]])[plan_id]
    later = [
        act
        for (name, p), act in published(small, "collect").items()
        if p == plan_id and calendar.period(name) > pinned.origin.request.period
    ]
    posted_later = transfers_of(small, later).get(plan_id, [])
    corrected_fen = pinned.of_origin.of([pinned.origin_name], [plan_id]).taken_back_fen()
    return write_off_of(pinned.origin_name, own, posted_later, corrected_fen)


def _pool_row(pinned: PinnedCorrection, plan_id: str, amounts: CorrectionAmounts, rule_version: str) -> dict:
    return {
        "origin_period": pinned.origin_name,
        "revision": pinned.revision[plan_id],
        **pool_deltas(amounts.effective, amounts.recomputed),
        "asked_fen": amounts.asked_fen,
        "refunded_fen": amounts.refunded_fen,
        "written_off_fen": amounts.written_off_fen,
        "pooled_fen": amounts.pooled_fen,
        "adjusted_fen": adjusted_fen(amounts, pinned.request.platform.collection.shortfall_borne_by),
        "reason": pinned.reason,
        "rule_version": rule_version,
    }


def _journal_rows(pinned: PinnedCorrection, plan_id: str, transfers: list[Transfer]) -> list[dict]:
    """The rows of the journal: entry_id is period/plan/correct/revision/number."""
    posted = [(pinned.request.as_of, transfer) for transfer in transfers]
    rows = journal_rows(posted, str(pinned.request.period), plan_id, f"{CORRECT}/{pinned.revision[plan_id]}")
    return [{**row, "job": CORRECT} for row in rows]


def _reference(pinned: PinnedCorrection, plan_id: str) -> str:
    return f"correction of {pinned.origin_name}, revision {pinned.revision[plan_id]}"


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
