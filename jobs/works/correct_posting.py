"""What a correction posts into the open period: pools, cases, transfers; and the result of the correction."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jobs.correction.dispositions import DISPOSITIONS
from jobs.correction.invariants import CorrectionReadBack
from jobs.correction.pools import effective_pool, pool_deltas
from jobs.lake.sinks import Measurement, WritingSink
from jobs.ledger.arrears_postings import WriteOff, write_off_of
from jobs.ledger.correction_postings import CorrectionAmounts, adjusted_fen, correction_transfers
from jobs.ledger.journal import Transfer, journal_rows
from jobs.register.books import transfers_of
from jobs.register.publications import CORRECT, published
from jobs.works.correct_pinning import PinnedCorrection
from jobs.works.correct_reinstated import Reinstated
from jobs.works.corrections import ADJUSTMENTS, BENEFITS, POOLS, REINSTATEMENTS, rows_by_plan
from jobs.works.settle_plans import SettlementResult


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


def post(
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
    return CorrectionResult(
        digests={
            p: {
                ADJUSTMENTS: measured[p].digest,
                REINSTATEMENTS: stored_void[p].digest,
                **{table: few[table][p] for table in few},
            }
            for p in differing
        },
        rows={p: pools[p][0] for p in differing},
        read_back=_read_back(sink, {p: amounts[p] for p in differing}, measured, borne_by),
        reinstated_count={p: stored_void[p].digest["rows"] for p in differing},
        case_rows=case_rows,
        settled=settled,
    )


def _read_back(
    sink: WritingSink, amounts: Mapping[str, CorrectionAmounts], measured: Mapping[str, Measurement], borne_by: str
) -> dict[str, CorrectionReadBack]:
    """What the invariants are checked on: by plan that differs, the rows as read back, and what was computed."""
    stored_cases, stored_journal = rows_by_plan(sink.rows[BENEFITS]), rows_by_plan(sink.rows["ledger/journal"])
    stored_pools = {row["plan_id"]: row for row in sink.rows[POOLS]}
    return {
        p: CorrectionReadBack(
            pool=stored_pools[p],
            parts_fen={name: measured[p].values.get(name) or 0 for name in DISPOSITIONS},
            benefit_fen=sum(row["delta_benefit_fen"] for row in stored_cases.get(p, ())),
            sponsored_fen=sum(row["delta_sponsored_fen"] for row in stored_cases.get(p, ())),
            effective=of_plan.effective,
            recomputed=of_plan.recomputed,
            returned_to_pool_fen=0 if borne_by == "platform" else of_plan.aid_part_fen(),
            transfers=[Transfer(*(row[name] for name in Transfer._fields)) for row in stored_journal.get(p, ())],
        )
        for p, of_plan in amounts.items()
    }


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
