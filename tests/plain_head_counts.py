"""Head counts of a period in plain Python: covered, joined and ended, by tier, age, length of membership, reason."""

from collections import Counter
from datetime import date

from jobs.reporting.masking import GroupTraits


def head_counts(spells: list[dict], assessed: set[tuple[str, int]], since: date, day: date) -> dict[tuple, Counter]:
    """By (plan_id, measure). `spells`: those not held; `assessed`: (plan_id, member_id) of the period."""
    counts: dict[tuple, Counter] = {}
    for member_spells in _by_member(spells).values():
        for place, spell in enumerate(member_spells):
            plan_id, joined, exited = spell["plan_id"], spell["joined_on"], spell["exited_on"]
            before = member_spells[place - 1]["exited_on"] if place else None
            after = member_spells[place + 1]["joined_on"] if place + 1 < len(member_spells) else None
            in_force = joined < day and (exited is None or exited >= day)
            is_counted = {
                "covered": in_force and (plan_id, spell["member_id"]) in assessed,
                "joined": since <= joined < day and before != joined,
                "ended": exited is not None and since <= exited < day and after != exited,
            }
            for measure in (name for name, is_so in is_counted.items() if is_so):
                item = spell["exit_reason"] if measure == "ended" else "all"
                age_band, months = age_band_of(spell["birth_date"], day), months_band_of(joined, day)
                traits = GroupTraits(spell["tier"], age_band, months, item)
                counts.setdefault((plan_id, measure), Counter())[traits] += 1
    return counts


def _by_member(spells: list[dict]) -> dict[tuple, list[dict]]:
    by_member: dict[tuple, list[dict]] = {}
    for spell in sorted(spells, key=lambda spell: spell["joined_on"]):
        by_member.setdefault((spell["plan_id"], spell["member_id"]), []).append(spell)
    return by_member


def age_band_of(born: date, day: date) -> str:
    low = (day.year - born.year - ((day.month, day.day) < (born.month, born.day))) // 10 * 10
    return f"{low}-{low + 9}"


def months_band_of(joined: date, day: date) -> str:
    months = (day.year - joined.year) * 12 + day.month - joined.month - (day.day < joined.day)
    return "0-5" if months < 6 else "6-11" if months < 12 else "12-23" if months < 24 else "24+"
