"""Which settlements of a period can be withdrawn, and what stands in the way of the others."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from jobs.errors import Refused
from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables
from jobs.pipeline.amounts import yuan
from jobs.pipeline.request import PeriodRequest
from jobs.register.publications import Publication, published, published_in, withdrawn_in
from jobs.register.runs import Run
from jobs.works.set_off import earlier_set_off_fen

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
    texts, ways_out = [], []
    for plan_id in settled:
        resting = [
            *_stages(plan_id, collected, closed),
            *(f"{act.period} is settled by {act.run_id}" for act in later.get(plan_id, ())),
            *_set_off(request, set_off_fen.get(plan_id, 0)),
        ]
        if resting:
            texts.append(f"{plan_id}: {'; '.join(resting)}")
            is_final = plan_id in collected or plan_id in closed or plan_id in set_off_fen
            last = later[plan_id][-1] if plan_id in later else None
            ways_out.append(_way_out(request, plan_id, is_final, plan_id in closed, last))
    if texts:
        raise Refused(
            f"Period {period}: the settlement cannot be withdrawn, because other results rest on it: "
            f"{'. '.join(texts)}. Nothing was withdrawn. {' '.join(dict.fromkeys(ways_out))}"
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
    calendar, later = request.platform.calendar, {}
    acts = sorted(published(small, WITHDRAWN_JOB).values(), key=lambda act: calendar.period(act.period))
    for plan_id in plan_ids:
        of_plan = [act for act in acts if act.plan_id == plan_id and calendar.period(act.period) > request.period]
        if of_plan:
            later[plan_id] = tuple(of_plan)
    return later


def _way_out(request: PeriodRequest, plan_id: str, is_final: bool, is_closed: bool, last: Publication | None) -> str:
    """The commands that lead out, for one plan."""
    period, calendar = request.period, request.platform.calendar
    if not is_final and last is not None:
        return f"Withdraw the later ones first, the last one before the others: {_command(plan_id, last.period)}."
    into = calendar.next(period if last is None else calendar.period(last.period))
    correct = f"`fentan correct --period {period} --into {into or 'Q'} --plan {plan_id} --reason ...`"
    if is_closed:
        return f"A closed period is corrected: {correct}."
    grace_ends_on: date = calendar.grace_ends_on(period)
    return (
        f"Continue with `fentan collect --period {period} --as-of {grace_ends_on}` and `fentan close --period {period} "
        f"--as-of {grace_ends_on}`, then correct it: {correct}."
    )


def _command(plan_id: str, period: str) -> str:
    return f"`fentan withdraw --period {period} --plan {plan_id} --reason ...`"
