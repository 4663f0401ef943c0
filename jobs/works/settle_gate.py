"""The quality gate of a period: rules on single rows and whole tables, and the plans that cannot be settled."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame

from expectations.claims import CLAIMS_TIMES_MOST
from expectations.members import FRESH_DAYS, VOLUME_CHANGE_PERCENT
from expectations.suites import RuleResult
from jobs.base.errors import GateStopped
from jobs.base.progress import announce
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
from jobs.works.cover import cover_of
from jobs.works.settle_gate_inputs import claims_of_period, terms_of_period, with_diagnosis
from jobs.works.settle_pinning import PinnedSettlement


@dataclass(frozen=True)
class Gate:
    """A period's judged members and claims.

    `counted_before`: one row per benefit that counted in an earlier period. `helped_before`: one row per claimant's
    membership that received a benefit in an earlier period. `covered_count`: by plan and tier. `refused`: by plan that
    cannot be settled, the reason.
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
        """The plans that pass the gate."""
        return tuple(p for p in self.covered_count if p not in self.refused)


def judge_sources(pinned: PinnedSettlement) -> Gate:
    """Reads the sources and judges every row and every table. Critical failures are in `results`; none is raised."""
    pinned.lake.start()
    announce("judging members")
    terms = terms_of_period(pinned)
    numbered = numbered_claims(claims_of_period(pinned))
    lapses = pinned.lapses()
    spells = pinned.source("source/members")
    cover = cover_of(spells, lapses, pinned.request.publicity_on)
    plan_ids = None if pinned.request.plan_ids is None else pinned.plan_ids
    claimants, released = numbered.select("member_id"), pinned.releases.members
    members = judge_memberships(spells, cover, claimants, terms, plan_ids, released, pinned.lake.is_native)

    announce("judging claims")
    claimants_spells = spells_of_claimants(members.kept_good, numbered, lapses)
    counted_before = pinned.history.counted_before().localCheckpoint()
    claims = judge_claims(numbered, claimants_spells, counted_before, terms)
    helped_before = helped_memberships(with_diagnosis(pinned, counted_before, claimants_spells), claimants_spells)

    covered = covered_count(members)
    counts = {plan_id: covered.get(plan_id, {}) for plan_id in pinned.plan_ids}
    gate = Gate(members, claims, counted_before, helped_before, (), counts, _refused_plans(pinned, claims, counts))
    # The shares of the period are not known yet: until then those of the previous period value the rows.
    return replace(gate, results=results_with_shares(pinned, gate, previous_shares(pinned), limited_claims=(0, 0)))


def results_with_shares(
    pinned: PinnedSettlement, gate: Gate, share_fen: Mapping[tuple[str, str], int], limited_claims: tuple[int, int]
) -> tuple[RuleResult, ...]:
    """The results of every rule on members and claims. `share_fen`, by plan and tier, values the rows held.

    `limited_claims`: count of claims above the limit, and their fen above it.
    """
    previous_pools = {p: pool for p, pool in pinned.history.previous_pools.items() if p in pinned.plan_ids}
    members = judge_members(gate.members, _members_as_a_whole(pinned, gate, previous_pools), share_fen)
    late = pinned.late_claims.total(pinned.plan_ids)
    claims_as_a_whole = _claims_as_a_whole(pinned, gate, previous_pools)
    return (*members, *judge_approved_claims(gate.claims, claims_as_a_whole, limited_claims, late))


def stop_if_critical(gate: Gate) -> None:
    """Raises GateStopped if a whole table fails or no plan can be settled; a refused plan does not stop the others."""
    failures = [r for r in critical_failures(list(gate.results)) if r.id != "claims_have_members"]
    if failures:
        sentences = "; ".join(f"{r.table_name}: {r.sentence} ({r.id}: {r.observed})" for r in failures)
        raise GateStopped(
            f"The quality gate stopped the run. {sentences} Nothing was settled. `fentan check` shows every rule."
        )
    if len(gate.refused) == len(gate.covered_count):
        raise GateStopped(" ".join(gate.refused.values()))


def previous_shares(pinned: PinnedSettlement) -> dict[tuple[str, str], int]:
    """The shares of the previous period in fen, by plan and tier."""
    previous = pinned.request.platform.calendar.previous(pinned.request.period)
    rates = pinned.history.few_rows("settled/rates", pinned.plan_ids, [previous])
    return {(row["plan_id"], row["tier"]): row["share_fen"] for row in rates}


def _refused_plans(
    pinned: PinnedSettlement, claims: ClaimGate, counts: Mapping[str, Mapping[str, int]]
) -> dict[str, str]:
    refused = {}
    for plan_id in pinned.plan_ids:
        covered, unshared = sum(counts[plan_id].values()), _unshared_claim_count(claims, plan_id, counts[plan_id])
        least = pinned.request.platform.plans[plan_id].sharing_on(pinned.request.publicity_on).minimum_members
        subject = f"Plan {plan_id}, period {pinned.request.period}: "
        if unshared:
            refused[plan_id] = (
                f"{subject}{unshared} claims, but no covered member to share them. The plan was not settled. "
                "Load the plan's members, or move the claims to another period, then settle again."
            )
        elif 0 < covered < least:
            refused[plan_id] = (
                f"{subject}{covered} covered members, but below {least} the plan ends by its rule minimum_members. "
                "The plan was not settled. End it (last_period in its plan.yaml), or correct the rule if it is wrong."
            )
    return refused


def _members_as_a_whole(pinned: PinnedSettlement, gate: Gate, previous_pools: Mapping) -> dict[str, int]:
    """By rule on the whole table, how often source/members breaks it."""
    environment = pinned.request.environment
    row_count = sum(group.count for group in gate.members.groups)
    held_count = members_held_count(gate.members)
    newest = max((g.last_joined_on for g in gate.members.groups if g.last_joined_on is not None), default=None)
    is_stale = newest is None or (pinned.request.publicity_on - newest).days > FRESH_DAYS
    covered_count = {plan_id: sum(tiers.values()) for plan_id, tiers in gate.covered_count.items()}
    return {
        "members_present": 0 if row_count or gate.covered_count else 1,
        "members_quarantined_rate": above_ceiling(
            held_count,
            row_count,
            environment.quarantine_ceiling_members_ppm,
            environment.quarantine_ceiling_floor_rows,
        ),
        "members_fresh": int(is_stale),
        "members_volume": sum(
            abs(covered_count[p] - pool["covered_count"]) * 100 > pool["covered_count"] * VOLUME_CHANGE_PERCENT
            for p, pool in previous_pools.items()
        ),
    }


def _claims_as_a_whole(pinned: PinnedSettlement, gate: Gate, previous_pools: Mapping) -> dict[str, int]:
    """By rule on the whole table, how often source/approved_claims breaks it."""
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
            pool["case_count"] > 0 and _claim_count(gate.claims, p) > CLAIMS_TIMES_MOST * pool["case_count"]
            for p, pool in previous_pools.items()
        ),
    }


def _unshared_claim_count(claims: ClaimGate, plan_id: str, covered_count: Mapping[str, int]) -> int:
    """The count of the plan's claims if it has no covered member to share them, else 0. `covered_count`: by tier."""
    return 0 if sum(covered_count.values()) else _claim_count(claims, plan_id)


def _claim_count(claims: ClaimGate, plan_id: str) -> int:
    return sum(row["count"] for row in claims.groups if row.plan_id == plan_id)
