"""The quality gate of a period: members and claims judged row by row and as a whole, and the plans that cannot
go on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.claims import CLAIMS_TIMES_MOST
from expectations.members import FRESH_DAYS, VOLUME_CHANGE_PERCENT
from expectations.rule import Terms
from expectations.suites import RuleResult
from jobs.errors import GateStopped
from jobs.gate.claims import (
    ClaimGate,
    helped_memberships,
    judge_claims,
    numbered_claims,
    spells_of_claimants,
)
from jobs.gate.members import MembershipGate, covered_count, judge_memberships
from jobs.gate.results import (
    above_ceiling,
    claims_held_count,
    critical_failures,
    judge_approved_claims,
    judge_members,
    members_held_count,
)
from jobs.gate.terms import terms_of
from jobs.lake.lake import none_of
from jobs.pipeline.request import exists_in
from jobs.progress import announce
from jobs.settlement.coverage import cut_by_lapses
from jobs.works.cover import with_cover
from jobs.works.late_claims import CLAIMS
from jobs.works.settle_pinning import PinnedSettlement


@dataclass(frozen=True)
class Gate:
    """Members and claims as judged, the results by table, and the plans that cannot be settled, with why.

    `helped_before`: one row per membership of a claimant that was helped in an earlier period.
    """

    members: MembershipGate
    claims: ClaimGate
    counted_before: DataFrame
    helped_before: DataFrame
    results: tuple[RuleResult, ...]
    covered_count: Mapping[str, Mapping[str, int]]
    refused: Mapping[str, str]

    @property
    def plan_ids(self) -> tuple[str, ...]:
        """The plans that the gate lets pass."""
        return tuple(p for p in self.covered_count if p not in self.refused)


def judge_sources(pinned: PinnedSettlement) -> Gate:
    """Reads the sources, judges every row and every table; raises nothing: a critical failure is in `results`."""
    pinned.lake.start()
    announce("judging members")
    terms = _terms(pinned)
    numbered = numbered_claims(_claims_of_period(pinned))
    lapses = pinned.lapses()
    spells = with_cover(pinned.source("source/members"), lapses, pinned.request.publicity_on)
    plan_ids = None if pinned.request.plan_ids is None else pinned.plan_ids
    members = judge_memberships(spells, numbered.select("member_id"), terms, plan_ids)

    announce("judging claims")
    of_claimants = spells_of_claimants(cut_by_lapses(members.kept_good, lapses), numbered)
    counted_before = pinned.history.counted_before().localCheckpoint()
    claims = judge_claims(numbered, of_claimants, counted_before, terms)
    helped_before = helped_memberships(_with_diagnosis(pinned, counted_before, of_claimants), of_claimants)

    found = covered_count(members)
    counts = {plan_id: found.get(plan_id, {}) for plan_id in pinned.plan_ids}
    gate = Gate(members, claims, counted_before, helped_before, (), counts, _refused_plans(pinned, claims, counts))
    return replace(gate, results=_results(pinned, gate, previous_shares(pinned), limited=(0, 0)))


def results_with_shares(
    pinned: PinnedSettlement, gate: Gate, share_fen: Mapping[tuple[str, str], int], limited: tuple[int, int]
) -> tuple[RuleResult, ...]:
    """The gate's results once the period's shares are known, by plan and tier: with the money at stake.

    `limited`: how many claims ask for more than the limit, and how much more.
    """
    return _results(pinned, gate, share_fen, limited)


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


def previous_shares(pinned: PinnedSettlement) -> dict[tuple[str, str], int]:
    """The shares of the previous period, by plan and tier."""
    previous = pinned.request.platform.calendar.previous(pinned.request.period)
    rates = pinned.history.few_rows("settled/rates", pinned.plan_ids, [previous])
    return {(row["plan_id"], row["tier"]): row["share_fen"] for row in rates}


def _claims_of_period(pinned: PinnedSettlement) -> DataFrame:
    claims = pinned.source("source/approved_claims")
    of_period = F.col("publicity_period") == str(pinned.request.period)
    if pinned.request.plan_ids is not None:
        return _without_added(pinned, claims.where(of_period & F.col("plan_id").isin(*pinned.plan_ids)))
    return _without_added(pinned, claims.where(of_period | F.expr(none_of("publicity_period", pinned.period_names))))


def _without_added(pinned: PinnedSettlement, claims: DataFrame) -> DataFrame:
    """The claims, but for those that were added after their plan's settlement of the period: it stands without them."""
    added = pinned.late_claims.added if pinned.settled else []
    added = [row for row in added if row["publicity_period"] == str(pinned.request.period)]
    if not set(pinned.plan_ids) <= set(pinned.settled):  # some plan is still to be settled: with rows of no plan
        added = [row for row in added if row["plan_id"] in pinned.settled]
    return claims.exceptAll(pinned.lake.frame(CLAIMS, added)) if added else claims


def _with_diagnosis(pinned: PinnedSettlement, counted_before: DataFrame, spells: DataFrame) -> DataFrame:
    """The benefits that counted earlier for members who claim now, with the day of diagnosis of their claims.

    Where the owner of the claims no longer keeps a claim, the publicity day it counted on stands for it.
    """
    members = spells.select("plan_id", "member_id").distinct()
    earlier = counted_before.join(F.broadcast(members), on=["plan_id", "member_id"], how="left_semi").localCheckpoint()
    periods = [row.period for row in earlier.select("period").distinct().collect()]
    claims = pinned.source("source/approved_claims").where(F.col("publicity_period").isin(*periods))
    diagnosed = claims.select("plan_id", "claim_id", F.col("publicity_period").alias("period"), "diagnosed_on")
    counted_on = F.lit(None).cast("date")
    for name in periods:
        day = pinned.request.platform.calendar.publicity_on(pinned.request.platform.calendar.period(name))
        counted_on = F.when(F.col("period") == name, F.lit(day)).otherwise(counted_on)
    return earlier.join(diagnosed, on=["plan_id", "claim_id", "period"], how="left").withColumn(
        "diagnosed_on", F.coalesce("diagnosed_on", counted_on)
    )


def _terms(pinned: PinnedSettlement) -> Terms:
    platform, period = pinned.request.platform, pinned.request.period
    return terms_of(platform, period, [p for p in platform.plans if exists_in(platform, p, period)])


def _refused_plans(
    pinned: PinnedSettlement, claims: ClaimGate, counts: Mapping[str, Mapping[str, int]]
) -> dict[str, str]:
    refused = {}
    for plan_id in pinned.plan_ids:
        covered, unshared = sum(counts[plan_id].values()), _unshared_claim_count(claims, plan_id, counts[plan_id])
        least = pinned.request.platform.plans[plan_id].sharing_on(pinned.request.publicity_on).minimum_members
        told = f"Plan {plan_id}, period {pinned.request.period}: "
        if unshared:
            refused[plan_id] = (
                f"{told}{unshared} claims, but no covered member to share them. The plan was not settled. "
                "Load the plan's members, or move the claims to another period, then settle again."
            )
        elif 0 < covered < least:
            refused[plan_id] = (
                f"{told}{covered} covered members, but below {least} the plan ends by its rule minimum_members. "
                "The plan was not settled. Close the plan, or correct the rule if it is wrong."
            )
    return refused


def _results(
    pinned: PinnedSettlement, gate: Gate, share_fen: Mapping, limited: tuple[int, int]
) -> tuple[RuleResult, ...]:
    before = {p: pool for p, pool in pinned.history.previous_pools.items() if p in pinned.plan_ids}
    members = judge_members(gate.members, _members_as_a_whole(pinned, gate, before), share_fen)
    late = pinned.late_claims.in_all(pinned.plan_ids)
    claims = judge_approved_claims(gate.claims, _claims_as_a_whole(pinned, gate, before), limited, late)
    return (*members, *claims)


def _members_as_a_whole(pinned: PinnedSettlement, gate: Gate, before: Mapping) -> dict[str, int]:
    environment = pinned.request.environment
    row_count = sum(group.count for group in gate.members.groups)
    held_count = members_held_count(gate.members)
    newest = max((g.last_joined_on for g in gate.members.groups if g.last_joined_on is not None), default=None)
    stale = newest is None or (pinned.request.publicity_on - newest).days > FRESH_DAYS
    now = {plan_id: sum(tiers.values()) for plan_id, tiers in gate.covered_count.items()}
    return {
        "members_present": 0 if row_count or gate.covered_count else 1,
        "members_quarantined_rate": above_ceiling(
            held_count,
            row_count,
            environment.quarantine_ceiling_members_ppm,
            environment.quarantine_ceiling_floor_rows,
        ),
        "members_fresh": int(stale),
        "members_volume": sum(
            abs(now[p] - b["covered_count"]) * 100 > b["covered_count"] * VOLUME_CHANGE_PERCENT
            for p, b in before.items()
        ),
    }


def _claims_as_a_whole(pinned: PinnedSettlement, gate: Gate, before: Mapping) -> dict[str, int]:
    environment = pinned.request.environment
    row_count = sum(row["count"] for row in gate.claims.groups)
    return {
        "claims_have_members": sum(
            _unshared_claim_count(gate.claims, p, tiers) > 0 for p, tiers in gate.covered_count.items()
        ),
        "claims_quarantined_rate": above_ceiling(
            claims_held_count(gate.claims),
            row_count,
            environment.quarantine_ceiling_claims_ppm,
            environment.quarantine_ceiling_floor_rows,
        ),
        "claims_present": 0 if row_count else 1,
        "claims_volume": sum(
            b["case_count"] > 0 and _claim_count(gate.claims, p) > CLAIMS_TIMES_MOST * b["case_count"]
            for p, b in before.items()
        ),
    }


def _unshared_claim_count(claims: ClaimGate, plan_id: str, covered_count: Mapping[str, int]) -> int:
    """How many claims the plan has where it has no covered member to share them; else 0. `covered_count` is by tier."""
    return 0 if sum(covered_count.values()) else _claim_count(claims, plan_id)


def _claim_count(claims: ClaimGate, plan_id: str) -> int:
    return sum(row["count"] for row in claims.groups if row.plan_id == plan_id)
