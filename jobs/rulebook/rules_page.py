"""Fills the value tables of conf/RULES.md from the platforms' YAML: `python -m jobs.rulebook.rules_page`.

The page is written by hand but for the blocks between `<!-- values: NAME -->` and `<!-- end -->`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from jobs.money import PPM, in_yuan
from jobs.rulebook.loader import load_platform, platform_ids
from jobs.rulebook.rules import BenefitLimit, Platform, Rule, RuleValue

PAGE = Path(__file__).parents[2].joinpath("conf", "RULES.md")
BLOCK = re.compile(r"(<!-- values: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
PLATFORM_BLOCK = "platforms"
GRADE = re.compile(r"\(([ABC](?:/[ABC])?)(?=[\s,)])|\binferred\b|\bassumptions?\b")
HEAD = ("platform", "plan", "in force from", "value", "source", "grade", "published on")
PLATFORM_HEAD = ("platform", "parameter", "value", "source", "grade")


def page(text: str) -> str:
    """The page with every block of values as the shipped YAML files have them now."""
    platforms = [load_platform(platform_id) for platform_id in platform_ids()]
    table = lambda name: platforms_table(platforms) if name == PLATFORM_BLOCK else values_table(name, platforms)  # noqa: E731
    return BLOCK.sub(lambda block: f"{block[1]}{table(block[2])}{block[3]}", text)


def platforms_table(platforms: Iterable[Platform]) -> str:
    """One row per parameter that a platform has as a whole: calendar, residual, collection."""
    lines = [
        [platform.platform_id, name, value, source, grades_of(source)]
        for platform in platforms
        for name, value, source in _parameters(platform)
    ]
    return "\n".join([_line(PLATFORM_HEAD), _line("---" for _ in PLATFORM_HEAD), *map(_line, lines), ""])


def values_table(rule_name: str, platforms: Iterable[Platform]) -> str:
    """One row per distinct value of a rule: plans of one platform that share value, date and source share the row."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for platform in platforms:
        for plan_id, plan in sorted(platform.plans.items()):
            rule = plan.rules[rule_name]
            for value in rule.values:
                rows.setdefault((platform.platform_id, *_cells(rule, value)), []).append(plan_id)
    lines = [[key[0], ", ".join(plan_ids), *key[1:]] for key, plan_ids in rows.items()]
    return "\n".join([_line(HEAD), _line("---" for _ in HEAD), *map(_line, lines), ""])


def grades_of(reference: str) -> str:
    """The grades that a source names, in its order: A, B, C, assumption, inference."""
    names = {"inferred": "inference", "assumption": "assumption", "assumptions": "assumption"}
    return ", ".join(dict.fromkeys(grade[1] or names[grade[0]] for grade in GRADE.finditer(reference)))


def _parameters(platform: Platform) -> Iterator[tuple[str, str, str]]:
    calendar, collection = platform.calendar, platform.collection
    source = _read(platform.platform_id, "calendar.yaml")["reference"]
    for number, days in enumerate(calendar.monthly, start=1):
        yield f"P{number}", f"public on the {days.publicity_day}, deducted on the {days.deduction_day}", source
    yield "first and last period", f"{calendar.first_period} to {calendar.last_period}", source
    yield "publicity_days", str(calendar.publicity_days), source
    yield "grace_days_before_next_deduction", str(calendar.grace_days_before_next_deduction), source
    yield "carry_on", platform.carry_on, _read(platform.platform_id, "platform.yaml")["carry_on"]["reference"]
    yield "collection.deducts", collection.deducts, collection.reference
    yield "collection.shortfall_borne_by", collection.shortfall_borne_by, collection.reference


def _read(platform_id: str, name: str) -> Mapping[str, Any]:
    file = PAGE.parent.joinpath("platforms", platform_id, name)
    return YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))


def _cells(rule: Rule, value: RuleValue) -> tuple[str, ...]:
    shown = "none" if value.value is None and rule.name != "helped_illnesses" else SHOWN[rule.name](value.value)
    return str(value.from_on), shown, value.reference, grades_of(value.reference), str(value.published_on)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _fen(fen: int) -> str:
    return f"{fen:,} fen ({in_yuan(fen)} yuan)"


def _weights(weights_ppm: Mapping[str, int]) -> str:
    return ", ".join(f"{tier} {ppm:,}" for tier, ppm in weights_ppm.items()) + f" of {PPM:,}"


def _limits(limits: tuple[BenefitLimit, ...]) -> str:
    return "<br>".join(map(_limit, limits)) or "no illness"


def _limit(limit: BenefitLimit) -> str:
    illness = f"{limit.illness_code}, " if limit.illness_code else ""
    kind = f"{limit.tier}, {limit.severity}, age {limit.age_from} to {limit.age_to}"
    return f"{illness}{kind}: {in_yuan(limit.limit_fen)} yuan"


def _helped(illnesses: tuple[str, ...] | None) -> str:
    return "every illness of the platform" if illnesses is None else ", ".join(illnesses)


def _removed(illnesses: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{severity} {illness}" for illness, severity in illnesses) or "no illness"


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"


def _in(unit: str) -> Callable[[int], str]:
    return lambda number: f"{number:,} {unit}"


def _at_least(members: int) -> str:
    return f"at least {members:,}"


def _joined_by(day: date) -> str:
    return f"joined by {day}"


SHOWN: Mapping[str, Callable[[Any], str]] = {
    "fee_rate": _in("ppm"),
    "rounding": str,
    "tier_weights": _weights,
    "per_case_cap": _fen,
    "yearly_cap": _fen,
    "first_month_waiver": _joined_by,
    "funded_periods": _yes_no,
    "helped_member_shares": _yes_no,
    "minimum_members": _at_least,
    "waiting_days": _in("days"),
    "joining_age_from": _in("days"),
    "joining_age_to": _in("years"),
    "membership_end_age": _in("years"),
    "benefit_limits": _limits,
    "illness_limits": _limits,
    "helped_illnesses": _helped,
    "removed_illnesses": _removed,
    "age_counted_on": str,
    "waiting_applies_to_accidents": _yes_no,
}


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
