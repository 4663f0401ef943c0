"""The oracle's gate: which source rows are held, each with all its reasons."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import combinations, pairwise
from typing import NamedTuple

from tests.oracle_world import History, Spell, World, covering

SEXES, CITY_TIERS, SEVERITIES = ("F", "M"), range(1, 7), ("severe", "light")
OBJECTIONS = ("none", "pending", "upheld", "dismissed")
# GB/T 2260, province level, region by region.
PROVINCES = (
    "11 12 13 14 15  21 22 23  31 32 33 34 35 36 37  41 42 43 44 45 46  50 51 52 53 54  61 62 63 64 65  71 81 82"
).split()
HIGHEST_AID_FEN = 10_000_000_000


class Held(NamedTuple):
    """A held source row with every rule it breaks, in alphabetical order."""

    row: dict
    reasons: tuple[str, ...]


def hold(rows: list[dict], reasons: list[set[str]]) -> tuple[list[dict], list[Held]]:
    """Passed rows and held rows; `reasons` has one entry per row."""
    passed = [row for row, why in zip(rows, reasons, strict=True) if not why]
    held = [Held(row, tuple(sorted(why))) for row, why in zip(rows, reasons, strict=True) if why]
    return passed, held


def broken(rules: dict[str, bool]) -> set[str]:
    return {reason for reason, is_broken in rules.items() if is_broken}


def plan_unknown(world: World, row: dict) -> bool:
    return row["plan_id"] is not None and row["plan_id"] not in world.platform.plans


def tier_unknown(world: World, row: dict, day: date) -> bool:
    """The plan's rules give the tier no weight; false if the plan is missing or unknown."""
    plan = world.platform.plans.get(row["plan_id"])
    return plan is not None and row["tier"] not in plan.sharing_on(day).weights_ppm


# --- members


def hold_members(world: World, publicity_on: date) -> tuple[list[dict], list[Held]]:
    """Members that pass the gate, and those held."""
    members = list(world.members)
    reasons = [member_row_reasons(world, row, publicity_on) for row in members]
    keys = [tuple(row[column] for column in ("plan_id", "member_id", "joined_on")) for row in members]
    seen = Counter(keys)
    for key, why in zip(keys, reasons, strict=True):
        if None not in key and seen[key] > 1:
            why.add("member_duplicated")
    for index in overlapping(members, keys, reasons):
        if "member_duplicated" not in reasons[index]:
            reasons[index].add("member_spells_overlap")
    return hold(members, lifted(members, reasons, world.released))


def lifted(rows: list[dict], reasons: list[set[str]], released: Sequence[dict]) -> list[set[str]]:
    """The reasons of each row, empty for a released row; of several equal rows only one is released."""
    left = [row for index, row in enumerate(released) if row not in released[:index]]
    passing = []
    for row, why in zip(rows, reasons, strict=True):
        is_released = row in left
        if is_released:
            left.remove(row)
        passing.append(set() if is_released else why)
    return passing


def released_claims(world: World, period: str, history: History) -> list[dict]:
    """The released claims that count in the period: of it or an earlier one, still in the source, not settled yet."""
    in_source = [row for row in world.released if row in world.claims]
    return [row for row in in_source if row["publicity_period"] <= period and row not in history.used_claims]


def member_row_reasons(world: World, row: dict, publicity_on: date) -> set[str]:
    born_on, joined_on, exited_on = row["birth_date"], row["joined_on"], row["exited_on"]
    return broken(
        {
            "member_key_missing": None in (row["plan_id"], row["member_id"], joined_on),
            "member_plan_unknown": plan_unknown(world, row),
            "member_tier_unknown": tier_unknown(world, row, publicity_on),
            "member_payer_missing": row["payer_id"] is None,
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
    """The known days are in order, comparing neighbours."""
    return all(earlier <= later for earlier, later in pairwise(days) if earlier and later)


def overlapping(members: list[dict], keys: list[tuple], reasons: list[set[str]]) -> set[int]:
    """Indices of the spells [joined_on, exited_on) that overlap another one of the member in the plan."""
    spells = defaultdict(list)
    for index, (key, why) in enumerate(zip(keys, reasons, strict=True)):
        if None not in key and "member_exit_before_joining" not in why:
            spells[key[:2]].append(index)
    indices_held = set()
    for indices in spells.values():
        by_joining = sorted(indices, key=lambda index: members[index]["joined_on"])
        for earlier, later in combinations(by_joining, 2):
            ends_on, starts_on = members[earlier]["exited_on"], members[later]["joined_on"]
            if keys[earlier] != keys[later] and (ends_on is None or starts_on < ends_on):
                indices_held |= {earlier, later}
    return indices_held


# --- claims


def hold_claims(
    world: World,
    period: str,
    publicity_on: date,
    unbroken: dict[str, dict[int, list[Spell]]],
    counted_claims: tuple[dict, ...],
    released: list[dict],
) -> tuple[list[dict], list[Held]]:
    """The period's claims that pass the gate, and those held; a claim of no known period is held in every one.

    Released claims of earlier periods are judged as claims of this period, and pass.

    A claim that breaks a rule by itself, or shares its id, is no reason to hold another claim of the period.
    """
    claims = [row for row in world.claims if row["publicity_period"] == period or in_no_period(world, row)]
    late = [{**row, "publicity_period": period} for row in released if row["publicity_period"] != period]
    claims += late
    reasons = [claim_row_reasons(world, row, publicity_on) for row in claims]
    seen = Counter(row["claim_id"] for row in claims if row["publicity_period"] == period)
    for row, why in zip(claims, reasons, strict=True):
        if row["publicity_period"] == period and row["claim_id"] is not None and seen[row["claim_id"]] > 1:
            why.add("claim_duplicated")
    sound = [row for row, why in zip(claims, reasons, strict=True) if not why]
    for row, why in zip(claims, reasons, strict=True):
        twice_now = row in sound and claimed_under_another_id(row, sound)
        if twice_now or claimed_under_another_id(row, counted_claims):
            why.add("claim_illness_claimed_twice")
        why |= reference_reasons(row, unbroken)
    return hold(claims, lifted(claims, reasons, [*late, *released]))


def in_no_period(world: World, row: dict) -> bool:
    """The claim's period is missing or not in the calendar."""
    calendar = world.platform.calendar
    return row["publicity_period"] not in map(str, calendar.between(calendar.first_period, calendar.last_period))


def claim_row_reasons(world: World, row: dict, publicity_on: date) -> set[str]:
    """Reasons that need only the row."""
    keys = ("claim_id", "plan_id", "member_id", "publicity_period")
    days = [row[column] for column in ("birth_date", "diagnosed_on", "approved_on")]
    aid_fen = row["approved_aid_fen"]
    return broken(
        {
            "claim_key_missing": any(row[column] is None for column in keys),
            "claim_period_unknown": row["publicity_period"] is not None and in_no_period(world, row),
            "claim_plan_unknown": plan_unknown(world, row),
            "claim_tier_unknown": tier_unknown(world, row, publicity_on),
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
    """Reasons that need the members that passed the gate; none if the claim lacks its plan or member."""
    if None in (row["plan_id"], row["member_id"]):
        return set()
    spells = unbroken.get(row["plan_id"], {}).get(row["member_id"], [])
    diagnosed_on = row["diagnosed_on"]
    spell = covering(spells, diagnosed_on) if diagnosed_on else None
    return broken(
        {
            "claim_member_unknown": not spells,
            "claim_not_covered_on_diagnosis": bool(spells and diagnosed_on) and spell is None,
            "claim_tier_differs": spell is not None and row["tier"] not in (None, spell.row["tier"]),
        }
    )


def claimed_under_another_id(row: dict, others: Iterable[dict]) -> bool:
    key = ("plan_id", "member_id", "illness_code")
    return any(
        all(other[column] == row[column] for column in key) and other["claim_id"] != row["claim_id"] for other in others
    )
