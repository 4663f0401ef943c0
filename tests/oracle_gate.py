"""The oracle's gate: which source rows are held, each with all its reasons."""

from collections import Counter, defaultdict
from datetime import date
from itertools import combinations, pairwise
from typing import NamedTuple

from tests.oracle_world import Spell, World, covering

SEXES, CITY_TIERS, SEVERITIES = ("F", "M"), range(1, 7), ("severe", "light")
OBJECTIONS = ("none", "pending", "upheld", "dismissed")
# GB/T 2260, province level, region by region.
PROVINCES = (
    "11 12 13 14 15  21 22 23  31 32 33 34 35 36 37  41 42 43 44 45 46  50 51 52 53 54  61 62 63 64 65  71 81 82"
).split()
HIGHEST_AID_FEN = 10_000_000_000


class Held(NamedTuple):
    """A source row held back, with every rule it breaks, in alphabetical order."""

    row: dict
    reasons: tuple[str, ...]


def hold(rows: list[dict], reasons: list[set[str]]) -> tuple[list[dict], list[Held]]:
    """Rows that pass, and rows held. `reasons` runs along the rows."""
    passed = [row for row, why in zip(rows, reasons, strict=True) if not why]
    held = [Held(row, tuple(sorted(why))) for row, why in zip(rows, reasons, strict=True) if why]
    return passed, held


def broken(rules: dict[str, bool]) -> set[str]:
    return {reason for reason, is_broken in rules.items() if is_broken}


def weighted_tiers(world: World, plan_id: str | None, day: date) -> set[str]:
    """Tiers with a weight in the plan; for a plan nobody knows, in any plan of the platform."""
    plans = world.platform.plans
    asked = [plans[plan_id]] if plan_id in plans else plans.values()
    return {tier for plan in asked for tier in plan.sharing_on(day).weights_ppm}


# --- members


def hold_members(world: World, publicity_on: date) -> tuple[list[dict], list[Held]]:
    """Members that pass the gate, and those held."""
    members = list(world.members)
    everybody = {row["member_id"] for row in members}
    reasons = [member_row_reasons(world, row, publicity_on, everybody) for row in members]
    keys = [tuple(row[column] for column in ("plan_id", "member_id", "joined_on")) for row in members]
    seen = Counter(keys)
    for key, why in zip(keys, reasons, strict=True):
        if None not in key and seen[key] > 1:
            why.add("member_duplicated")
    for index in overlapping(members, keys, reasons):
        if "member_duplicated" not in reasons[index]:
            reasons[index].add("member_spells_overlap")
    return hold(members, reasons)


def member_row_reasons(world: World, row: dict, publicity_on: date, everybody: set[int]) -> set[str]:
    born_on, joined_on, exited_on = row["birth_date"], row["joined_on"], row["exited_on"]
    return broken(
        {
            "member_key_missing": None in (row["plan_id"], row["member_id"], joined_on),
            "member_plan_unknown": row["plan_id"] not in world.platform.plans,
            "member_tier_unknown": row["tier"] not in weighted_tiers(world, row["plan_id"], publicity_on),
            "member_payer_missing": row["payer_id"] is None,
            "member_payer_unknown": row["payer_id"] is not None and row["payer_id"] not in everybody,
            "member_birth_date_missing": born_on is None,
            "member_birth_after_joining": not in_order([born_on, joined_on]),
            "member_sex_unknown": row["sex"] not in SEXES,
            "member_province_unknown": row["province_code"] not in PROVINCES,
            "member_city_tier_unknown": row["city_tier"] not in CITY_TIERS,
            "member_exit_before_joining": not in_order([joined_on, exited_on]),
            "member_waiting_end_missing": row["waiting_ends_on"] is None,
        }
    )


def in_order(days: list[date | None]) -> bool:
    """No two neighbours that are both known are the wrong way round."""
    return all(earlier <= later for earlier, later in pairwise(days) if earlier and later)


def overlapping(members: list[dict], keys: list[tuple], reasons: list[set[str]]) -> set[int]:
    """Indices of the spells [joined_on, exited_on) that overlap another one of the member in the plan."""
    spells = defaultdict(list)
    for index, (key, why) in enumerate(zip(keys, reasons, strict=True)):
        if None not in key and "member_exit_before_joining" not in why:
            spells[key[:2]].append(index)
    found = set()
    for indices in spells.values():
        by_joining = sorted(indices, key=lambda index: members[index]["joined_on"])
        for earlier, later in combinations(by_joining, 2):
            ends_on, starts_on = members[earlier]["exited_on"], members[later]["joined_on"]
            if keys[earlier] != keys[later] and (ends_on is None or starts_on < ends_on):
                found |= {earlier, later}
    return found


# --- claims


def hold_claims(
    world: World,
    period: str,
    publicity_on: date,
    unbroken: dict[str, dict[int, list[Spell]]],
    counted_claims: tuple[dict, ...],
) -> tuple[list[dict], list[Held]]:
    """The period's claims that pass the gate, and those held; a claim without any period is held in every one."""
    claims = [row for row in world.claims if row["publicity_period"] in (period, None)]
    reasons = [claim_row_reasons(world, row, publicity_on) for row in claims]
    clean = [row for row, why in zip(claims, reasons, strict=True) if not why]
    seen = Counter(row["claim_id"] for row in claims if row["publicity_period"] == period)
    for row, why in zip(claims, reasons, strict=True):
        is_clean = not why
        why |= reference_reasons(row, unbroken)
        if row["publicity_period"] == period and row["claim_id"] is not None and seen[row["claim_id"]] > 1:
            why.add("claim_duplicated")
        if is_clean and claimed_under_another_id(row, [*clean, *counted_claims]):
            why.add("claim_illness_claimed_twice")
    return hold(claims, reasons)


def claim_row_reasons(world: World, row: dict, publicity_on: date) -> set[str]:
    """What the row alone shows."""
    keys = ("claim_id", "plan_id", "member_id", "publicity_period")
    days = [row[column] for column in ("birth_date", "diagnosed_on", "approved_on")]
    aid_fen = row["approved_aid_fen"]
    return broken(
        {
            "claim_key_missing": any(row[column] is None for column in keys),
            "claim_plan_unknown": row["plan_id"] not in world.platform.plans,
            "claim_tier_unknown": row["tier"] not in weighted_tiers(world, row["plan_id"], publicity_on),
            "claim_illness_unknown": row["illness_code"] not in world.platform.illnesses,
            "claim_severity_unknown": row["severity"] not in SEVERITIES,
            "claim_objection_unknown": row["objection"] not in OBJECTIONS,
            "claim_accident_missing": row["accident"] is None,
            "claim_aid_out_of_range": aid_fen is None or not 0 < aid_fen <= HIGHEST_AID_FEN,
            "claim_dates_missing": None in days,
            "claim_dates_out_of_order": not in_order([*days, publicity_on]),
            "claim_sex_unknown": row["sex"] not in SEXES,
            "claim_province_unknown": row["province_code"] not in PROVINCES,
        }
    )


def reference_reasons(row: dict, unbroken: dict[str, dict[int, list[Spell]]]) -> set[str]:
    """What the members that passed the gate show. A day of diagnosis that is missing is covered by no spell."""
    spells = unbroken.get(row["plan_id"], {}).get(row["member_id"], [])
    diagnosed_on = row["diagnosed_on"]
    spell = covering(spells, diagnosed_on) if diagnosed_on else None
    return broken(
        {
            "claim_member_unknown": not spells,
            "claim_not_covered_on_diagnosis": bool(spells) and spell is None,
            "claim_tier_differs": spell is not None and row["tier"] != spell.row["tier"],
        }
    )


def claimed_under_another_id(row: dict, others: list[dict]) -> bool:
    key = ("plan_id", "member_id", "illness_code")
    return any(
        all(other[column] == row[column] for column in key) and other["claim_id"] != row["claim_id"] for other in others
    )
