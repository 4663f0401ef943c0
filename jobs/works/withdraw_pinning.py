"""Which settlements of a period can be withdrawn, and what blocks the others."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from jobs.base.errors import Refused
from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables
from jobs.pipeline.amounts import yuan
from jobs.pipeline.request import PeriodRequest
from jobs.register.publications import Publication, published, published_in, withdrawn_in
from jobs.register.runs import Run
from jobs.register.stages import correct_command
from jobs.works.aid_for_set_off import earlier_set_off_fen

JOB, WITHDRAWN_JOB = "withdraw", "settle"
SETTLEMENTS = "settlements"


@dataclass(frozen=True)
class PinnedWithdrawal:
    """The settlements to take back, by plan; `withdrawn`: those of the requested plans that were taken back before."""

    request: PeriodRequest
    lake: Lake
    reason: str
    settled: Mapping[str, Publication]
    withdrawn: Mapping[str, Publication]

    @property
    def plan_ids(self) -> tuple[str, ...]:
        return tuple(self.settled)

    @property
    def run(self) -> Run:
        """The run that takes back these revisions."""
        request = self.request
        return Run(
            job=JOB,
            platform_id=request.platform.platform_id,
            period=str(request.period),
            plan_ids=self.plan_ids,
            input_versions={
                SETTLEMENTS: {
                    plan_id: {"run_id": act.run_id, "revision": act.revision, "digest": act.digest}
                    for plan_id, act in self.settled.items()
                }
            },
            rules={},
            settings={
                "as_of": str(request.as_of),
                "reason": self.reason,
                "withdrawn_by": request.environment.settled_by,
            },
        )


@dataclass(frozen=True)
class Obstacle:
    """What rests on the settlement of a plan, as texts.

    `is_final`: money was collected or set off against it, so it is corrected and not withdrawn. `later`: the
    settlements of later periods.
    """

    plan_id: str
    texts: tuple[str, ...]
    is_final: bool
    is_closed: bool
    later: tuple[Publication, ...]


def pin_withdrawal(lake: Lake, request: PeriodRequest, reason: str) -> PinnedWithdrawal:
    """The requested settlements of the period, by default all of them.

    Raises Refused if a requested plan was never settled, or something rests on one of the settlements.
    """
    small, period = lake.small, str(request.period)
    settled, withdrawn = published_in(small, WITHDRAWN_JOB, period), withdrawn_in(small, WITHDRAWN_JOB, period)
    requested = request.plan_ids or tuple(settled) or tuple(withdrawn)
    unknown = [p for p in requested if p not in settled and p not in withdrawn]
    if unknown or not requested:
        which = f"{', '.join(unknown)}: not settled" if unknown else "not settled"
        raise Refused(
            f"Period {period}: {which}. Nothing was withdrawn. `fentan status` shows what is settled; "
            f"`fentan settle --period {period}` settles it."
        )
    settled = {p: act for p, act in settled.items() if p in requested}
    _check_nothing_rests_on(request, small, settled)
    return PinnedWithdrawal(request, lake, reason, settled, {p: withdrawn[p] for p in requested if p in withdrawn})


def _check_nothing_rests_on(request: PeriodRequest, small: SmallTables, settled: Mapping[str, Publication]) -> None:
    period = str(request.period)
    collected, closed = (published_in(small, job, period) for job in ("collect", "close"))
    later = _later_settlements(request, small, settled)
    set_off_fen = earlier_set_off_fen(small, request.platform.calendar, request.period, settled)
    obstacles = [
        Obstacle(
            plan_id,
            texts=(
                *_stages(plan_id, collected, closed),
                *(f"{act.period} is settled by {act.run_id}" for act in later[plan_id]),
                *_set_off(request, set_off_fen.get(plan_id, 0)),
            ),
            is_final=plan_id in collected or plan_id in closed or plan_id in set_off_fen,
            is_closed=plan_id in closed,
            later=later[plan_id],
        )
        for plan_id in settled
    ]
    obstacles = [obstacle for obstacle in obstacles if obstacle.texts]
    if obstacles:
        texts = [f"{obstacle.plan_id}: {'; '.join(obstacle.texts)}" for obstacle in obstacles]
        raise Refused(
            f"Period {period}: the settlement cannot be withdrawn, because other results rest on it: "
            f"{'. '.join(texts)}. Nothing was withdrawn. "
            f"{' '.join(_way_out(request, small, obstacle) for obstacle in obstacles)}"
        )


def _stages(plan_id: str, collected: Mapping[str, Publication], closed: Mapping[str, Publication]) -> Iterator[str]:
    for stage, acts in (("collected", collected), ("closed", closed)):
        if plan_id in acts:
            yield f"{stage} by {acts[plan_id].run_id}"


def _set_off(request: PeriodRequest, fen: int) -> Iterator[str]:
    if fen:
        previous = request.platform.calendar.previous(request.period)
        yield f"the collection of {previous} set off {yuan(fen)} yuan of arrears against its aid"


def _later_settlements(
    request: PeriodRequest, small: SmallTables, plan_ids: Iterable[str]
) -> dict[str, tuple[Publication, ...]]:
    """The settlements of later periods of the plans, oldest first, by plan."""
    calendar = request.platform.calendar
    acts = sorted(published(small, WITHDRAWN_JOB).values(), key=lambda act: calendar.period(act.period))
    later = [act for act in acts if calendar.period(act.period) > request.period]
    return {p: tuple(act for act in later if act.plan_id == p) for p in plan_ids}


def _way_out(request: PeriodRequest, small: SmallTables, obstacle: Obstacle) -> str:
    """The commands that lead out, for one plan."""
    period, calendar, plan_id = request.period, request.platform.calendar, obstacle.plan_id
    if not obstacle.is_final:
        last = obstacle.later[-1].period
        command = f"`fentan withdraw --period {last} --plan {plan_id} --reason ...`"
        return f"Withdraw the later ones first, beginning with the last: {command}."
    correct = correct_command(small, calendar, str(period), plan_id)
    if obstacle.is_closed:
        return f"A closed period is corrected: {correct}."
    grace_ends_on = calendar.grace_ends_on(period)
    return (
        f"Continue with `fentan collect --period {period} --as-of {grace_ends_on}` and `fentan close --period {period} "
        f"--as-of {grace_ends_on}`, then correct it: {correct}."
    )
