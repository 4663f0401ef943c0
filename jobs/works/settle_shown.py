"""A settlement as a document for programs and as tables for people."""

from collections.abc import Iterable, Mapping

from expectations.rule import Severity
from expectations.suites import RuleResult
from jobs.gate.results import rows_by_fate
from jobs.pipeline.amounts import table_text, yuan
from jobs.spark.digest import plan_digest
from jobs.works.settle_gate import Gate
from jobs.works.settle_pinning import PinnedSettlement
from jobs.works.settle_plans import SettlementResult


def settlement_document(
    pinned: PinnedSettlement, gate: Gate, rule_results: Iterable[RuleResult], settled: SettlementResult, state: str
) -> dict:
    """A settled or previewed period as a document: per plan the digest, the pool, the rates, and counts of member
    rows."""
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
        "quality": broken_rules(rule_results),
    }


def settlement_text(document: dict) -> str:
    """The document as tables: rates, pools, member rows, digests."""
    plans = document["plans"]
    parts = [
        f"Period {document['period']}: {document['state']}, run {document['run_id']}",
        _rates_table(plans),
        _pools_table(plans),
        _member_rows_table(plans),
        "Digests\n" + "\n".join(f"{plan_id}  {plan['digest']}" for plan_id, plan in plans.items()),
        quality_line(document["quality"]),
    ]
    return "\n\n".join(part for part in parts if part)


def _rates_table(plans: Mapping[str, dict]) -> str:
    shares = ("share_fen", "share_aid_fen", "share_fee_fen")
    rows = [
        [plan_id, rate["tier"], rate["covered_count"], *(yuan(rate[share]) for share in shares)]
        for plan_id, plan in plans.items()
        for rate in plan["rates"]
    ]
    return table_text("Shares in yuan", ["plan", "tier", "covered", "share", "of it aid", "of it fee"], rows)


def _pools_table(plans: Mapping[str, dict]) -> str:
    amounts = {
        "benefits": "benefit_fen",
        "fee": "fee_fen",
        "brought fwd": "brought_forward_fen",
        "above cap": "case_sponsored_fen",
        "pool": "pool_fen",
        "sponsored": "member_sponsored_fen",
        "due": "due_fen",
        "carried fwd": "carried_forward_fen",
    }
    pools = {plan_id: plan["pool"] for plan_id, plan in plans.items()}
    rows = [[p, pool["case_count"], *(yuan(pool[name]) for name in amounts.values())] for p, pool in pools.items()]
    return table_text("Pools in yuan", ["plan", "cases", *amounts], rows)


def _member_rows_table(plans: Mapping[str, dict]) -> str:
    states = ("assessed", "not_yet_joined", "exited", "lapsed", "quarantined")
    rows = [[plan_id, *(plan["member_rows"][state] for state in states)] for plan_id, plan in plans.items()]
    return table_text("Member rows", ["plan", *(state.replace("_", " ") for state in states)], rows)


def broken_rules(rule_results: Iterable[RuleResult]) -> dict[str, int]:
    """The count of broken rules on the sources, by severity."""
    counts = dict.fromkeys((str(severity) for severity in Severity), 0)
    for result in rule_results:
        counts[str(result.severity)] += not result.success
    return counts


def quality_line(broken: dict[str, int]) -> str:
    """The counts of `broken_rules` as a sentence."""
    counts = ", ".join(f"{count} {severity}" for severity, count in broken.items() if count)
    if not counts:
        return "Quality: every rule holds"
    return f"Quality: rules broken: {counts}; see control/quality or `fentan check`"
