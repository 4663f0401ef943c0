"""Rows for tests: clean ones in a line, and bad rows of every kind."""

from collections.abc import Callable
from datetime import date, timedelta

PERIOD = "2020-12-P1"
DAY = timedelta(days=1)
WAITING = timedelta(days=90)
Kinds = list[tuple[str, list[dict]]]  # (reason that the rows must have, rows); a row may break other rules as well


def member(member_id, plan_id="critical_illness", **columns) -> dict:
    """A spell covered throughout 2020, standard tier, own payer; keyword arguments override the defaults.

    Without `waiting_ends_on` the waiting period is the 90 days after `joined_on`.
    """
    joined_on = columns.get("joined_on", date(2019, 6, 1))
    return {
        "member_id": member_id,
        "plan_id": plan_id,
        "tier": "standard",
        "payer_id": member_id,
        "birth_date": birth_date_for(plan_id),
        "sex": "F",
        "province_code": "41",
        "city_tier": 3,
        "joined_on": joined_on,
        "waiting_ends_on": joined_on + WAITING if joined_on else None,
        "exited_on": None,
        "exit_reason": "left" if columns.get("exited_on") else None,
        **columns,
    }


def claim(claim_id, member_id, plan_id="critical_illness", **columns) -> dict:
    """A clean claim of a covered member, publicised in 2020-12-P1; keyword arguments override the defaults."""
    return {
        "claim_id": claim_id,
        "plan_id": plan_id,
        "member_id": member_id,
        "tier": "standard",
        "publicity_period": PERIOD,
        "illness_code": "traffic_injury" if plan_id == "transport_accident" else "breast_cancer",
        "severity": "severe",
        "accident": plan_id == "transport_accident",
        "diagnosed_on": date(2020, 10, 1),
        "birth_date": birth_date_for(plan_id),
        "sex": "F",
        "province_code": "41",
        "approved_on": date(2020, 11, 20),
        "approved_aid_fen": 10_000_000,
        "objection": "none",
        **columns,
    }


def birth_date_for(plan_id: str) -> date:
    return date(1955, 6, 1) if plan_id == "senior_cancer" else date(1990, 6, 1)


def bad_members(member: Callable[..., dict], plan_id: str, joined_on: date) -> Kinds:
    """Every kind of bad member, ids from 90,001; `joined_on` is the clean day of joining."""
    ids = iter(range(90_001, 91_000))

    def row(**given) -> dict:
        return member(
            given.pop("member_id", None) or next(ids),
            given.pop("plan_id", plan_id),
            **{"joined_on": joined_on, **given},
        )

    def spells(*given: dict) -> list[dict]:
        member_id = next(ids)
        return [row(member_id=member_id, **one) for one in given]

    in_a_year, later = joined_on + 365 * DAY, joined_on + 100 * DAY
    return [
        ("member_key_missing", [{**row(), "member_id": None}]),
        ("member_key_missing", [row(joined_on=None, waiting_ends_on=in_a_year)]),
        ("member_key_missing", [{**row(), "plan_id": None}]),
        ("member_plan_unknown", [row(plan_id="no_such_plan")]),
        ("member_tier_unknown", [row(tier="gold")]),
        ("member_tier_unknown", [row(tier=None)]),
        ("member_payer_missing", [row(payer_id=None)]),
        ("member_birth_date_missing", [row(birth_date=None)]),
        ("member_birth_after_joining", [row(birth_date=joined_on + DAY)]),
        ("member_sex_unknown", [row(sex="X")]),
        ("member_sex_unknown", [row(sex=None)]),
        ("member_province_unknown", [row(province_code="99")]),
        ("member_province_unknown", [row(province_code=None)]),
        ("member_city_tier_unknown", [row(city_tier=0), row(city_tier=7), row(city_tier=None)]),
        ("member_exit_before_joining", [row(exited_on=joined_on - DAY)]),
        ("member_waiting_end_missing", [row(waiting_ends_on=None)]),
        ("member_duplicated", spells({}, {"tier": "basic"})),
        ("member_spells_overlap", spells({"exited_on": later}, {"joined_on": later - DAY})),
        ("member_spells_overlap", spells({}, {"joined_on": later, "exited_on": later + DAY}, {"joined_on": in_a_year})),
        ("member_tier_unknown", [row(tier="gold", sex="X", payer_id=None, birth_date=None, waiting_ends_on=None)]),
    ]  # fmt: skip


def bad_claims(
    claim: Callable[..., dict],
    next_id: Callable[[], int],
    members: list[int],
    joined_on: date,
    publicity_on: date,
) -> Kinds:
    """Every kind of bad claim of one period. `claim(claim_id, member_id, **given)` is clean for each of the members,

    who joined on `joined_on`; each kind takes members that no other kind takes.
    """
    ids = iter(members)

    def row(**given) -> dict:
        return claim(given.pop("claim_id", None) or next_id(), given.pop("member_id", None) or next(ids), **given)

    def pair(first: dict, second: dict, **both) -> list[dict]:
        return [row(**both, **first), row(**both, **second)]

    duplicate_id, twice, huge = next_id(), next(ids), 2**63 - 1
    return [
        ("claim_key_missing", [{**row(), "claim_id": None}]),
        ("claim_key_missing", [{**row(), "member_id": None}]),
        ("claim_key_missing", [row(plan_id=None)]),
        ("claim_key_missing", [row(publicity_period=None)]),
        ("claim_period_unknown", [row(publicity_period="2020-12-P7")]),
        ("claim_plan_unknown", [row(plan_id="no_such_plan")]),
        ("claim_tier_unknown", [row(tier="gold")]),
        ("claim_illness_unknown", [row(illness_code="boredom")]),
        ("claim_severity_unknown", [row(severity="mild")]),
        ("claim_objection_unknown", [row(objection=None)]),
        ("claim_accident_missing", [row(accident=None)]),
        ("claim_aid_out_of_range", [row(approved_aid_fen=fen) for fen in (None, 0, -5, -huge - 1, huge, huge)]),
        ("claim_aid_out_of_range", [row(approved_aid_fen=10_000_000_001)]),
        ("claim_dates_missing", [row(diagnosed_on=None), row(approved_on=None), row(birth_date=None)]),
        ("claim_dates_out_of_order", [row(approved_on=publicity_on + DAY)]),
        ("claim_dates_out_of_order", [row(diagnosed_on=publicity_on - 9 * DAY)]),
        ("claim_sex_unknown", [row(sex="X")]),
        ("claim_province_unknown", [row(province_code=None)]),
        ("claim_duplicated", pair({}, {}, claim_id=duplicate_id)),
        ("claim_illness_claimed_twice", pair({}, {}, member_id=twice)),
        ("claim_member_unknown", [row(member_id=77_777)]),
        ("claim_not_covered_on_diagnosis", [row(diagnosed_on=joined_on)]),
        ("claim_tier_differs", [row(tier="basic")]),
        ("claim_illness_unknown", [row(illness_code=None, sex="X", approved_aid_fen=0, member_id=77_777)]),
    ]  # fmt: skip
