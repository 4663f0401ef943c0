"""The result of a settlement without publishing it, compared with other roundings and the previous period."""

from dataclasses import dataclass

from jobs.base.errors import GateStopped
from jobs.lake.lake import Lake
from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.query import Query
from jobs.pipeline.request import PeriodRequest
from jobs.register.stages import stages_in
from jobs.settlement.shares import charges_by_rounding
from jobs.works.approvals import approve_command, counted_approvers
from jobs.works.preview_changes import (
    changes_text,
    corrections_brought,
    corrections_text,
    due_changes,
    expected_run,
    expected_text,
    share_changes,
)
from jobs.works.settle import settle_without_writing
from jobs.works.settle_gate import Gate, previous_shares, results_with_shares
from jobs.works.settle_pinning import PinnedSettlement, pin
from jobs.works.settle_plans import SettlementResult
from jobs.works.settle_shown import settlement_document, settlement_text
from jobs.works.unknown_plans import unknown_plan_messages


@dataclass(frozen=True)
class PreviewResult:
    """A period as it would be settled. `gate` and `settled` are None if no plan has members or claims."""

    pinned: PinnedSettlement
    gate: Gate | None
    settled: SettlementResult | None


class Preview(Query):
    """The period as `settle` would publish it."""

    purpose = "preview"

    def read(self, request: PeriodRequest, lake: Lake) -> PreviewResult:
        pinned = pin(lake, request)
        return PreviewResult(pinned, *(settle_without_writing(pinned) if pinned.plan_ids else (None, None)))

    def show(self, request: PeriodRequest, answer: PreviewResult) -> Outcome:
        pinned, gate, settled = answer.pinned, answer.gate, answer.settled
        if gate is None or settled is None:
            document: dict = {"period": str(request.period), "state": "nothing to settle", "plans": {}}
            return Outcome(document, f"Period {request.period}: no plan has members or claims", 0, pinned.skipped)
        rule_results = results_with_shares(pinned, gate, settled.share_fen, settled.limited_claims)
        document = settlement_document(pinned, gate, rule_results, settled, "preview: nothing was published")
        document["roundings"] = {p: charges_by_rounding(settled.pools[p], settled.rates[p]) for p in settled.pools}
        document["stages"] = stages_in(pinned.lake.small, str(request.period), settled.pools)
        document["published_digests"] = {p: act.digest for p, act in sorted(pinned.settled.items())}
        previous_fen = previous_shares(pinned)
        document["previous_share_fen"] = {f"{p}/{tier}": fen for (p, tier), fen in sorted(previous_fen.items())}
        document["share_changes"] = share_changes(pinned, settled)
        document["due_changes"] = due_changes(pinned, settled)
        document["corrections"] = corrections_brought(pinned, settled.pools)
        document["approvals"] = _approvals(pinned, document)
        document["expected_run"] = expected_run(pinned.lake.small, settled.pools)
        texts = [settlement_text(document), _stages_text(document), _approvals_text(pinned, document)]
        texts += [corrections_text(document["corrections"]), _roundings_text(document)]
        texts += [changes_text(document["share_changes"], document["due_changes"])]
        text = "\n\n".join(part for part in (*texts, expected_text(document["expected_run"])) if part)
        unknown = unknown_plan_messages(rule_results, request.platform, pinned.lake.small)
        late = pinned.late_claims.messages(pinned.plan_ids)
        messages = (*pinned.skipped, *unknown, *late, *gate.refused.values())
        return Outcome(document, text, GateStopped.exit_code if gate.refused else 0, messages)


def _stages_text(document: dict) -> str:
    """The stage of each plan's period, and whether the preview has the digest that is published."""
    lines = []
    for plan_id, stage in document["stages"].items():
        published = document["published_digests"].get(plan_id)
        is_same = published == document["plans"][plan_id]["digest"]
        compared = "" if published is None else f"; published: {'the same digest' if is_same else published}"
        lines.append(f"{plan_id}  {stage}{compared}")
    return "\n".join(["Stage of the period", *lines])


def _approvals(pinned: PinnedSettlement, document: dict) -> dict:
    """How many approvals the conf requires, and by plan who approved the digest, without the one who settles."""
    digests = {p: plan["digest"] for p, plan in document["plans"].items()}
    approved_by = counted_approvers(pinned.lake.small, pinned.request, digests)
    return {"required": pinned.request.environment.approvals_required, "plans": approved_by}


def _approvals_text(pinned: PinnedSettlement, document: dict) -> str:
    approvals = document["approvals"]
    if not approvals["required"]:
        return ""
    lines = [
        f"{p}  {len(names)} of {approvals['required']}" + (f": {', '.join(names)}" if names else "")
        for p, names in approvals["plans"].items()
    ]
    digests = {p: plan["digest"] for p, plan in document["plans"].items() if p not in document["published_digests"]}
    advice = [f"Approve with {approve_command(pinned.request, digests)}"] if digests else []
    return "\n".join(["Approvals", *lines, *advice])


def _roundings_text(document: dict) -> str:
    rows = [
        [plan_id, policy, ", ".join(f"{tier} {yuan(fen)}" for tier, fen in priced["share_fen"].items()),
         yuan(priced["billed_fen"]), yuan(priced["carried_forward_fen"])]
        for plan_id, policies in document["roundings"].items()
        for policy, priced in policies.items()
    ]  # fmt: skip
    columns = ["plan", "rounding", "shares", "billed", "carried fwd"]
    return table_text("What each rounding would charge, in yuan", columns, rows)
