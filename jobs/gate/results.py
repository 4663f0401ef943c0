"""What the gate counted, by rule, as results; and which of them stop a run."""

from collections.abc import Mapping

from expectations import claims as claim_rules
from expectations import members as member_rules
from expectations.rule import Severity
from expectations.suites import RuleResult, judge
from jobs.gate.claims import ROW_ERRORS, SET_ERRORS, ClaimGate
from jobs.gate.members import Group, MembershipGate
from jobs.money import PPM, ceiling_count
from jobs.settlement.coverage import COVERED, NOT_COVERED_REASONS


def member_counts(gate: MembershipGate) -> dict[str, int]:
    """Rows against each row rule and set rule of source/members."""
    counts = [{"broken": g.broken, "set_broken": g.set_broken, "count": g.count} for g in gate.groups]
    return _by_rule(counts, member_rules, "count")


def member_stakes_fen(gate: MembershipGate, share_fen: Mapping[tuple[str, str], int]) -> dict[str, int]:
    """By rule: the shares of the covered members whose rows break it. `share_fen` is by plan and tier."""
    stakes = [{"broken": g.broken, "set_broken": g.set_broken, "fen": _stake_fen(g, share_fen)} for g in gate.groups]
    return _by_rule(stakes, member_rules, "fen")


def claim_counts(gate: ClaimGate, measure: str = "count") -> dict[str, int]:
    """Rows (or, with measure aid_fen, money) against each row rule and set rule of source/approved_claims."""
    return _by_rule(gate.groups, claim_rules, measure)


def members_held_count(gate: MembershipGate) -> int:
    """How many rows of source/members are held back."""
    return sum(group.count for group in gate.groups if group.is_held)


def claims_held_count(gate: ClaimGate) -> int:
    """How many claims are held back."""
    return sum(row["count"] for row in gate.groups if row.broken & ROW_ERRORS or row.set_broken & SET_ERRORS)


def above_ceiling(held_count: int, row_count: int, ceiling_ppm: int, floor_rows: int) -> int:
    """How many of the held rows are too many; 0 where the rate is within the ceiling."""
    if held_count <= floor_rows or held_count * PPM <= row_count * ceiling_ppm:
        return 0
    return held_count - ceiling_count(row_count, ceiling_ppm, floor_rows)


def judge_members(gate: MembershipGate, table_counts: dict[str, int], share_fen: Mapping) -> list[RuleResult]:
    """The results on source/members; `share_fen` as for `member_stakes_fen`."""
    counts = {**table_counts, **member_counts(gate)}
    row_count = sum(group.count for group in gate.groups)
    return judge("source/members", counts, member_stakes_fen(gate, share_fen), row_count)


def judge_approved_claims(
    gate: ClaimGate, table_counts: dict[str, int], limited: tuple[int, int], late: tuple[int, int]
) -> list[RuleResult]:
    """The results on source/approved_claims.

    `limited`: how many claims exceed the limit, and by how much in fen; `late`: how many claims came after the
    settlement of their period, and their aid in fen.
    """
    counted_elsewhere = {"claim_aid_above_limit": limited, claim_rules.AFTER_SETTLEMENT.id: late}
    counts = {**table_counts, **claim_counts(gate), **{rule: count for rule, (count, _) in counted_elsewhere.items()}}
    stakes_fen = {**claim_counts(gate, "aid_fen"), **{rule: fen for rule, (_, fen) in counted_elsewhere.items()}}
    return judge("source/approved_claims", counts, stakes_fen, sum(row["count"] for row in gate.groups))


def rows_by_fate(gate: MembershipGate, plan_id: str) -> dict[str, int]:
    """The number of the plan's rows by outcome: assessed, not covered (by reason), quarantined."""
    fate = dict.fromkeys(("assessed", *NOT_COVERED_REASONS, "quarantined"), 0)
    for group in gate.groups:
        if group.plan_id == plan_id:
            covered = "assessed" if group.cover == COVERED else group.cover
            fate["quarantined" if group.is_held else covered] += group.count
    return fate


def critical_failures(judged: list[RuleResult]) -> list[RuleResult]:
    """The results for which a run stops."""
    return [result for result in judged if result.severity is Severity.CRITICAL and not result.success]


def _by_rule(groups, rules, measure: str) -> dict[str, int]:
    """By rule: the sum of a measure over the groups of rows that break it."""
    return {
        rule.id: sum(group[measure] or 0 for group in groups if group[bits] >> position & 1)
        for bits, rules_of_bits in (("broken", rules.ROW_RULES), ("set_broken", rules.SET_RULES))
        for position, rule in enumerate(rules_of_bits)
    }


def _stake_fen(group: Group, share_fen: Mapping[tuple[str, str], int]) -> int:
    return group.count * share_fen.get((group.plan_id, group.tier), 0) if group.cover == COVERED else 0
