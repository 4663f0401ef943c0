"""What the gate found, as counts per rule, judged by the suites, and the reasons to stop."""

from collections.abc import Mapping
from dataclasses import dataclass

from expectations import claims as claim_rules
from expectations import members as member_rules
from expectations.rule import Severity
from expectations.suites import Judged, judge
from jobs.lake.gate.claims import ROW_ERRORS, SET_ERRORS, ClaimGate, counts_by_rule
from jobs.lake.gate.memberships import ERROR_BITS, MembershipGate
from jobs.settlement.coverage import COVERED


@dataclass(frozen=True)
class Ceilings:
    """How many rows may be held back before the run stops: a rate, above a number of rows."""

    members_ppm: int
    claims_ppm: int
    floor_rows: int


def member_counts(gate: MembershipGate) -> dict[str, int]:
    """Rows against each row rule and set rule of source/members."""
    return counts_by_rule(gate.groups, member_rules.ROW_RULES, "broken", "count") | counts_by_rule(
        gate.held_groups, member_rules.SET_RULES, "set_broken", "count"
    )


def member_stakes_fen(gate: MembershipGate, share_fen: Mapping[tuple[str, str], int]) -> dict[str, int]:
    """Of each rule: the shares of the covered members whose rows break it. `share_fen` is by plan and tier."""
    priced = [{**row.asDict(), "stake": _stake_fen(row, share_fen)} for row in gate.groups]
    held = [{**row.asDict(), "stake": _stake_fen(row, share_fen)} for row in gate.held_groups]
    return counts_by_rule(priced, member_rules.ROW_RULES, "broken", "stake") | counts_by_rule(
        held, member_rules.SET_RULES, "set_broken", "stake"
    )


def claim_counts(gate: ClaimGate, measure: str = "count") -> dict[str, int]:
    """Rows (or, with measure aid_fen, money) against each row rule and set rule of source/approved_claims."""
    return counts_by_rule(gate.groups, claim_rules.ROW_RULES, "broken", measure) | counts_by_rule(
        gate.groups, claim_rules.SET_RULES, "set_broken", measure
    )


def members_held_count(gate: MembershipGate) -> int:
    by_row = sum(row["count"] for row in gate.groups if row.broken & ERROR_BITS)
    by_set_alone = sum(row["count"] for row in gate.held_groups if not row.broken & ERROR_BITS)
    return by_row + by_set_alone


def claims_held_count(gate: ClaimGate) -> int:
    return sum(row["count"] for row in gate.groups if row.broken & ROW_ERRORS or row.set_broken & SET_ERRORS)


def above_ceiling(held_count: int, row_count: int, ceiling_ppm: int, floor_rows: int) -> int:
    """How many of the held rows are too many; 0 where the rate is within the ceiling."""
    if held_count <= floor_rows or held_count * 1_000_000 <= row_count * ceiling_ppm:
        return 0
    return held_count - max(floor_rows, row_count * ceiling_ppm // 1_000_000)


def judge_members(gate: MembershipGate, table_counts: dict[str, int], share_fen: Mapping) -> list[Judged]:
    return judge("source/members", {**table_counts, **member_counts(gate)}, member_stakes_fen(gate, share_fen))


def judge_approved_claims(gate: ClaimGate, table_counts: dict[str, int], limited: tuple[int, int]) -> list[Judged]:
    """`limited`: how many claims ask for more than the limit, and how much more in fen."""
    counts = {**table_counts, **claim_counts(gate), "claim_aid_above_limit": limited[0]}
    stakes_fen = {**claim_counts(gate, "aid_fen"), "claim_aid_above_limit": limited[1]}
    return judge("source/approved_claims", counts, stakes_fen)


def rows_by_fate(gate: MembershipGate, plan_id: str) -> dict[str, int]:
    """What became of every row of the plan: assessed, not covered with the reason, or quarantined."""
    fate = {"assessed": 0, "not_yet_joined": 0, "exited": 0, "lapsed": 0, "quarantined": 0}
    for row, sign in [*((row, 1) for row in gate.groups), *((row, -1) for row in gate.held_groups)]:
        if row.plan_id != plan_id:
            continue
        if row.broken & ERROR_BITS:
            fate["quarantined"] += row["count"] if sign > 0 else 0
        else:
            fate["assessed" if row.cover == COVERED else row.cover] += sign * row["count"]
            fate["quarantined"] += 0 if sign > 0 else row["count"]
    return fate


def critical_failures(judged: list[Judged]) -> list[Judged]:
    return [result for result in judged if result.severity is Severity.CRITICAL and not result.success]


def _stake_fen(row, share_fen: Mapping[tuple[str, str], int]) -> int:
    return row["count"] * share_fen.get((row.plan_id, row.tier), 0) if row.cover == COVERED else 0
