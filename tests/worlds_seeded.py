"""A seeded small world: members join, pay for each other, leave, rejoin and claim. The seed determines every row."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from jobs.rulebook.rules import Platform
from tests.oracle_world import World
from tests.worlds_rows import WAITING, bad_claims, bad_members, claim, member

AIDS_FEN = (1, 37, 250, 999, 4_000, 5_000_000, 10_000_000, 10_000_001, 30_000_000, 35_000_000)
CLAIM_COUNTS = (0, 0, 1, 1, 2)


@dataclass
class WorldBuilder:
    """A world under construction."""

    platform: Platform
    random: Random
    first_on: date
    last_on: date
    aids_fen: tuple[int, ...]
    claim_counts: tuple[int, ...]
    members: list[dict] = field(default_factory=list)
    claims: list[dict] = field(default_factory=list)
    next_claim_id: int = 1

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def day(self, first: date, last: date) -> date:
        return first + timedelta(days=self.random.randrange(max(1, (last - first).days + 1)))

    def claim_id(self) -> int:
        self.next_claim_id += 1
        return self.next_claim_id - 1


def small_world(
    platform: Platform,
    seed: int,
    first: str = "2019-07-P1",
    last: str = "2020-06-P2",
    persons: int = 40,
    bad_rows: bool = True,
    aids_fen: tuple[int, ...] = AIDS_FEN,
    claim_counts: tuple[int, ...] = CLAIM_COUNTS,
) -> World:
    """A world of `persons` over the periods; by default 24 periods in two calendar years, with rule changes.

    Every plan that runs in those periods has five members who never leave. `bad_rows` plants one of every kind of bad
    member, and a few bad claims per period, so that every kind occurs.
    """
    calendar = platform.calendar
    periods = calendar.between(calendar.period(first), calendar.period(last))
    publicity_days = [calendar.publicity_on(period) for period in periods]
    world = WorldBuilder(platform, Random(seed), publicity_days[0], publicity_days[-1], aids_fen, claim_counts)
    running = [p for p in platform.plans.values() if p.first_period <= periods[-1]]
    for member_id in range(1, persons + 1):
        add_person(world, member_id, [plan.plan_id for plan in running])
    for period, publicity_on in zip(periods, publicity_days, strict=True):
        for plan in running:
            if plan.first_period <= period:
                add_claims(world, plan.plan_id, str(period), publicity_on)
    if bad_rows:
        plan_id = running[0].plan_id if "critical_illness" not in platform.plans else "critical_illness"
        add_bad_rows(world, plan_id, [str(p) for p in periods], publicity_days)
    world.random.shuffle(world.members)
    world.random.shuffle(world.claims)
    return World(platform, tuple(world.members), tuple(world.claims))


def add_person(world: WorldBuilder, member_id: int, plan_ids: list[str]) -> None:
    """One person: five per plan never leave; the others join on random days, some in several plans."""
    random = world.random
    home = plan_ids[member_id % len(plan_ids)]
    stays = member_id <= 5 * len(plan_ids)
    elder = home == "senior_cancer"
    born_on = world.day(date(1949, 1, 1), date(1957, 1, 1)) if elder else world.day(date(1957, 1, 1), date(2012, 1, 1))
    born_on = date(1984, 2, 29) if member_id == 7 and not elder else born_on
    who = {
        "payer_id": max(1, member_id - random.randrange(1, 4)) if world.chance(35) else member_id,
        "birth_date": born_on,
        "sex": random.choice("FM"),
        "province_code": random.choice(("41", "37", "44", "32", "42")),
        "city_tier": random.randrange(1, 7),
    }
    others = [p for p in plan_ids if p != home and not elder and p != "senior_cancer" and world.chance(40)]
    for plan_id in [home, *others]:
        world.members += spells_of_person(world, member(member_id, plan_id, **who), stays and plan_id == home)


def spells_of_person(world: WorldBuilder, row: dict, stays: bool) -> list[dict]:
    """The spells of one person in one plan: joining, a switch of tier, leaving, rejoining."""
    founder = stays or world.chance(60)
    before = world.first_on - timedelta(days=400)
    joined_on = (
        world.day(before, world.first_on - timedelta(days=10)) if founder else world.day(world.first_on, world.last_on)
    )
    tier = world.random.choice(("standard", "standard", "basic"))
    spells = [{**row, "tier": tier, "joined_on": joined_on, "waiting_ends_on": joined_on + WAITING}]
    if world.chance(20):
        switch(world, spells)
    if not stays and world.chance(40):
        leave(world, spells)
        if world.chance(60):
            rejoin(world, spells)
    return spells


def switch(world: WorldBuilder, spells: list[dict]) -> None:
    """Another tier from the day on which the previous spell ends; the waiting period continues."""
    on = world.day(spells[-1]["joined_on"] + timedelta(days=1), world.last_on + timedelta(days=1))
    other = "basic" if spells[-1]["tier"] == "standard" else "standard"
    spells.append({**spells[-1], "tier": other, "joined_on": on})
    spells[-2] = {**spells[-2], "exited_on": on, "exit_reason": "left"}


def leave(world: WorldBuilder, spells: list[dict]) -> None:
    """Leaves on a random day, often on or next to a publicity day, possibly on the day of joining."""
    on = world.day(spells[-1]["joined_on"], world.last_on)
    if world.chance(50):
        edge = world.random.choice((6, 7, 8, 20, 21, 22))
        on = max(spells[-1]["joined_on"], on.replace(day=edge))
    spells[-1] = {**spells[-1], "exited_on": on, "exit_reason": world.random.choice(("left", "aided", "arrears"))}


def rejoin(world: WorldBuilder, spells: list[dict]) -> None:
    """A new membership at least a day after the old one, with a new waiting period."""
    on = world.day(spells[-1]["exited_on"] + timedelta(days=1), world.last_on)
    again = {"joined_on": on, "waiting_ends_on": on + WAITING, "exited_on": None, "exit_reason": None}
    spells.append({**spells[-1], **again})


ILLNESSES = (
    "breast_cancer",
    "lung_cancer",
    "thyroid_cancer",
    "prostate_cancer",
    "stroke",
    "traffic_injury",
    "leukaemia",
)
OBJECTIONS = ("none",) * 7 + ("dismissed", "pending", "upheld")


def add_claims(world: WorldBuilder, plan_id: str, period: str, publicity_on: date) -> None:
    """New claims of a period, and some earlier claims publicised again, struck out or counted before."""
    for _ in range(world.random.choice(world.claim_counts)):
        world.claims += new_claim(world, plan_id, period, publicity_on)
    earlier = {row["claim_id"]: row for row in world.claims if row["plan_id"] == plan_id}
    for row in earlier.values():
        was_struck_out = row["objection"] in ("pending", "upheld")
        if row["publicity_period"] != period and world.chance(40 if was_struck_out else 3):
            now = world.random.choice(("none", "dismissed", "pending"))
            world.claims.append({**row, "publicity_period": period, "objection": now})
        elif row["publicity_period"] != period and world.chance(2):
            world.claims.append({**row, "publicity_period": period, "claim_id": world.claim_id()})


def new_claim(world: WorldBuilder, plan_id: str, period: str, publicity_on: date) -> list[dict]:
    """One claim of a member covered on the day of diagnosis, possibly in his waiting period; empty if there is none."""
    random = world.random
    first_rules_on = world.platform.plans[plan_id].benefit_rules()[0].from_on
    diagnosed_on = max(publicity_on - timedelta(days=random.randrange(2, 120)), first_rules_on)
    covered = [
        row for row in world.members
        if row["plan_id"] == plan_id and row["joined_on"] < diagnosed_on
        and (row["exited_on"] is None or row["exited_on"] >= diagnosed_on)
    ]  # fmt: skip
    if not covered:
        return []
    ill_before = {row["member_id"] for row in world.claims if row["plan_id"] == plan_id}
    spared = [row for row in covered if row["member_id"] not in ill_before]
    spell = random.choice(spared if spared and world.chance(70) else covered)
    own = {"transport_accident": ("traffic_injury",), "critical_illness": ("thyroid_cancer", "prostate_cancer")}
    in_plan = own.get(plan_id, ("lung_cancer",)) * 3
    columns = {
        **{column: spell[column] for column in ("tier", "birth_date", "sex", "province_code")},
        "publicity_period": period,
        "illness_code": random.choice(ILLNESSES + in_plan),
        "severity": random.choice(("severe", "light")),
        "accident": world.chance(20),
        "diagnosed_on": diagnosed_on,
        "approved_on": world.day(diagnosed_on, publicity_on),
        "approved_aid_fen": random.choice(world.aids_fen),
        "objection": random.choice(OBJECTIONS),
    }
    return [claim(world.claim_id(), spell["member_id"], plan_id, **columns)]


def add_bad_rows(world: WorldBuilder, plan_id: str, periods: list[str], publicity_days: list[date]) -> None:
    """Every kind of bad member once, and in each period the next three kinds of bad claims, on separate members."""
    joined_on = world.first_on - timedelta(days=380)
    sound = [member(80_001 + n, plan_id, joined_on=joined_on) for n in range(40)]
    world.members += sound
    world.members += [row for _, rows in bad_members(member, plan_id, joined_on) for row in rows]
    for turn, (period, publicity_on) in enumerate(zip(periods, publicity_days, strict=True)):
        kinds = bad_claims(
            clean_claims(plan_id, period, publicity_on),
            world.claim_id,
            [row["member_id"] for row in sound],
            joined_on,
            publicity_on,
        )
        for step in range(3):
            world.claims += kinds[(3 * turn + step) % len(kinds)][1]


def clean_claims(plan_id: str, period: str, publicity_on: date) -> Callable[..., dict]:
    """`claim` with the period and suitable days as defaults."""
    days = {"diagnosed_on": publicity_on - timedelta(days=40), "approved_on": publicity_on - timedelta(days=10)}
    usual = {"plan_id": plan_id, "publicity_period": period, **days}
    return lambda claim_id, member_id, **given: claim(claim_id, member_id, **{**usual, **given})
