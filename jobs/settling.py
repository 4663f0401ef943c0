"""What preview, settle and check have in common: pinned inputs, the gate, the settlement of every plan that may go on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.rule import Severity, Terms
from expectations.suites import Judged
from jobs.errors import GateStopped
from jobs.lake.gate.claims import ClaimGate, judge_claims
from jobs.lake.gate.memberships import MembershipGate, covered_count, judge_memberships
from jobs.lake.gate.report import (
    above_ceiling,
    claims_held_count,
    critical_failures,
    judge_approved_claims,
    judge_members,
    members_held_count,
    rows_by_fate,
)
from jobs.lake.history import History, history_before
from jobs.lake.lake import Lake
from jobs.lake.publications import Publication
from jobs.lake.runs import Run
from jobs.lake.session import open_session
from jobs.lake.sources import pin_versions, read_source
from jobs.lake.year import Year
from jobs.outcome import announce
from jobs.request import PeriodRequest, is_open
from jobs.settlement.coverage import COVERED, with_cover
from jobs.settlement.period import Given, Settled, judged_benefits, settle_period

SOURCES = ("source/members", "source/approved_claims")


@dataclass(frozen=True)
class Pinned:
    """A period's inputs, pinned: source versions, history, the plans concerned and why others are left out."""

    request: PeriodRequest
    lake: Lake
    versions: Mapping[str, int]
    history: History
    published: Mapping[str, Publication]
    plan_ids: tuple[str, ...]
    skipped: tuple[str, ...]

    @property
    def run(self) -> Run:
        return self.run_of(self.plan_ids)

    def run_of(self, plan_ids: tuple[str, ...]) -> Run:
        """The run that settles these plans from the pinned inputs."""
        request = self.request
        return Run(
            job="settle",
            platform_id=request.platform.platform_id,
            period=str(request.period),
            plan_ids=plan_ids,
            input_versions={**self.versions, "predecessors": self.predecessor_digests(plan_ids)},
            conf_digest=request.platform.digest_on(request.publicity_on),
            settings={"as_of": str(request.as_of), "ceilings": vars_of_ceilings(request)},
        )

    def predecessor_digests(self, plan_ids: tuple[str, ...]) -> dict[str, str]:
        found = {plan_id: self.history.predecessor(plan_id) for plan_id in plan_ids}
        return {plan_id: publication.digest for plan_id, publication in found.items() if publication is not None}


@dataclass(frozen=True)
class Gate:
    """Members and claims as judged, the results by table, and the plans that cannot be settled, with why."""

    members: MembershipGate
    claims: ClaimGate
    results: tuple[Judged, ...]
    covered_count: Mapping[str, Mapping[str, int]]
    refused: Mapping[str, str]


def pin(request: PeriodRequest) -> Pinned:
    """Opens the session, pins the newest versions of the sources, and finds the plans that the period concerns."""
    announce("starting Spark")
    lake = Lake(open_session(request.environment, f"fentan {request.period}"), request.lake_root)
    announce("pinning source versions")
    versions = pin_versions(lake, SOURCES)
    history, published = history_before(lake, request.platform.calendar, request.period)
    if request.plan_ids:
        candidates = request.plan_ids
    else:
        candidates = tuple(p for p in sorted(request.platform.plans) if is_open(request.platform, p, request.period))
    present = _plans_present(lake, versions, request)
    concerned = tuple(p for p in candidates if p in present or p in history.publications)
    skipped = tuple(f"{p} has neither members nor claims and was skipped" for p in candidates if p not in concerned)
    return Pinned(request, lake, versions, history, published, concerned, skipped)


def vars_of_ceilings(request: PeriodRequest) -> dict[str, int]:
    environment = request.environment
    return {
        "members_ppm": environment.quarantine_ceiling_members_ppm,
        "claims_ppm": environment.quarantine_ceiling_claims_ppm,
        "floor_rows": environment.quarantine_ceiling_floor_rows,
    }


def judge_sources(pinned: Pinned) -> Gate:
    """Reads the sources, judges every row and every table; raises nothing: a critical failure is in `results`."""
    announce("judging members")
    terms = _terms(pinned)
    every_member = read_source(pinned.lake, "source/members", pinned.versions["source/members"])
    in_scope = (
        every_member if pinned.request.plan_ids is None else every_member.where(F.col("plan_id").isin(*pinned.plan_ids))
    )
    members = judge_memberships(with_cover(in_scope, _lapses(pinned), pinned.request.publicity_on), every_member, terms)
    announce("judging claims")
    claims = judge_claims(_claims_of_period(pinned), members.good, pinned.history.counted_before(), terms)
    counts = {plan_id: tiers for plan_id, tiers in covered_count(members).items() if plan_id in pinned.plan_ids}
    counts = {plan_id: counts.get(plan_id, {}) for plan_id in pinned.plan_ids}
    refused = _refused_plans(pinned, claims, counts)
    gate = Gate(members, claims, (), counts, refused)
    return replace(gate, results=tuple(_results(pinned, gate)))


def stop_if_critical(gate: Gate) -> None:
    """Raises GateStopped where a whole table fails; a plan that cannot be settled only stops that plan."""
    failures = [r for r in critical_failures(list(gate.results)) if r.id != "claims_have_members"]
    if failures:
        told = "; ".join(f"{r.table_name}: {r.sentence} ({r.id}: {r.observed})" for r in failures)
        raise GateStopped(
            f"The quality gate stopped the run. {told} Nothing was settled. `fentan check` shows every rule."
        )
    if len(gate.refused) == len(gate.covered_count):
        raise GateStopped(" ".join(gate.refused.values()))


def settle_plans(pinned: Pinned, gate: Gate, sink_of) -> tuple[Given, Settled]:
    """Settles every plan that the gate lets pass; `sink_of(plan_ids)` says where the rows go."""
    plan_ids = tuple(p for p in pinned.plan_ids if p not in gate.refused)
    given = _given(pinned, gate, plan_ids)
    counted = judged_benefits(given).localCheckpoint()  # cuts the plan: its text alone would cost seconds
    given = _without_helped(given, counted)
    year = Year(pinned.history, pinned.request.platform, pinned.request.period)
    sink = sink_of(plan_ids)
    announce("settling")
    return given, settle_period(given, counted, sink, year.with_room)


def _given(pinned: Pinned, gate: Gate, plan_ids: tuple[str, ...]) -> Given:
    of_plans = F.col("plan_id").isin(*plan_ids)
    return Given(
        period=str(pinned.request.period),
        publicity_on=pinned.request.publicity_on,
        plans={plan_id: pinned.request.platform.plans[plan_id] for plan_id in plan_ids},
        covered=gate.members.good.where(of_plans & (F.col("cover") == COVERED)),
        covered_count={plan_id: gate.covered_count[plan_id] for plan_id in plan_ids},
        claims=gate.claims.good.where(of_plans),
        counted_before=pinned.history.counted_before(),
        brought_forward_fen=pinned.history.brought_forward_fen(plan_ids),
    )


def _without_helped(given: Given, counted: DataFrame) -> Given:
    """Where the rules say so, a member helped in the period does not share in it. Source: parameter, not published."""
    rules = given.rules()
    exempting = [plan_id for plan_id in given.plans if not rules[plan_id].helped_member_shares]
    if not exempting:
        return given
    helped = (
        counted.where(F.col("counted") & F.col("plan_id").isin(*exempting)).select("plan_id", "member_id").distinct()
    )
    leaving = given.covered.join(F.broadcast(helped), on=["plan_id", "member_id"], how="left_semi")
    left = {(row.plan_id, row.tier): row["count"] for row in leaving.groupBy("plan_id", "tier").count().collect()}
    counts = {
        p: {tier: n - left.get((p, tier), 0) for tier, n in tiers.items()} for p, tiers in given.covered_count.items()
    }
    counts = {p: {tier: n for tier, n in tiers.items() if n} for p, tiers in counts.items()}
    covered = given.covered.join(F.broadcast(helped), on=["plan_id", "member_id"], how="left_anti")
    return replace(given, covered=covered, covered_count=counts)


def _plans_present(lake: Lake, versions: Mapping[str, int], request: PeriodRequest) -> set[str]:
    members = read_source(lake, "source/members", versions["source/members"]).select("plan_id").distinct()
    claims = read_source(lake, "source/approved_claims", versions["source/approved_claims"])
    of_period = claims.where(F.col("publicity_period") == str(request.period)).select("plan_id").distinct()
    return {row.plan_id for row in members.union(of_period).distinct().collect()}


def _claims_of_period(pinned: Pinned) -> DataFrame:
    claims = read_source(pinned.lake, "source/approved_claims", pinned.versions["source/approved_claims"])
    of_period = F.col("publicity_period") == str(pinned.request.period)
    if pinned.request.plan_ids is not None:
        return claims.where(of_period & F.col("plan_id").isin(*pinned.plan_ids))
    in_no_period = F.col("publicity_period").isNull() | ~F.col("publicity_period").isin(*period_names(pinned))
    return claims.where(of_period | in_no_period)


def period_names(pinned: Pinned) -> tuple[str, ...]:
    calendar = pinned.request.platform.calendar
    return tuple(str(period) for period in calendar.between(calendar.first_period, calendar.last_period))


def _lapses(pinned: Pinned) -> DataFrame | None:
    if not pinned.lake.exists("settled/lapses"):
        return None
    zone = pinned.request.platform.time_zone
    local_day = F.to_date(F.from_utc_timestamp("ended_at", zone))
    return pinned.lake.read("settled/lapses").select("plan_id", "member_id", local_day.alias("lapsed_on"))


def _terms(pinned: Pinned) -> Terms:
    day, platform = pinned.request.publicity_on, pinned.request.platform
    open_plans = {p: plan for p, plan in platform.plans.items() if is_open(platform, p, pinned.request.period)}
    joining = {plan_id: plan.joining_on(day) for plan_id, plan in open_plans.items()}
    tiers = {p: tuple(sorted(plan.sharing_on(day).weights_ppm)) for p, plan in open_plans.items()}
    return Terms(
        publicity_on=day,
        period_names=period_names(pinned),
        tiers=tiers | {p: ("standard", "basic") for p in platform.plans if p not in open_plans},
        illness_codes=tuple(sorted(platform.illnesses)),
        waiting_days={p: rules.waiting_days for p, rules in joining.items()},
        joining_age_from_days={p: rules.joining_age_from_days for p, rules in joining.items()},
        joining_age_to_years={p: rules.joining_age_to_years for p, rules in joining.items()},
        membership_ends_at_age_years={p: rules.membership_ends_at_age_years for p, rules in joining.items()},
    )


def _refused_plans(pinned: Pinned, claims: ClaimGate, counts: Mapping[str, Mapping[str, int]]) -> dict[str, str]:
    refused = {}
    for plan_id in pinned.plan_ids:
        covered = sum(counts[plan_id].values())
        claim_count = sum(row["count"] for row in claims.groups if row.plan_id == plan_id)
        least = pinned.request.platform.plans[plan_id].sharing_on(pinned.request.publicity_on).minimum_members
        told = f"Plan {plan_id}, period {pinned.request.period}: "
        if claim_count and not covered:
            refused[plan_id] = (
                f"{told}{claim_count} claims, but no covered member to share them. The plan was not settled. "
                "Load the plan's members, or move the claims to another period, then settle again."
            )
        elif 0 < covered < least:
            refused[plan_id] = (
                f"{told}{covered} covered members, but below {least} the plan ends by its rule minimum_members. "
                "The plan was not settled. Close the plan, or correct the rule if it is wrong."
            )
    return refused


def _results(pinned: Pinned, gate: Gate) -> list[Judged]:
    environment = pinned.request.environment
    floor_rows = environment.quarantine_ceiling_floor_rows
    member_rows = sum(row["count"] for row in gate.members.groups)
    claim_rows = sum(row["count"] for row in gate.claims.groups)
    before = _previous_pools(pinned)
    member_table = {
        "members_present": 0 if member_rows or gate.covered_count else 1,
        "members_quarantined_rate": above_ceiling(
            members_held_count(gate.members), member_rows, environment.quarantine_ceiling_members_ppm, floor_rows
        ),
        "members_fresh": _stale(pinned, gate),
        "members_volume": sum(_moved(sum(gate.covered_count[p].values()), before[p].covered_count) for p in before),
    }
    claim_table = {
        "claims_have_members": sum(1 for told in gate.refused.values() if "no covered member" in told),
        "claims_quarantined_rate": above_ceiling(
            claims_held_count(gate.claims), claim_rows, environment.quarantine_ceiling_claims_ppm, floor_rows
        ),
        "claims_present": 0 if claim_rows else 1,
        "claims_volume": sum(
            1 for p in before if before[p].case_count and _claims_of(gate, p) > 3 * before[p].case_count
        ),
    }
    shares = previous_shares(pinned)
    return judge_members(gate.members, member_table, shares) + judge_approved_claims(gate.claims, claim_table, (0, 0))


def _previous_pools(pinned: Pinned) -> dict:
    previous = pinned.request.platform.calendar.previous(pinned.request.period)
    frames = [pinned.history.rows_of("settled/pools", p, [previous]) for p in pinned.plan_ids] if previous else []
    return {row.plan_id: row for frame in frames if frame is not None for row in frame.collect()}


def previous_shares(pinned: Pinned) -> dict[tuple[str, str], int]:
    previous = pinned.request.platform.calendar.previous(pinned.request.period)
    frames = [pinned.history.rows_of("settled/rates", p, [previous]) for p in pinned.plan_ids] if previous else []
    return {(row.plan_id, row.tier): row.share_fen for frame in frames if frame is not None for row in frame.collect()}


def _claims_of(gate: Gate, plan_id: str) -> int:
    return sum(row["count"] for row in gate.claims.groups if row.plan_id == plan_id)


def _stale(pinned: Pinned, gate: Gate) -> int:
    newest = [row.last_joined_on for row in gate.members.groups if row.last_joined_on is not None]
    return 0 if newest and (pinned.request.publicity_on - max(newest)).days <= 31 else 1


def _moved(now: int, before: int) -> int:
    return 1 if abs(now - before) * 5 > before else 0


def fates(gate: Gate, plan_ids) -> dict[str, dict[str, int]]:
    """Of each plan: what became of every source row of members."""
    return {plan_id: rows_by_fate(gate.members, plan_id) for plan_id in plan_ids}


def severities(results) -> dict[str, int]:
    """How many rules failed, by severity."""
    return {str(s): sum(1 for r in results if r.severity is s and not r.success) for s in Severity}
