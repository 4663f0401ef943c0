"""What a settlement would charge, compared with the other roundings and with the previous period."""

from dataclasses import dataclass

from jobs.errors import GateStopped
from jobs.lake.lake import Lake
from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.query import Query
from jobs.pipeline.request import PeriodRequest
from jobs.register.stages import stages_in
from jobs.settlement.pool import charges_by_rounding
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
            document = {"period": str(request.period), "state": "nothing to settle", "plans": {}}
            return Outcome(document, f"Period {request.period}: no plan has members or claims", 0, pinned.skipped)
        rule_results = results_with_shares(pinned, gate, settled.share_fen, settled.limited_claims)
        document = settlement_document(pinned, gate, rule_results, settled, "preview: nothing was published")
        document["roundings"] = {p: charges_by_rounding(settled.pools[p], settled.rates[p]) for p in settled.pools}
        document["stages"] = stages_in(pinned.lake.small, str(request.period), settled.pools)
        document["published_digests"] = {p: act.digest for p, act in sorted(pinned.settled.items())}
        previous_fen = previous_shares(pinned)
        document["previous_share_fen"] = {f"{p}/{tier}": fen for (p, tier), fen in sorted(previous_fen.items())}
        texts = [settlement_text(document), _stages_text(document), _roundings_text(document)]
        text = "\n\n".join([*texts, _comparison_text(document)])
        unknown = unknown_plan_messages(rule_results, request.platform)
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


def _roundings_text(document: dict) -> str:
    rows = [
        [plan_id, policy, ", ".join(f"{tier} {yuan(fen)}" for tier, fen in priced["share_fen"].items()),
         yuan(priced["billed_fen"]), yuan(priced["carried_forward_fen"])]
        for plan_id, policies in document["roundings"].items()
        for policy, priced in policies.items()
    ]  # fmt: skip
    columns = ["plan", "rounding", "shares", "billed", "carried fwd"]
    return table_text("What each rounding would charge, in yuan", columns, rows)


def _comparison_text(document: dict) -> str:
    previous_fen = document["previous_share_fen"]
    rows = []
    for plan_id, plan in document["plans"].items():
        for rate in plan["rates"]:
            before_fen, now_fen = previous_fen.get(f"{plan_id}/{rate['tier']}"), rate["share_fen"]
            if before_fen is not None:
                rows.append([plan_id, rate["tier"], yuan(before_fen), yuan(now_fen), yuan(now_fen - before_fen)])
    if not rows:
        return "No previous period to compare with"
    return table_text("Compared with the previous period, in yuan", ["plan", "tier", "before", "now", "change"], rows)
