"""Whether a member is covered, why not, and whether that is what his assessment says."""

from collections.abc import Mapping
from datetime import date

from jobs.explaining.known import MemberFacts
from jobs.explaining.steps import Step, compared, cover_without_share, rule_of, share_without_cover
from jobs.explaining.words import say, why_not
from jobs.settlement.coverage import COVERED, cover_of, memberships_of

HELPED = "helped"


def cover_on(known: MemberFacts) -> tuple[str, Mapping]:
    """Whether the member shares, being covered at 00:00 of the publicity day, or why not; and the spell that
    decides."""
    if not known.spells:
        return "no_membership", {}
    sound = _sound_spells(known)
    if not sound:
        return "held", {"reasons": ", ".join(sorted({reason for row in known.held for reason in row["reasons"]}))}
    # As the settlement does, a membership is followed through all spells, also those that are held.
    judged = [
        (cover_of(spell, since, known.heeded_lapses, known.publicity_on), spell)
        for spell, since in memberships_of(known.spells)
        if spell in sound
    ]
    cover, spell = next((found for found in reversed(judged) if found[0] == COVERED), judged[-1])
    exempt = known.helped and not known.rules.helped_member_shares
    return (HELPED if cover == COVERED and exempt else cover), spell


def member_since(known: MemberFacts, spell: Mapping) -> date | None:
    """The day the unbroken membership began that the spell is part of, as the waiver asks: sound spells alone count."""
    return next((since for of, since in memberships_of(_sound_spells(known)) if of == spell), None)


def cover_steps(known: MemberFacts, cover: str, spell: Mapping) -> list[Step]:
    """The spell in force; or why there is none. Marked where the assessment says otherwise."""
    if cover != COVERED:
        return _without_cover(known, cover, spell)
    day, row = known.publicity_on, known.assessment
    in_force = {name: spell[name] for name in ("tier", "joined_on", "exited_on")}
    steps = [Step("coverage", say("covered until" if spell["exited_on"] else "covered", day=day, **in_force))]
    if spell["waiting_ends_on"] and spell["waiting_ends_on"] >= day:
        told = say("waiting", ends_on=spell["waiting_ends_on"])
        steps.append(Step("waiting period", told, rule=rule_of(known, "waiting_days")))
    if row is None:
        return [*steps, cover_without_share(known.shares.share_fen.get(spell["tier"], 0))]
    steps += compared("settled/assessments, tier", row["tier"], spell["tier"])
    return steps + compared("settled/assessments, payer_id", row["payer_id"], spell["payer_id"])


def _without_cover(known: MemberFacts, cover: str, spell: Mapping) -> list[Step]:
    lapses = [lapse for lapse in known.heeded_lapses if lapse <= known.publicity_on]
    told = {**spell, "lapsed_on": max(lapses, default=None)}
    rule = rule_of(known, "helped_member_shares") if cover == HELPED else None
    if known.assessment is None:
        return [Step("not charged", why_not(cover, told), rule=rule)]
    found = Step("coverage", why_not(cover, told, "not to be charged"), rule=rule)
    return [found, share_without_cover(known.assessment["share_fen"])]


def _sound_spells(known: MemberFacts) -> list[Mapping]:
    held = {row["joined_on"] for row in known.held}
    return [spell for spell in known.spells if spell["joined_on"] not in held]
