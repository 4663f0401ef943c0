"""An approval: one person approves the digests that a preview gives now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from expectations.suites import RuleResult
from jobs.base.errors import Refused
from jobs.lake.lake import Lake
from jobs.lake.sinks import MeasuringSink, WritingSink
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import PeriodRequest
from jobs.pipeline.work import Work
from jobs.register.approvals import record_approvals, same_person
from jobs.register.runs import Run
from jobs.spark.digest import plan_digest
from jobs.works.approvals import counted_approvers
from jobs.works.settle_gate import Gate, judge_sources, stop_if_critical
from jobs.works.settle_pinning import PinnedSettlement, pin
from jobs.works.settle_plans import SettlementResult, settle_plans

JOB = "approve"


@dataclass(frozen=True)
class PinnedApproval:
    """An approval: digests and person. `settlement`: the period's plans that are not settled yet."""

    settlement: PinnedSettlement
    digests: tuple[str, ...]
    approved_by: str

    @property
    def lake(self) -> Lake:
        return self.settlement.lake

    @property
    def request(self) -> PeriodRequest:
        return self.settlement.request

    @property
    def plan_ids(self) -> tuple[str, ...]:
        return self.settlement.plan_ids

    @property
    def run(self) -> Run:
        """The approval of these digests by this person, from the inputs of the settlement."""
        settled = self.settlement.run
        approval = {"approved": sorted(self.digests), "approved_by": self.approved_by}
        settings = {"as_of": str(self.request.as_of)}
        return replace(settled, job=JOB, input_versions={**settled.input_versions, **approval}, settings=settings)


class Approve(Work):
    """Approves digests of a preview; any that a preview would not give now is refused."""

    job = JOB

    def __init__(self, digests: Iterable[str], approved_by: str):
        self.digests, self.approved_by = tuple(digests), approved_by

    def pin(self, lake: Lake, request: PeriodRequest) -> PinnedApproval:
        settlement = pin(lake, request)
        unsettled = tuple(p for p in settlement.plan_ids if p not in settlement.settled)
        if not unsettled:
            raise Refused(_nothing_to_approve(settlement))
        return PinnedApproval(replace(settlement, plan_ids=unsettled), self.digests, self.approved_by)

    def remaining(self, pinned: PinnedApproval) -> PinnedApproval:
        return pinned

    def judge(self, pinned: PinnedApproval) -> Gate:
        return judge_sources(pinned.settlement)

    def stop(self, pinned: PinnedApproval, gate: Gate) -> None:
        stop_if_critical(gate)

    def plan_ids(self, pinned: PinnedApproval, gate: Gate) -> Iterable[str]:
        return gate.plan_ids

    def compute(self, pinned: PinnedApproval, gate: Gate, sink: WritingSink) -> SettlementResult:
        run = pinned.settlement.run
        return settle_plans(pinned.settlement, gate, MeasuringSink(pinned.lake, run.period, gate.plan_ids, run.run_id))

    def breaches(self, pinned: PinnedApproval, gate: Gate, result: SettlementResult, sink: WritingSink) -> list[str]:
        return []

    def consent(self, pinned: PinnedApproval, result: SettlementResult, digests: Mapping[str, str]) -> None:
        unknown = sorted(set(self.digests) - set(digests.values()))
        if unknown:
            period, now = pinned.request.period, ", ".join(f"{p} {digest}" for p, digest in sorted(digests.items()))
            raise Refused(
                f"Period {period}: a preview does not give {', '.join(unknown)} now. It gives {now}. Nothing was "
                f"approved. `fentan preview --period {period}` shows what would be settled."
            )

    def rule_results(self, pinned: PinnedApproval, gate: Gate, result: SettlementResult | None) -> Iterable[RuleResult]:
        return gate.results if result is None else ()

    def publish(self, pinned: PinnedApproval, digests: Mapping[str, str]) -> None:
        approved = _approved(pinned, digests)
        run = pinned.run
        record_approvals(pinned.lake.small, run.period, approved, self.approved_by, run.run_id)

    def show(
        self, pinned: PinnedApproval, gate: Gate, result: SettlementResult, rule_results: Sequence[RuleResult]
    ) -> Outcome:
        request, required = pinned.request, pinned.request.environment.approvals_required
        digests = _approved(pinned, {p: plan_digest(tables) for p, tables in result.digests.items()})
        counted = counted_approvers(pinned.lake.small, request, digests)
        document = {
            "period": str(request.period),
            "state": "approved",
            "run_id": pinned.run.run_id,
            "approved_by": self.approved_by,
            "required": required,
            "plans": {p: {"digest": digest, "approvers": counted[p]} for p, digest in sorted(digests.items())},
        }
        lines = [
            f"{p} {request.period}: {digest} is approved by {', '.join(counted[p]) or self.approved_by}; {required} "
            "approvals are required"
            for p, digest in sorted(digests.items())
        ]
        return Outcome(document, "\n".join(lines), 0, tuple(self._messages(request)))

    def _messages(self, request: PeriodRequest) -> Iterable[str]:
        if same_person(self.approved_by, request.environment.settled_by):
            yield f"{self.approved_by} is the one who settles by this conf: that approval does not count"


def _approved(pinned: PinnedApproval, digests: Mapping[str, str]) -> dict[str, str]:
    return {p: digest for p, digest in digests.items() if digest in pinned.digests}


def _nothing_to_approve(settlement: PinnedSettlement) -> str:
    period = settlement.request.period
    if not settlement.plan_ids:
        return (
            f"Period {period}: no plan has members or claims. Nothing was approved. `fentan status` shows the periods."
        )
    settled = ", ".join(f"{p} with digest {act.digest}" for p, act in sorted(settlement.settled.items()))
    return (
        f"Period {period}: already settled: {settled}. Nothing was approved. To settle something else, take it back "
        f"first with `fentan withdraw --period {period} --reason ...`."
    )
