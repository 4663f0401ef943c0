"""How a settlement and a gate are shown: as a document for programs and as tables for people."""

from collections.abc import Iterable

from expectations.rule import Severity
from expectations.suites import RuleResult
from jobs.gate.results import rows_by_fate
from jobs.pipeline.amounts import table_text, yuan
from jobs.spark.digest import plan_digest
from jobs.works.settle_gate import Gate
from jobs.works.settle_pinning import PinnedSettlement
from jobs.works.settle_plans import SettlementResult


def settlement_document(
    pinned: PinnedSettlement, gate: Gate, found: Iterable[RuleResult], settled: SettlementResult, state: str
) -> dict:
    """A settled or previewed period as a document: per plan the pool, the rates, the digest, what became of each
    row."""
    return {
        "period": str(pinned.request.period),
        "state": state,
        "run_id": pinned.run.run_id,
        "publicity_on": str(pinned.request.publicity_on),
        "plans": {
            plan_id: {
                "digest": plan_digest(settled.digests[plan_id]),
                "pool": settled.pools[plan_id],
                "rates": settled.rates[plan_id],
                "member_rows": rows_by_fate(gate.members, plan_id),
            }
            for plan_id in sorted(settled.pools)
        },
        "refused": dict(gate.refused),
        "skipped": list(pinned.skipped),
        "quality": _broken_rules(found),
    }


def settlement_text(document: dict) -> str:
    """The document as tables: rates, totals, digests."""
    plans = document["plans"]
    rates = [
        [
            plan_id,
            rate["tier"],
            rate["covered_count"],
            yuan(rate["share_fen"]),
            yuan(rate["share_aid_fen"]),
            yuan(rate["share_fee_fen"]),
        ]
        for plan_id, plan in plans.items()
        for rate in plan["rates"]
    ]
    totals = [
        [
            plan_id, pool["case_count"], yuan(pool["benefit_fen"]), yuan(pool["fee_fen"]),
            yuan(pool["brought_forward_fen"]),
            yuan(pool["case_sponsored_fen"]), yuan(pool["pool_fen"]), yuan(pool["member_sponsored_fen"]),
            yuan(pool["due_fen"]), yuan(pool["carried_forward_fen"]),
        ]
        for plan_id, plan in plans.items()
        for pool in [plan["pool"]]
    ]  # fmt: skip
    rows = [
        [
            plan_id,
            *(plan["member_rows"][fate] for fate in ("assessed", "not_yet_joined", "exited", "lapsed", "quarantined")),
        ]
        for plan_id, plan in plans.items()
    ]
    parts = [
        f"Period {document['period']}: {document['state']}, run {document['run_id']}",
        table_text("Shares in yuan", ["plan", "tier", "covered", "share", "of it aid", "of it fee"], rates),
        table_text(
            "Pools in yuan",
            ["plan", "cases", "benefits", "fee", "brought fwd", "case cap", "pool", "sponsored", "due", "carried fwd"],
            totals,
        ),
        table_text("Member rows", ["plan", "assessed", "not yet joined", "exited", "lapsed", "quarantined"], rows),
        "Digests\n" + "\n".join(f"{plan_id}  {plan['digest']}" for plan_id, plan in plans.items()),
        _quality_line(document["quality"]),
    ]
    return "\n\n".join(part for part in parts if part)


def _broken_rules(found: Iterable[RuleResult]) -> dict[str, int]:
    """How many rules of the sources are broken, by severity."""
    counts = dict.fromkeys((str(severity) for severity in Severity), 0)
    for result in found:
        counts[str(result.severity)] += not result.success
    return counts


def _quality_line(failed: dict[str, int]) -> str:
    told = ", ".join(f"{count} {severity}" for severity, count in failed.items() if count)
    return (
        f"Quality: rules broken: {told}; see control/quality or `fentan check`" if told else "Quality: every rule holds"
    )
