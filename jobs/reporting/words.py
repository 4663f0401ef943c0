"""Names of codes, places, illnesses and plans in Chinese and English. A code without a name is shown as it is."""

from jobs.base.catalogue import Text, catalogue
from jobs.rulebook.rules import Platform

CODES = catalogue("jobs.reporting", "codes").texts
PLACES = catalogue("jobs.reporting", "places").texts
COMMON = catalogue("jobs.reporting", "common")


def named(code: str | None) -> Text | str:
    """The name of a code; a dash for None."""
    return "–" if code is None else CODES.get(code, code)


def place(code: str) -> Text | str:
    """The name of a province or region; any other code as `named` names it."""
    return PLACES.get(code, named(code))


def illness(platform: Platform, code: str) -> Text | str:
    """The platform's name for an illness."""
    names = platform.illnesses.get(code)
    return Text(names["zh"], names["en"]) if names else code


def plan(platform: Platform, plan_id: str) -> Text:
    """The platform's name for a plan."""
    known_plan = platform.plans.get(plan_id)
    return Text(known_plan.names["zh"], known_plan.names["en"]) if known_plan else Text(plan_id, plan_id)


def plan_and_tier(plan_name: Text, tier: str) -> Text:
    """A plan and a tier in one name."""
    return COMMON["name_and_tier"].format(plan=plan_name, tier=named(tier))


def in_language(name: Text | str, language: str) -> str:
    """A name in one of the two languages; a code without a name as it is."""
    return getattr(name, language) if isinstance(name, Text) else name


def in_both_languages(write) -> Text:
    """The text that `write` makes of each language."""
    return Text(*(write(language) for language in Text._fields))
