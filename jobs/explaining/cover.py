"""Whether a member is covered and why not, compared with the existence of an assessment."""

from collections.abc import Mapping
from datetime import date

from jobs.explaining.facts import MemberFacts
from jobs.explaining.steps import Step, compared, cover_without_share, rule_of, share_without_cover
from jobs.explaining.words import say, why_not
from jobs.settlement.coverage import COVERED, cover_of, memberships_of

HELPED = "helped"


def cover_on(facts: MemberFacts) -> tuple[str, Mapping]:
    """`covered` if the member shares, being covered at 00:00 of the publicity day, otherwise a key of WHY_NOT; and the
    spell that decides."""
    if not facts.spells and not facts.held:
        return "no_membership", {}
    sound = _sound_spells(facts)
    if not sound:
        return "held", {"reasons": ", ".join(sorted({reason for row in facts.held for reason in row["reasons"]}))}
    # Like the settlement, follow a membership through all spells, including those in quarantine.
    covers = [
        (cover_of(spell, since, facts.relevant_lapses, facts.publicity_on), spell)
        for spell, since in memberships_of(facts.spells)
        if spell in sound
    ]
    cover, spell = next((entry for entry in reversed(covers) if entry[0] == COVERED), covers[-1])
    exempt = facts.helped and not facts.rules.helped_member_shares
    return (HELPED if cover == COVERED and exempt else cover), spell


def member_since(facts: MemberFacts, spell: Mapping) -> date | None:
    """The first day of the unbroken membership around the spell, for the first-month waiver: of sound spells only."""
    return next((since for sound, since in memberships_of(_sound_spells(facts)) if sound == spell), None)


def cover_steps(facts: MemberFacts, cover: str, spell: Mapping) -> list[Step]:
    """The spell in force, or why there is none; a marked step if the assessment contradicts it."""
    if cover != COVERED:
        return _without_cover(facts, cover, spell)
    day, row = facts.publicity_on, facts.assessment
    in_force = {name: spell[name] for name in ("tier", "joined_on", "exited_on")}
    steps = [Step("coverage", say("covered until" if spell["exited_on"] else "covered", day=day, **in_force))]
    if spell["waiting_ends_on"] and spell["waiting_ends_on"] >= day:
        sentence = say("waiting", ends_on=spell["waiting_ends_on"])
        steps.append(Step("waiting period", sentence, rule=rule_of(facts, "waiting_days")))
    if row is None:
        return [*steps, cover_without_share(facts.shares.share_fen.get(spell["tier"], 0))]
    steps += compared("settled/assessments, tier", row["tier"], spell["tier"])
    return steps + compared("settled/assessments, payer_id", row["payer_id"], spell["payer_id"])


def _without_cover(facts: MemberFacts, cover: str, spell: Mapping) -> list[Step]:
    lapses = [lapse for lapse in facts.relevant_lapses if lapse <= facts.publicity_on]
    values = {**spell, "lapsed_on": max(lapses, default=None)}
    rule = rule_of(facts, "helped_member_shares") if cover == HELPED else None
    if facts.assessment is None:
        return [Step("not charged", why_not(cover, values), rule=rule)]
    no_cover = Step("coverage", why_not(cover, values, "not to be charged"), rule=rule)
    return [no_cover, share_without_cover(facts.assessment["share_fen"])]


def _sound_spells(facts: MemberFacts) -> list[Mapping]:
    held = {row["joined_on"] for row in facts.held}
    return [spell for spell in facts.spells if spell["joined_on"] not in held]
