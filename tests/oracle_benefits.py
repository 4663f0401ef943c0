"""The oracle's benefits: which claims count, with how much, and why not."""

from datetime import date
from fractions import Fraction
from math import floor
from typing import NamedTuple

from jobs.rulebook.rules import BenefitRules, Plan, RuleNotInForce, SharingRules
from tests.oracle_rounding import ceil_fen, half_up
from tests.oracle_world import Case, Spell, covering

PPM = 1_000_000


class Verdict(NamedTuple):
    """The benefit of a claim, and the reason if it is less than the approved aid."""

    counted: bool
    benefit_fen: int
    marker: str | None


def judge(case: Case, claims: list[dict]) -> list[tuple[dict, Verdict]]:
    """Claims with their verdicts in order of approval; in one membership only the first countable claim counts."""
    judged, helped = [], []
    for claim in sorted(claims, key=lambda claim: (claim["approved_on"], claim["claim_id"])):
        verdict = judge_one(case, claim)
        if verdict.counted and any(same_membership(case, earlier, claim) for earlier in helped):
            verdict = Verdict(False, 0, "already_helped")
        judged.append((claim, verdict))
        if verdict.counted:
            helped.append(claim)
    return judged


def judge_one(case: Case, claim: dict) -> Verdict:
    """The claim by itself, taking into account the claims counted in earlier periods."""
    why_not = why_not_counted(case, claim)
    if why_not:
        return Verdict(False, 0, why_not)
    limit_fen = benefit_limit(case, claim)
    if limit_fen is None:
        return Verdict(False, 0, "age_outside_limits")
    if claim["approved_aid_fen"] > limit_fen:
        return Verdict(True, limit_fen, "limited")
    return Verdict(True, claim["approved_aid_fen"], None)


def why_not_counted(case: Case, claim: dict) -> str | None:
    if claim["objection"] in ("pending", "upheld"):
        return f"objection_{claim['objection']}"
    if any(earlier["claim_id"] == claim["claim_id"] for earlier in case.counted_before):
        return "counted_before"
    if any(same_membership(case, earlier, claim) for earlier in case.counted_before):
        return "already_helped"
    rules = benefit_rules_on(case.plan, claim["diagnosed_on"])
    spell = covering(case.spells[claim["member_id"]], claim["diagnosed_on"])
    may_wait = rules.waiting_applies_to_accidents or not claim["accident"]
    # A released claim may be of a member who was not covered on the day: then there is no waiting period.
    if spell is not None and may_wait and claim["diagnosed_on"] <= spell.row["waiting_ends_on"]:
        return "in_waiting_period"
    if rules.helped_illnesses is not None and claim["illness_code"] not in rules.helped_illnesses:
        return "illness_not_in_plan"
    if (claim["illness_code"], claim["severity"]) in rules.removed_illnesses:
        return "illness_removed"
    return None


def same_membership(case: Case, earlier: dict, claim: dict) -> bool:
    """Both were diagnosed in one unbroken membership of one member."""
    if earlier["member_id"] != claim["member_id"]:
        return False
    spells = case.spells[claim["member_id"]]
    then, now = covering(spells, earlier["diagnosed_on"]), covering(spells, claim["diagnosed_on"])
    return then is not None and now is not None and then.began_on == now.began_on


def benefit_rules_on(plan: Plan, day: date) -> BenefitRules:
    for rules in plan.benefit_rules():
        if rules.from_on <= day and (rules.until_on is None or day < rules.until_on):
            return rules
    raise RuleNotInForce(f"{plan.plan_id}: no benefit rules are in force for a diagnosis on {day}")


def benefit_limit(case: Case, claim: dict) -> int | None:
    """The limit of the illness if there is one, else the general one; None: no limit for that age."""
    rules = benefit_rules_on(case.plan, claim["diagnosed_on"])
    age = age_on(claim["birth_date"], claim[rules.age_counted_on])
    for illness_code in (claim["illness_code"], None):
        for limit in rules.limits:
            is_kind = (limit.tier, limit.severity) == (claim["tier"], claim["severity"])
            if is_kind and limit.illness_code == illness_code and limit.age_from <= age <= limit.age_to:
                return limit.limit_fen
    return None


def age_on(birth_date: date, day: date) -> int:
    """Whole years; in an ordinary year a birthday on 29 February is on 1 March."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def weights_of(case: Case, sharers: dict[int, Spell]) -> Fraction:
    """The sum of the weights of the members who share."""
    return sum((Fraction(case.sharing.weights_ppm[s.row["tier"]], PPM) for s in sharers.values()), Fraction(0))


def benefit_row(case: Case, claim: dict, verdict: Verdict, weights: Fraction) -> dict:
    decade = age_on(claim["birth_date"], claim["diagnosed_on"]) // 10 * 10
    cap_fen = case.sharing.per_case_cap_fen
    cost_fen = verdict.benefit_fen + ceil_fen(Fraction(verdict.benefit_fen * case.sharing.fee_rate_ppm, PPM))
    columns = ("claim_id", "member_id", "illness_code", "severity", "approved_aid_fen")
    return {
        **case.keys,
        **{column: claim[column] for column in columns},
        "age_band": f"{decade}-{decade + 9}",
        "benefit_fen": verdict.benefit_fen,
        "sponsored_fen": 0 if cap_fen is None else max(0, cost_fen - floor(cap_fen * weights)),
        "counted": verdict.counted,
        "marker": verdict.marker,
    }


def fee_on(benefit_fen: int, sharing: SharingRules) -> int:
    return half_up(Fraction(benefit_fen * sharing.fee_rate_ppm, PPM))
