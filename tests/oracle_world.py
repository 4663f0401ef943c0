"""What the oracle settles from: the sources, what earlier periods left, and who is covered when."""

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
    """What earlier settled periods left: the last pool of each plan, claims counted, and due per member and year.

    `used_claims`: released claims that a period has settled.
    """

    last_pool: Mapping[str, dict] = field(default_factory=dict)
    counted_claims: tuple[dict, ...] = ()
    borne_fen: Mapping[tuple[str, int, int], int] = field(default_factory=dict)
    used_claims: tuple[dict, ...] = ()

    def after(self, settled) -> "History":
        """The same with one more settled period; dues count in the year of its publicity day."""
        borne_fen = Counter(self.borne_fen)
        for row in settled.rows("assessments"):
            borne_fen[row["plan_id"], row["member_id"], settled.publicity_on.year] += row["due_fen"]
        pools = {plan_id: plan.pool for plan_id, plan in settled.plans.items()}
        counted = [claim for plan in settled.plans.values() for claim in plan.counted_claims]
        used = (*self.used_claims, *settled.used_claims)
        return History({**self.last_pool, **pools}, (*self.counted_claims, *counted), borne_fen, used)


@dataclass(frozen=True)
class Spell:
    """One spell of cover. `began_on` is when the unbroken membership began: a switch of tier does not end it.

    `lapsed_on`: the first day at whose 00:00 cover had ended for arrears; None: it did not.
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
    found: dict = defaultdict(lambda: defaultdict(list))
    for row in sorted(members, key=lambda row: row["joined_on"]):
        spells = found[row["plan_id"]][row["member_id"]]
        continues = bool(spells) and spells[-1].row["exited_on"] == row["joined_on"]
        spells.append(Spell(row, spells[-1].began_on if continues else row["joined_on"], None))
    for lapse in world.lapses:
        spells = found[lapse["plan_id"]][lapse["member_id"]]
        spells[:] = cut(spells, lapse["ended_at"], ZoneInfo(world.platform.time_zone))
    return found


def cut(spells: list[Spell], ended_at: datetime, zone: ZoneInfo) -> list[Spell]:
    """The lapse ends the membership it falls in; one that begins on that day or later is a new one."""
    local = ended_at.astimezone(zone)
    lapsed_on = local.date() if local.time() == time(0) else local.date() + timedelta(days=1)
    midnight = local.replace(tzinfo=None)
    lapsed = {s.began_on for s in spells if datetime.combine(s.began_on, time(0)) < midnight}
    hit = max(lapsed, default=None)
    return [replace(s, lapsed_on=min(s.lapsed_on or lapsed_on, lapsed_on)) if s.began_on == hit else s for s in spells]


def covering(spells: list[Spell], day: date) -> Spell | None:
    """The one spell that covers the day; the gate has let no two overlap."""
    found = [spell for spell in spells if spell.covers(day)]
    assert len(found) <= 1, "spells overlap behind the gate"
    return found[0] if found else None


@dataclass(frozen=True)
class Case:
    """What everything below needs to know of the plan and period at hand."""

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
        found = {member_id: covering(spells, self.publicity_on) for member_id, spells in self.spells.items()}
        return {member_id: spell for member_id, spell in sorted(found.items()) if spell}

    @property
    def counted_before(self) -> list[dict]:
        return [claim for claim in self.history.counted_claims if claim["plan_id"] == self.plan.plan_id]
