"""Inputs of a period's settlement, pinned: later changes of the sources do not affect the run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from pyspark.sql import DataFrame

from jobs.base.canonical import canonical_digest
from jobs.base.errors import rule_not_in_force
from jobs.base.progress import announce
from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables, matching
from jobs.lake.sources import pin_versions, pinned_inputs, read_source
from jobs.pipeline.request import PeriodRequest, exists_in
from jobs.register.decisions import USED
from jobs.register.publications import Publication, few_rows_of, published, rows_of
from jobs.register.runs import Run
from jobs.rulebook.rules import RuleNotInForce
from jobs.settlement.coverage import lapsed_on
from jobs.works.history import History, history_before
from jobs.works.late_claims import LateClaims, late_claims
from jobs.works.releases import NO_RELEASES, Releases, releases_for
from jobs.works.unknown_plans import check_members_of_platform

SOURCES = ("source/members", "source/approved_claims")


@dataclass(frozen=True)
class PinnedSettlement:
    """The pinned inputs of a settlement.

    `lapsed_in`: collections whose grace limit is on or before the publicity day, so their lapses have ended cover.
    `settled`: the period's settlements so far, by plan. `plan_ids`: the plans to settle or compare. `skipped`: why
    other plans are left out. `releases`: released rows that affect the period.
    """

    request: PeriodRequest
    lake: Lake
    versions: Mapping[str, int]
    history: History
    lapsed_in: tuple[Publication, ...]
    settled: Mapping[str, Publication]
    plan_ids: tuple[str, ...]
    skipped: tuple[str, ...]
    releases: Releases = NO_RELEASES

    @cached_property
    def run(self) -> Run:
        """The run that settles all of `plan_ids`. Worked out once: an owner may replace a source table meanwhile."""
        return self.run_of(self.plan_ids)

    def run_of(self, plan_ids: tuple[str, ...]) -> Run:
        """The run that settles these plans from the pinned inputs."""
        request, decided = self.request, self.releases.inputs(plan_ids)
        return Run(
            job="settle",
            platform_id=request.platform.platform_id,
            period=str(request.period),
            plan_ids=plan_ids,
            input_versions={
                **pinned_inputs(self.lake, self.versions),
                "predecessors": self._predecessor_digests(plan_ids),
                **self._inputs_from_collections(plan_ids),
                **({USED: decided} if decided else {}),
            },
            rules=request.platform.settlement_rules(request.period, plan_ids),
            settings={
                "as_of": str(request.as_of),
                "ceilings": _ceilings(request),
                "settled_by": request.environment.settled_by,
            },
        )

    def brought_forward_fen(self, plan_ids: tuple[str, ...]) -> dict[str, int]:
        """The residual of each plan; after write-offs if the next period bears them.

        Of a settled plan, the residual that its settlement took over: later entries in the books do not change it.
        """
        platform = self.request.platform
        if platform.collection.shortfall_borne_by == "platform":
            return self.history.brought_forward_fen(plan_ids)
        settled = [self.settled[p] for p in plan_ids if p in self.settled]
        pools = few_rows_of(self.lake.small, "settled/pools", settled)
        unsettled = tuple(p for p in plan_ids if p not in self.settled)
        on_collected_money = platform.carry_on == "collected"
        residual_fen = self.history.residual_on_books_fen(unsettled, self.request.publicity_on, on_collected_money)
        return {row["plan_id"]: row["brought_forward_fen"] for row in pools} | residual_fen

    def lapses(self) -> DataFrame | None:
        """One row per lapse: plan_id, member_id, lapsed_on (local day; cover ended at 00:00). None: no lapse."""
        if not self.lapsed_in:
            return None
        rows = rows_of(self.lake, "settled/lapses", self.lapsed_in)
        if self.history.corrections is not None:
            rows = self.history.corrections.without_reinstated(rows)
        return rows.select("plan_id", "member_id", lapsed_on(self.request.platform.time_zone))

    @cached_property
    def late_claims(self) -> LateClaims:
        """Claims of settled periods that arrived after the settlement, in the pinned version of the source."""
        return late_claims(self.lake.small, self.request.platform, self.versions["source/approved_claims"])

    def _inputs_from_collections(self, plan_ids: tuple[str, ...]) -> dict:
        """What the settlement takes from earlier collections: lapses, and the residual if it depends on them."""
        lapsed = sorted((p.period, p.plan_id, p.digest) for p in self.lapsed_in if p.plan_id in plan_ids)
        borne_by = self.request.platform.collection.shortfall_borne_by
        residual: dict = {} if borne_by == "platform" else {"brought_forward_fen": self.brought_forward_fen(plan_ids)}
        corrected = [] if self.history.corrections is None else self.history.corrections.digests(plan_ids)
        if corrected:
            residual = residual | {"corrections": canonical_digest(corrected)}
        if not lapsed:
            return residual
        # One digest for all: the list grows with every period, and every later run would have to store it.
        digest = canonical_digest(lapsed)
        return {"lapses": {"until": lapsed[-1][0], "digest": digest}} | residual

    @property
    def period_names(self) -> tuple[str, ...]:
        """Every period of the platform's calendar."""
        return self.request.platform.calendar.period_names

    def source(self, name: str) -> DataFrame:
        """A source table at its pinned version; raises GateStopped if columns are missing."""
        return read_source(self.lake, name, self.versions[name])

    def _predecessor_digests(self, plan_ids: tuple[str, ...]) -> dict[str, str]:
        predecessors = {plan_id: self.history.predecessor(plan_id) for plan_id in plan_ids}
        return {plan_id: settlement.digest for plan_id, settlement in predecessors.items() if settlement is not None}


def pin(lake: Lake, request: PeriodRequest) -> PinnedSettlement:
    """Pins the newest versions of the sources and selects the plans to settle."""
    announce("pinning source versions")
    versions = pin_versions(lake, SOURCES)
    check_members_of_platform(lake.small, request.platform, versions["source/members"])
    history = history_before(lake, request.platform.calendar, request.period)
    candidates = _candidates(request, history)
    # Plans with history are always included; only new plans are probed for rows.
    present = _plans_present(lake.small, request, [p for p in candidates if p not in history.publications])
    plan_ids = tuple(p for p in candidates if p in present or p in history.publications)
    _check_rules_in_force(request, plan_ids)
    skipped = tuple(f"{p} has neither members nor claims and was skipped" for p in candidates if p not in plan_ids)
    lapsed_in = _lapsed_in(lake, request)
    releases = releases_for(lake.small, request.platform.calendar, request.period, versions, history.settled)
    return PinnedSettlement(request, lake, versions, history, lapsed_in, history.settled, plan_ids, skipped, releases)


def _candidates(request: PeriodRequest, history: History) -> tuple[str, ...]:
    """The requested plans, else those that exist in the period.

    When a settled period is settled or compared again, plans that were first settled in a later period are left out.
    """
    if request.plan_ids:
        return request.plan_ids
    plans = [p for p in sorted(request.platform.plans) if exists_in(request.platform, p, request.period)]
    return tuple(p for p in plans if not history.settled or p in history.settled or not history.is_before_first(p))


def _check_rules_in_force(request: PeriodRequest, plan_ids: Iterable[str]) -> None:
    """Raises WrongUsage if a rule that the period needs has no value yet: a missing rule is never a zero."""
    for plan_id in plan_ids:
        plan = request.platform.plans[plan_id]
        try:
            plan.sharing_on(request.publicity_on)
            plan.joining_on(request.publicity_on)
        except RuleNotInForce as missing:
            raise rule_not_in_force(missing) from missing


def _lapsed_in(lake: Lake, request: PeriodRequest) -> tuple[Publication, ...]:
    """The collections whose grace limit is on or before the publicity day."""
    calendar = request.platform.calendar
    return tuple(
        collection
        for collection in published(lake.small, "collect").values()
        if calendar.grace_ends_on(calendar.period(collection.period)) <= request.publicity_on
    )


def _plans_present(small: SmallTables, request: PeriodRequest, candidates: Iterable[str]) -> set[str]:
    """The plans with members or with claims of the period."""
    filters = {"source/members": {}, "source/approved_claims": {"publicity_period": str(request.period)}}
    return {
        plan_id
        for plan_id in candidates
        if any(small.holds_any(name, matching(plan_id=plan_id, **equal)) for name, equal in filters.items())
    }


def _ceilings(request: PeriodRequest) -> dict[str, int]:
    environment = request.environment
    return {
        "members_ppm": environment.quarantine_ceiling_members_ppm,
        "claims_ppm": environment.quarantine_ceiling_claims_ppm,
        "floor_rows": environment.quarantine_ceiling_floor_rows,
    }
