"""What a period's close is made from, and what must be done before it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from jobs.errors import Refused
from jobs.gate.costs import CLAIMS, COSTS, REVIEWS, VISITS
from jobs.lake.lake import Lake
from jobs.lake.sources import pin_versions, pinned_inputs
from jobs.ledger.journal import Transfer
from jobs.pipeline.request import PeriodRequest
from jobs.progress import announce
from jobs.register.books import transfers_of
from jobs.register.publications import Publication, few_rows_of, published_in
from jobs.register.runs import Run, input_versions_of, settings_of, unended_runs
from jobs.works.collect_pinning import made_already, pin_collection
from jobs.works.late_claims import LateClaims, late_claims

JOB = "close"


@dataclass(frozen=True)
class PinnedClose:
    """What a period is closed from. Maps are by plan; `plan_ids` are those still to be closed, `closed` those
    closed."""

    request: PeriodRequest
    lake: Lake
    settled: Mapping[str, Publication]
    collected: Mapping[str, Publication]
    closed: Mapping[str, Publication]
    pools: Mapping[str, dict]
    plan_ids: tuple[str, ...]
    versions: Mapping[str, int]
    run: Run

    @cached_property
    def late_claims(self) -> LateClaims:
        """The claims of settled periods that came after the settlement, as the source is now."""
        return late_claims(self.lake.small, self.request.platform)

    def transfers(self) -> dict[str, list[Transfer]]:
        """What settlement and collection posted, by plan."""
        return transfers_of(self.lake.small, [*self.settled.values(), *self.collected.values()])


def pin_closing(request: PeriodRequest, lake: Lake) -> PinnedClose:
    """Finds what is to be closed; raises Refused where something must be done before, and says what."""
    announce("pinning the period")
    period = str(request.period)
    by_job = {job: published_in(lake.small, job, period) for job in ("settle", "collect", JOB)}
    settled = by_job["settle"]
    asked = tuple(sorted(request.plan_ids or settled))
    unsettled = [p for p in asked if p not in settled]
    if unsettled or not settled:
        which = f"{', '.join(unsettled)}: not settled" if unsettled else "not settled"
        raise Refused(f"Period {period}: {which}. Nothing was closed. Settle it first: `fentan settle`.")
    plan_ids = tuple(p for p in asked if p not in by_job[JOB])
    if plan_ids:
        _check_turn(request, lake, plan_ids)
        _check_collected(request, lake, by_job["collect"], plan_ids)
        _check_nothing_came_since(request, lake, [by_job["collect"][p] for p in plan_ids])
    versions = pin_versions(lake, tuple(name for name in (COSTS, VISITS, REVIEWS, CLAIMS) if lake.exists(name)))
    run = Run(
        job=JOB,
        platform_id=request.platform.platform_id,
        period=period,
        plan_ids=plan_ids,
        input_versions={
            **pinned_inputs(lake, versions),
            "settled": {p: settled[p].digest for p in plan_ids},
            "collected": {p: by_job["collect"][p].digest for p in plan_ids},
        },
        rules=request.platform.closing_rules(request.period),
        settings={"as_of": str(request.as_of)},
    )
    pools = {row["plan_id"]: row for row in few_rows_of(lake.small, "settled/pools", settled.values())}
    return PinnedClose(request, lake, settled, by_job["collect"], by_job[JOB], pools, plan_ids, versions, run)


def _check_turn(request: PeriodRequest, lake: Lake, plan_ids: tuple[str, ...]) -> None:
    previous = request.platform.calendar.previous(request.period)
    if previous is not None:
        settled, closed = (published_in(lake.small, job, str(previous)) for job in ("settle", JOB))
        waiting = [p for p in plan_ids if p in settled and p not in closed]
        if waiting:
            raise Refused(
                f"Period {request.period}: {', '.join(waiting)}: the previous period {previous} is not closed. "
                f"Nothing was closed. Close {previous} first."
            )
    running = unended_runs(lake.small, str(request.period), plan_ids)
    if running:
        raise Refused(
            f"Period {request.period}: run {', '.join(running)} began and never ended. Nothing was closed. "
            "Run its command again until it ends, then close."
        )


def _check_collected(
    request: PeriodRequest, lake: Lake, collected: Mapping[str, Publication], plan_ids: tuple[str, ...]
) -> None:
    grace_ends_on = request.platform.calendar.grace_ends_on(request.period)
    if request.as_of < grace_ends_on:
        raise Refused(
            f"Period {request.period}: members may pay until {grace_ends_on}, it is {request.as_of}. Nothing was "
            "closed. Close it on that day or later."
        )
    stages = {p: input_versions_of(lake.small, pub.run_id)["stage"] for p, pub in collected.items() if p in plan_ids}
    waiting = [p for p in plan_ids if stages.get(p) != "final"]
    if waiting:
        raise Refused(
            f"Period {request.period}: {', '.join(waiting)}: not collected up to the grace limit {grace_ends_on}. "
            f"Nothing was closed. Run `fentan collect --period {request.period}` on that day or later, then close."
        )


def _check_nothing_came_since(request: PeriodRequest, lake: Lake, collected: list[Publication]) -> None:
    """Raises Refused where a collection of today would be another one: its money would be in no books."""
    until = max(date.fromisoformat(settings_of(lake.small, p.run_id)["as_of"]) for p in collected)
    as_of = max(until, request.as_of)
    inputs = pin_collection(replace(request, as_of=as_of, plan_ids=None), lake)
    if made_already(inputs, next_period_counts=False) is None:
        raise Refused(
            f"Period {request.period}: since it was collected, as of {until}, receipts up to {as_of}, plans, rules or "
            "the lapses of the period before have changed. Nothing was closed. Run "
            f"`fentan collect --period {request.period} --as-of {as_of}`, then close."
        )
