"""The withdrawal of settlements: their rows are valid no more, and the period can be settled again."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from expectations.claims import AFTER_SETTLEMENT
from expectations.suites import RuleResult
from jobs.gate.quarantine import HELD_CLAIMS, HELD_MEMBERS
from jobs.lake.lake import Lake
from jobs.lake.sinks import WritingSink
from jobs.lake.small import SmallTables, matching
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import PeriodRequest
from jobs.pipeline.work import Work
from jobs.register.publications import Publication, corrections_into, published_in, withdraw, withdrawn_in
from jobs.works.withdraw_pinning import JOB, SETTLEMENTS, WITHDRAWN_JOB, PinnedWithdrawal, pin_withdrawal

IS_LATE = f"array_has(reasons, '{AFTER_SETTLEMENT.id}')"


@dataclass(frozen=True)
class NoRows:
    """A withdrawal writes no rows."""

    digests: Mapping[str, Mapping[str, dict]] = field(default_factory=dict)


class Withdraw(Work):
    """Takes back the settlements of a period on which nothing rests. `reason`: kept in control/runs."""

    job = JOB
    needs_spark = False

    def __init__(self, reason: str):
        self.reason = reason

    @property
    def ends(self) -> tuple[str, ...]:
        return WITHDRAWN_JOB, JOB

    def pin(self, lake: Lake, request: PeriodRequest) -> PinnedWithdrawal:
        return pin_withdrawal(lake, request, self.reason)

    def remaining(self, pinned: PinnedWithdrawal) -> PinnedWithdrawal | Outcome:
        return pinned if pinned.settled else _already_withdrawn(pinned)

    def compute(self, pinned: PinnedWithdrawal, gate: None, sink: WritingSink) -> NoRows:
        return NoRows()

    def breaches(self, pinned: PinnedWithdrawal, gate: None, result: NoRows, sink: WritingSink) -> list[str]:
        return []

    def publish(self, pinned: PinnedWithdrawal, digests: Mapping[str, str]) -> None:
        withdraw(pinned.lake.small, pinned.settled.values(), pinned.run.run_id)

    def follow_up(self, pinned: PinnedWithdrawal, result: NoRows, sink: WritingSink) -> None:
        _forget_held(pinned.lake.small, pinned.settled.values(), pinned.run.run_id)

    def finish(self, lake: Lake, request: PeriodRequest, row: dict) -> None:
        if row["job"] != JOB:
            return
        revisions = {p: act["revision"] for p, act in json.loads(row["input_versions"])[SETTLEMENTS].items()}
        acts = withdrawn_in(lake.small, WITHDRAWN_JOB, row["period"])
        _forget_held(lake.small, [act for p, act in acts.items() if revisions.get(p) == act.revision], row["run_id"])

    def show(self, pinned: PinnedWithdrawal, gate: None, result: NoRows, rule_results: Sequence[RuleResult]) -> Outcome:
        period, run = str(pinned.request.period), pinned.run
        document = {
            "period": period,
            "state": "withdrawn",
            "run_id": run.run_id,
            "reason": pinned.reason,
            "plans": _by_plan(pinned.settled),
        }
        lines = [
            f"{act.plan_id} {period}: revision {act.revision}, run {act.run_id}, is withdrawn"
            for act in pinned.settled.values()
        ]
        lines.append(f"Settle the period again with `fentan settle --period {period}`; `fentan preview` shows it first")
        return Outcome(document, "\n".join(lines), 0, tuple(_messages(pinned)))


def _by_plan(publications: Mapping[str, Publication]) -> dict[str, dict]:
    return {
        p: {"run_id": act.run_id, "revision": act.revision, "digest": act.digest} for p, act in publications.items()
    }


def _forget_held(small: SmallTables, withdrawn: Collection[Publication], run_id: str) -> None:
    """Removes the rows that the withdrawn settlements held from the quarantine: the next settlement judges them again.

    Rows of no known plan stay while another plan of the same run is published. Claims that came after a withdrawn
    settlement are not late any more, whoever held them. Rows on which somebody decided stay: `status` does not
    count them, and the next settlement takes the decision into account.
    """
    for settled_by in sorted({act.run_id for act in withdrawn}):
        acts = [act for act in withdrawn if act.run_id == settled_by]
        period, plan_ids = acts[0].period, [act.plan_id for act in acts]
        published = published_in(small, WITHDRAWN_JOB, period).values()
        plans = {"plan_id": plan_ids} if any(act.run_id == settled_by for act in published) else {}
        held = matching(held_in_period=period, run_id=settled_by, released_by=None, **plans)
        small.delete(HELD_MEMBERS.name, held, run_id)
        small.delete(HELD_CLAIMS.name, f"{held} and not {IS_LATE}", run_id)
        late = f"{matching(publicity_period=period, plan_id=plan_ids, released_by=None)} and {IS_LATE}"
        small.delete(HELD_CLAIMS.name, late, run_id)


def _messages(pinned: PinnedWithdrawal) -> Iterable[str]:
    period, run_ids = str(pinned.request.period), {act.run_id for act in pinned.settled.values()}
    reported = matching(period=period, run_id=run_ids, plan_id=list(pinned.settled))
    if pinned.lake.small.holds_any("report/period_summary", reported):
        yield (
            f"The pages of {period} in report/html show the withdrawn settlement until it is settled again and "
            f"`fentan report --period {period}` is run"
        )
    yield from _corrected_into(pinned)
    yield from _collect_again(pinned)


def _corrected_into(pinned: PinnedWithdrawal) -> Iterable[str]:
    """Corrections into the period are publications of their own: they stay."""
    period = str(pinned.request.period)
    counts = Counter(act.plan_id for act in corrections_into(pinned.lake.small, period))
    for plan_id in pinned.settled:
        if counts[plan_id]:
            yield (
                f"{plan_id}: {counts[plan_id]} corrections are posted into {period}; they stay, and count when it is "
                "settled again"
            )


def _collect_again(pinned: PinnedWithdrawal) -> Iterable[str]:
    """Plans whose previous period is collected and open: its arrears may be set off against the aid settled next."""
    small, previous = pinned.lake.small, pinned.request.platform.calendar.previous(pinned.request.period)
    collected, closed = (published_in(small, job, str(previous)) for job in ("collect", "close"))
    plan_ids = [p for p in pinned.settled if p in collected and p not in closed]
    if plan_ids:
        yield (
            f"{', '.join(plan_ids)}: once the period is settled again, run `fentan collect --period {previous}` again "
            "before that period is closed, so that its arrears are set off against the new aid"
        )


def _already_withdrawn(pinned: PinnedWithdrawal) -> Outcome:
    period = str(pinned.request.period)
    document = {"period": period, "state": "already withdrawn", "plans": _by_plan(pinned.withdrawn)}
    lines = [
        f"{act.plan_id} {period}: revision {act.revision} is withdrawn already; nothing to do"
        for act in pinned.withdrawn.values()
    ]
    return Outcome(document, "\n".join(lines), 0)
