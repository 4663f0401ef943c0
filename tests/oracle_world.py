"""Inputs of the oracle: the sources, the history of earlier periods, and the cover of members."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from jobs.rulebook.rules import Plan, Platform, SharingRules


@dataclass(frozen=True)
class World:
    """The sources and the rules. A lapse is {plan_id, member_id, ended_at}, an aware instant.

    `released`: rows of members and claims that the operator has released before the settlement.
    """

    platform: Platform
    members: tuple[dict, ...]
    claims: tuple[dict, ...]
    lapses: tuple[dict, ...] = ()
    released: tuple[dict, ...] = ()


@dataclass(frozen=True)
class History:
    """Results of earlier settled periods: the last pool of each plan, counted claims, and dues by member and year.

    `used_claims`: released claims that a period has settled.
    """

    last_pool: Mapping[str, dict] = field(default_factory=dict)
    counted_claims: tuple[dict, ...] = ()
    borne_fen: Mapping[tuple[str, int, int], int] = field(default_factory=dict)
    used_claims: tuple[dict, ...] = ()

    def after(self, settled) -> "History":
        """The history with one more settled period; its dues count in the year of the publicity day."""
        borne_fen = Counter(self.borne_fen)
        for row in settled.rows("assessments"):
            borne_fen[row["plan_id"], row["member_id"], settled.publicity_on.year] += row["due_fen"]
        pools = {plan_id: plan.pool for plan_id, plan in settled.plans.items()}
        counted = [claim for plan in settled.plans.values() for claim in plan.counted_claims]
        used = (*self.used_claims, *settled.used_claims)
        return History({**self.last_pool, **pools}, (*self.counted_claims, *counted), borne_fen, used)


@dataclass(frozen=True)
class Spell:
    """One spell of cover. `began_on`: start of the unbroken membership, which a switch of tier does not end.

    `lapsed_on`: the first day at 00:00 of which cover had ended because of arrears; None: no lapse.
    """

    row: dict
    began_on: date
    lapsed_on: date | None

    def covers(self, day: date) -> bool:
        """In force at 00:00 of the day."""
        exited_on = self.row["exited_on"]
        in_spell = self.row["joined_on"] < day and (exited_on is None or exited_on >= day)
        return in_spell and not (self.lapsed_on and self.lapsed_on <= day)


def memberships(world: World, members: list[dict]) -> dict[str, dict[int, list[Spell]]]:
    """Plan -> member -> spells in order. A spell that starts on the day the one before ends continues it."""
    by_plan: dict = defaultdict(lambda: defaultdict(list))
    for row in sorted(members, key=lambda row: row["joined_on"]):
        spells = by_plan[row["plan_id"]][row["member_id"]]
        continues = bool(spells) and spells[-1].row["exited_on"] == row["joined_on"]
        spells.append(Spell(row, spells[-1].began_on if continues else row["joined_on"], None))
    for lapse in world.lapses:
        spells = by_plan[lapse["plan_id"]][lapse["member_id"]]
        spells[:] = cut(spells, lapse["ended_at"], ZoneInfo(world.platform.time_zone))
    return by_plan


def cut(spells: list[Spell], ended_at: datetime, zone: ZoneInfo) -> list[Spell]:
    """The lapse ends the membership in force; a membership that begins on that day or later is a new one."""
    local = ended_at.astimezone(zone)
    lapsed_on = local.date() if local.time() == time(0) else local.date() + timedelta(days=1)
    midnight = local.replace(tzinfo=None)
    lapsed = {s.began_on for s in spells if datetime.combine(s.began_on, time(0)) < midnight}
    hit = max(lapsed, default=None)
    return [replace(s, lapsed_on=min(s.lapsed_on or lapsed_on, lapsed_on)) if s.began_on == hit else s for s in spells]


def covering(spells: list[Spell], day: date) -> Spell | None:
    """The spell that covers the day; after the gate no two spells overlap."""
    spells_in_force = [spell for spell in spells if spell.covers(day)]
    assert len(spells_in_force) <= 1, "spells overlap behind the gate"
    return spells_in_force[0] if spells_in_force else None


@dataclass(frozen=True)
class Case:
    """Plan, period, spells and history that the other functions use."""

    platform: Platform
    plan: Plan
    period: str
    publicity_on: date
    spells: Mapping[int, list[Spell]]
    history: History

    @property
    def sharing(self) -> SharingRules:
        return self.plan.sharing_on(self.publicity_on)

    @property
    def keys(self) -> dict:
        return {"period": self.period, "plan_id": self.plan.plan_id}

    @property
    def covered(self) -> dict[int, Spell]:
        spell_by_member = {member_id: covering(spells, self.publicity_on) for member_id, spells in self.spells.items()}
        return {member_id: spell for member_id, spell in sorted(spell_by_member.items()) if spell}

    @property
    def counted_before(self) -> list[dict]:
        return [claim for claim in self.history.counted_claims if claim["plan_id"] == self.plan.plan_id]
