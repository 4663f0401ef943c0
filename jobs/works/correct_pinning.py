"""Inputs of a correction: a closed period as it is settled again, and the open period that takes the differences."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

from expectations.recoveries import ROW_RULES
from expectations.suites import RuleResult, judge
from jobs.base.errors import GateStopped, Refused, WrongUsage
from jobs.base.progress import announce
from jobs.gate.receipt_decisions import NO_DECISIONS, DecidedReceipts
from jobs.lake.lake import Lake
from jobs.lake.sources import pin_versions, pinned_inputs
from jobs.pipeline.request import PeriodRequest
from jobs.register.decisions import USED, WAIVE
from jobs.register.publications import CORRECT, Publication, corrections, few_rows_of, published, published_in
from jobs.register.runs import Run
from jobs.rulebook.calendar import Period
from jobs.works.collect_pinning import SOURCE as RECEIPTS
from jobs.works.corrections import Corrections, corrections_until
from jobs.works.late_claims import LateClaims
from jobs.works.receipt_decisions import decided_receipts
from jobs.works.releases import CLAIMS, claims_in_corrections, waived_in_source
from jobs.works.releases import RECEIPTS as RECEIPTS_SOURCE
from jobs.works.settle_pinning import PinnedSettlement
from jobs.works.settle_pinning import pin as pin_settlement

RECOVERIES = "source/recoveries"


@dataclass(frozen=True)
class PinnedOrigin(PinnedSettlement):
    """The closed period, from the sources and rules as they are now. `pools`: its rows of settled/pools, by plan.
    `waived`: its claims that were waived: they are never settled."""

    pools: Mapping[str, dict] = field(kw_only=True)
    waived: tuple[dict, ...] = ()

    def brought_forward_fen(self, plan_ids: tuple[str, ...]) -> dict[str, int]:
        """As settled: the residual brought forward is no difference."""
        return {p: self.pools[p]["brought_forward_fen"] for p in plan_ids}

    @cached_property
    def late_claims(self) -> LateClaims:
        """The waived claims, which the gate leaves out; others that came late are part of what is settled now."""
        return LateClaims(added=[{name: row[name] for name in CLAIMS.column_names} for row in self.waived])


@dataclass(frozen=True)
class PinnedCorrection:
    """The pinned inputs of a correction. `request`: of the open period. Maps are by plan; `settled` and `collected` are
    publications of the closed period. `revision`: the number of the plan's correction into the open period. `decided`:
    decisions on receipts of the closed period, by which dues were paid in time or not. `waived_receipts`: receipts of
    it that are dealt with elsewhere: they pay no due."""

    request: PeriodRequest
    lake: Lake
    origin: PinnedOrigin
    reason: str
    settled: Mapping[str, Publication]
    collected: Mapping[str, Publication]
    versions: Mapping[str, int]
    recoveries: list[dict]
    decided: DecidedReceipts = NO_DECISIONS
    waived_receipts: tuple[dict, ...] = ()

    @property
    def plan_ids(self) -> tuple[str, ...]:
        return self.origin.plan_ids

    @property
    def origin_name(self) -> str:
        """The name of the closed period."""
        return str(self.origin.request.period)

    @property
    def every(self) -> Corrections:
        """All corrections so far."""
        return self.origin.history.corrections or Corrections(self.lake)

    @cached_property
    def of_origin(self) -> Corrections:
        """The corrections of the same closed period so far."""
        return self.every.of([self.origin_name], self.plan_ids)

    @property
    def recovery_results(self) -> list[RuleResult]:
        """The results on source/recoveries; none if it is absent. A row that breaks a rule has stopped the run."""
        if RECOVERIES not in self.versions:
            return []
        return judge(RECOVERIES, {rule.id: 0 for rule in ROW_RULES}, None, len(self.recoveries))

    @property
    def of_origin_in_all_plans(self) -> Corrections:
        """The corrections of the same closed period so far, of all its plans."""
        return self.every.of([self.origin_name])

    @property
    def waived_receipt_ids(self) -> list[int]:
        """The ids of waived receipts. Where another row of the id is released, that one is money."""
        released = {row["receipt_id"] for row in self.decided.released}
        return sorted({row["receipt_id"] for row in self.waived_receipts} - released)

    @cached_property
    def revision(self) -> dict[str, int]:
        into = self.every.into(str(self.request.period)).publications
        return {p: 1 + sum(act.plan_id == p for act in into) for p in self.plan_ids}

    @cached_property
    def run(self) -> Run:
        """The run that corrects these plans from these inputs."""
        request, origin = self.request, self.origin.request.period
        waived = {row["held_id"]: WAIVE for row in (*self.origin.waived, *self.waived_receipts)}
        decisions = {**self.origin.releases.inputs(self.plan_ids), **waived, **self.decided.inputs}
        return Run(
            job=CORRECT,
            platform_id=request.platform.platform_id,
            period=str(request.period),
            plan_ids=self.plan_ids,
            input_versions={
                **pinned_inputs(self.lake, self.versions),
                "origin_period": self.origin_name,
                "reason": self.reason,
                "settled": {p: self.settled[p].digest for p in self.plan_ids},
                "collected": {p: self.collected[p].digest for p in self.plan_ids},
                "corrections": self.every.digests(self.plan_ids),
                **({USED: decisions} if decisions else {}),
            },
            rules=request.platform.correction_rules(origin, request.period, self.plan_ids),
            settings={"as_of": str(request.as_of)},
        )


def pin_correction(request: PeriodRequest, lake: Lake, origin: Period, reason: str) -> PinnedCorrection:
    """Pins the closed period `origin` as of now; `request` is that of the open period. Raises Refused, WrongUsage."""
    announce("pinning the closed period")
    calendar, small, name = request.platform.calendar, lake.small, str(origin)
    settled, collected, closed = (published_in(small, job, name) for job in ("settle", "collect", "close"))
    plan_ids = request.plan_ids or tuple(sorted(settled))
    _check_closed(name, plan_ids, settled, closed)
    _check_open(request, lake, origin, plan_ids)
    settlement = pin_settlement(lake, replace(request, period=origin, plan_ids=plan_ids))
    pools = {row["plan_id"]: row for row in few_rows_of(small, "settled/pools", [settled[p] for p in plan_ids])}
    values: dict[str, Any] = {field.name: getattr(settlement, field.name) for field in fields(settlement)}
    values["history"] = replace(settlement.history, corrections=corrections_until(lake, calendar, None))
    values["plan_ids"] = plan_ids
    others = tuple(table for table in (RECEIPTS, RECOVERIES) if lake.exists(table))
    versions = {**settlement.versions, **pin_versions(lake, others)}
    recoveries = _recoveries(lake, versions.get(RECOVERIES))
    waived = waived_in_source(small, CLAIMS, name, versions[CLAIMS.name], claims_in_corrections(small))
    return PinnedCorrection(
        request,
        lake,
        PinnedOrigin(**values, pools=pools, waived=tuple(row for row in waived if row["plan_id"] in plan_ids)),
        reason,
        settled,
        collected,
        versions,
        recoveries,
        _decided_receipts(lake, name, versions, settled, collected, closed),
        waived_in_source(small, RECEIPTS_SOURCE, name, versions[RECEIPTS]) if RECEIPTS in versions else (),
    )


def _decided_receipts(
    lake: Lake,
    period: str,
    versions: Mapping[str, int],
    settled: Mapping[str, Publication],
    collected: Mapping[str, Publication],
    closed: Mapping[str, Publication],
) -> DecidedReceipts:
    """The decisions on receipts of the closed period, as its collection takes them into account now."""
    if RECEIPTS not in versions:
        return NO_DECISIONS
    collected_by = [act.run_id for act in collected.values()]
    return decided_receipts(lake.small, period, versions[RECEIPTS], collected_by, all(p in closed for p in settled))


def check_order(origin: Period, into: Period, reason: str) -> None:
    """Raises WrongUsage unless the closed period is before the open one and a reason is given."""
    if not origin < into:
        raise WrongUsage(
            f"--into {into}: a correction of {origin} is posted into a later period. Nothing was corrected. Name the "
            "first period that is not settled yet."
        )
    if not reason.strip():
        raise WrongUsage("--reason: say why the period is corrected. Nothing was corrected.")


def _check_closed(
    period: str, plan_ids: Collection[str], settled: Mapping[str, Publication], closed: Mapping[str, Publication]
) -> None:
    open_plans = [p for p in plan_ids if p not in closed]
    if open_plans or not plan_ids:
        which = ", ".join(open_plans) or "every plan"
        is_settled = bool(open_plans) and all(p in settled for p in open_plans)
        raise Refused(
            f"Period {period}: not closed for {which}. Nothing was corrected. {_to_close(period, is_settled)}"
        )


def _to_close(period: str, is_settled: bool) -> str:
    if not is_settled:
        return f"Settle it with `fentan settle --period {period}`."
    return (
        f"Close it with `fentan close --period {period}`; if nothing was collected yet, `fentan withdraw --period "
        f"{period} --reason ...` takes the settlement back instead."
    )


def _check_open(request: PeriodRequest, lake: Lake, origin: Period, plan_ids: Collection[str]) -> None:
    """Raises Refused unless the period is each plan's first unsettled one, without corrections into a later one."""
    calendar = request.platform.calendar
    last: dict[str, Period] = {}
    for name, plan_id in published(lake.small, "settle"):
        period = calendar.period(name)
        last[plan_id] = max(last.get(plan_id, period), period)
    posted = [(act.plan_id, calendar.period(act.period)) for act in corrections(lake.small)]
    for plan_id in plan_ids:
        first_open = calendar.next(last[plan_id])
        later = max((into for p, into in posted if p == plan_id and first_open and into > first_open), default=None)
        if later is not None or first_open != request.period:
            raise Refused(
                f"Plan {plan_id}: {_why_not_into(request.period, first_open, later)} Nothing was corrected. "
                f"{_way_in(plan_id, origin, first_open, later)}"
            )


def _why_not_into(into: Period, first_open: Period | None, later: Period | None) -> str:
    if later is not None:
        return f"corrections are posted into {later} already, and {first_open} before it is not settled any more."
    if first_open is None:
        return f"{into} is settled, and the calendar has no period after it."
    return f"{into} is not its first period that is not settled yet; it is {first_open}."


def _way_in(plan_id: str, origin: Period, first_open: Period | None, later: Period | None) -> str:
    command = (
        f"`fentan correct --period {origin} --into {later or first_open or 'PERIOD'} --plan {plan_id} --reason ...`"
    )
    if later is not None:
        return f"Settle it again with `fentan settle --period {first_open}`, then correct: {command}."
    if first_open is None:
        return f"Add a period to the calendar of the rules, then correct into it: {command}."
    return f"Correct into that period: {command}."


def _recoveries(lake: Lake, version: int | None) -> list[dict]:
    """The rows of source/recoveries; raises GateStopped if one breaks a rule."""
    if version is None:
        return []
    rows = lake.small.rows(RECOVERIES, version=version)
    broken = [rule.sentence for rule in ROW_RULES if any(rule.broken(row) for row in rows)]
    if len({row["recovery_id"] for row in rows}) < len(rows):
        broken.append("No two recoveries share an id.")
    if broken:
        raise GateStopped(
            f"{RECOVERIES}, version {version}: rows break the rules: {' '.join(broken)} Nothing was corrected. Mend "
            "the rows, then correct again."
        )
    return rows
