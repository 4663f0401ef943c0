"""The steps of an explanation, and the marked step where a stored value does not follow from the rules."""

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.explaining.facts import MemberFacts
from jobs.explaining.words import say
from jobs.money import whole_percent

DOES_NOT_FOLLOW = "does not follow"


@dataclass(frozen=True)
class Step:
    """One step: its name, its sentence by language, its amount, and its rule if it has one."""

    name: str
    says: Mapping[str, str]
    amount_fen: int | None = None
    rule: Mapping[str, str] | None = None

    def shown(self) -> dict:
        return {
            "name": self.name,
            "says": self.says["en"],
            "says_zh": self.says["zh"],
            "amount_fen": self.amount_fen,
            "rule": self.rule,
        }


def compared_fen(place: str, stored_fen: int, follows_fen: int) -> list[Step]:
    """A marked step if a stored amount differs from the amount that follows from the rules; nothing if it does not.

    `place`: table and column. The step's amount is the difference; above zero, too much is stored.
    """
    return [] if stored_fen == follows_fen else [_marked("stored fen", place, stored_fen, follows_fen)]


def at_least_fen(place: str, stored_fen: int, least_fen: int) -> list[Step]:
    """The same for an amount that may be more than `least_fen`."""
    return [] if stored_fen >= least_fen else [_marked("stored too little", place, stored_fen, least_fen)]


def at_most_fen(place: str, stored_fen: int, most_fen: int) -> list[Step]:
    """The same for an amount that may be less than `most_fen`."""
    return [] if stored_fen <= most_fen else [_marked("stored too much", place, stored_fen, most_fen)]


def compared(place: str, stored: object, follows: object) -> list[Step]:
    """The same for a value that is not an amount: a count, a marker, a tier."""
    if stored == follows:
        return []
    shown = {"stored": "-" if stored is None else stored, "follows": "-" if follows is None else follows}
    return [Step(DOES_NOT_FOLLOW, say("stored value", place=place, **shown))]


def share_without_cover(share_fen: int) -> Step:
    """The member has an assessment and should have none."""
    return _marked("assessed without cover", "settled/assessments", share_fen, 0)


def cover_without_share(share_fen: int) -> Step:
    """The member has no assessment and should have one."""
    return _marked("covered without assessment", "settled/assessments", 0, share_fen)


def rule_of(facts: MemberFacts, name: str) -> dict[str, str]:
    """A rule of the plan: its value on the publicity day, its unit and its source."""
    value = facts.plan.rules[name].in_force(facts.publicity_on)
    unit = facts.plan.rules[name].unit
    shown = f"{value.value} ppm of 1 = {whole_percent(value.value)}" if name == "fee_rate" else str(value.value)
    return {"name": name, "value": shown, "unit": unit, "from": str(value.from_on), "reference": value.reference}


def _marked(key: str, place: str, stored_fen: int, follows_fen: int) -> Step:
    difference_fen = stored_fen - follows_fen
    sentence = say(
        key, place=place, stored=f"{stored_fen:,}", follows=f"{follows_fen:,}", difference=f"{difference_fen:+,}"
    )
    return Step(DOES_NOT_FOLLOW, sentence, difference_fen)
