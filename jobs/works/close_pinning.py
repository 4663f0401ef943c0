"""Inputs of a period's close, and the checks that the period is ready for it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

from jobs.base.errors import Refused
from jobs.base.progress import announce
from jobs.gate.costs import CLAIMS, COSTS, REVIEWS, VISITS
from jobs.lake.lake import Lake
from jobs.lake.sources import pin_versions, pinned_inputs
from jobs.ledger.journal import Transfer
from jobs.pipeline.request import PeriodRequest
from jobs.register.books import transfers_of
from jobs.register.decisions import RELEASE, USED
from jobs.register.publications import Publication, corrections_into, few_rows_of, published_in
from jobs.register.runs import Run, input_versions_of, settings_of, unended_runs
from jobs.works.collect_pinning import STAGE, pin_collection
from jobs.works.collect_unchanged import changes_since_collected, run_of_same_inputs
from jobs.works.late_claims import LateClaims, late_claims
from jobs.works.releases import released_costs

JOB = "close"


@dataclass(frozen=True)
class PinnedClose:
    """The pinned inputs of a close. Maps are by plan; `plan_ids`: the plans this run closes; `closed`: earlier
    closes; `released`: by source, the costs and visits that a decision lets pass."""

    request: PeriodRequest
    lake: Lake
    settled: Mapping[str, Publication]
    collected: Mapping[str, Publication]
    closed: Mapping[str, Publication]
    pools: Mapping[str, dict]
    plan_ids: tuple[str, ...]
    versions: Mapping[str, int]
    run: Run
    released: Mapping[str, tuple[dict, ...]] = field(default_factory=dict)

    @cached_property
    def late_claims(self) -> LateClaims:
        """Claims of settled periods that arrived after the settlement, in the newest version of the source."""
        return late_claims(self.lake.small, self.request.platform)

    def transfers(self) -> dict[str, list[Transfer]]:
        """The transfers that corrections into the period, settlement and collection posted, by plan."""
        corrected = [
            p for p in corrections_into(self.lake.small, str(self.request.period)) if p.plan_id in self.settled
        ]
        return transfers_of(self.lake.small, [*corrected, *self.settled.values(), *self.collected.values()])


def pin_closing(request: PeriodRequest, lake: Lake) -> PinnedClose:
    """Pins the open plans of the period; raises Refused, with the command to run, if they cannot be closed yet."""
    announce("pinning the period")
    period = str(request.period)
    settled, collected, closed = (published_in(lake.small, job, period) for job in ("settle", "collect", JOB))
    requested = tuple(sorted(request.plan_ids or settled))
    _check_settled(period, settled, requested)
    plan_ids = tuple(p for p in requested if p not in closed)
    if plan_ids:
        _check_together(lake, period, sorted(set(settled) - {*closed, *plan_ids}))
        _check_turn(request, lake, plan_ids)
        _check_collected(request, lake, collected, plan_ids)
        _check_collection_is_current(request, lake, [collected[p] for p in plan_ids])
    versions = pin_versions(lake, tuple(name for name in (COSTS, VISITS, REVIEWS, CLAIMS) if lake.exists(name)))
    released = released_costs(lake.small, request.platform.calendar, request.period, versions)
    decided = {row["held_id"]: RELEASE for rows in released.values() for row in rows}
    run = Run(
        job=JOB,
        platform_id=request.platform.platform_id,
        period=period,
        plan_ids=plan_ids,
        input_versions={
            **pinned_inputs(lake, versions),
            "settled": {p: settled[p].digest for p in plan_ids},
            "collected": {p: collected[p].digest for p in plan_ids},
            **({USED: decided} if decided else {}),
        },
        rules=request.platform.closing_rules(request.period),
        settings={"as_of": str(request.as_of)},
    )
    pools = {row["plan_id"]: row for row in few_rows_of(lake.small, "settled/pools", settled.values())}
    return PinnedClose(request, lake, settled, collected, closed, pools, plan_ids, versions, run, released)


def _check_settled(period: str, settled: Mapping[str, Publication], requested: Collection[str]) -> None:
    unsettled = [p for p in requested if p not in settled]
    if unsettled or not settled:
        which = f"{', '.join(unsettled)}: not settled" if unsettled else "not settled"
        raise Refused(
            f"Period {period}: {which}. Nothing was closed. Settle it first with `fentan settle --period {period}`."
        )


def _check_together(lake: Lake, period: str, left_open: list[str]) -> None:
    """Raises Refused if plans stay open although corrections are posted into the period.

    A payer's refund is money for all his plans, and his money meets additional dues after all shares: what one plan's
    closed books took of it could not be told from what is left for the others.
    """
    if left_open and corrections_into(lake.small, period):
        raise Refused(
            f"Period {period}: corrections are posted into it, so that its plans are closed together; "
            f"{', '.join(left_open)} would stay open. Nothing was closed. Close all plans with `fentan close --period "
            f"{period}`."
        )


def _check_turn(request: PeriodRequest, lake: Lake, plan_ids: tuple[str, ...]) -> None:
    previous = request.platform.calendar.previous(request.period)
    if previous is not None:
        settled, closed = (published_in(lake.small, job, str(previous)) for job in ("settle", JOB))
        waiting = [p for p in plan_ids if p in settled and p not in closed]
        if waiting:
            raise Refused(
                f"Period {request.period}: {', '.join(waiting)}: the previous period {previous} is not closed. "
                f"Nothing was closed. Close it first with `fentan close --period {previous}`."
            )
    running = unended_runs(lake.small, str(request.period), plan_ids)
    if running:
        raise Refused(
            f"Period {request.period}: run {', '.join(running)} began and never ended. Nothing was closed. "
            f"Run its command again until it ends (`fentan settle --period {request.period}` or `fentan collect "
            f"--period {request.period}`), then close."
        )


def _check_collected(
    request: PeriodRequest, lake: Lake, collected: Mapping[str, Publication], plan_ids: tuple[str, ...]
) -> None:
    grace_ends_on = request.platform.calendar.grace_ends_on(request.period)
    if request.as_of < grace_ends_on:
        raise Refused(
            f"Period {request.period}: members may pay until {grace_ends_on}; today is {request.as_of}. Nothing was "
            f"closed. Run `fentan close --period {request.period}` on that day or later."
        )
    stages = {p: input_versions_of(lake.small, collected[p].run_id)[STAGE] for p in plan_ids if p in collected}
    waiting = [p for p in plan_ids if stages.get(p) != "final"]
    if waiting:
        raise Refused(
            f"Period {request.period}: {', '.join(waiting)}: not collected up to the grace limit {grace_ends_on}. "
            f"Nothing was closed. Run `fentan collect --period {request.period}` on that day or later, then close."
        )


def _check_collection_is_current(request: PeriodRequest, lake: Lake, collected: list[Publication]) -> None:
    """Raises Refused if collecting today would have other inputs: their money would be in no books."""
    until = max(date.fromisoformat(settings_of(lake.small, p.run_id)["as_of"]) for p in collected)
    as_of = max(until, request.as_of)
    pinned = pin_collection(replace(request, as_of=as_of, plan_ids=None), lake)
    if run_of_same_inputs(pinned, with_next_period=False) is None:
        raise Refused(
            f"Period {request.period}: since it was collected, as of {until}, inputs up to {as_of} have changed: "
            f"{'; '.join(changes_since_collected(pinned, with_next_period=False))}. Nothing was closed. Run "
            f"`fentan collect --period {request.period} --as-of {as_of}`, then close."
        )
