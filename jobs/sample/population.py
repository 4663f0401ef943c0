"""The population of each plan of a world: how many members ever joined, when, and how they leave."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

from jobs.base.errors import WrongUsage
from jobs.rulebook.calendar import Period
from jobs.rulebook.rules import JoiningRules, Plan, Platform
from jobs.sample.columns import day_number, interpolate_value
from jobs.sample.profiles import PROFILES, Profile, profile_of_an_unknown_plan

IDS_PER_PLAN = 10_000_000_000

# Members are numbered in joining order; the place of a number in its block of 200 decides the role of the member. So
# claimants, second spells and so on are ranges of numbers and need no scan of all members.
BLOCK = 200
REJOINING = range(0, 2)
SWITCHING = range(2, 3)
STEADY = range(3, 4)
CLAIMS_FROM_PLACE = 4


@dataclass(frozen=True)
class World:
    """What to generate. `members`: the approximate memberships in force on the last publicity day, over all plans.

    `defects_ppm`: bad rows of each kind per million good rows of the table. `plans`: None for all of the platform.
    """

    members: int
    first: Period
    last: Period
    seed: int
    defects_ppm: int = 0
    plans: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Population:
    """The members of one plan: numbers 0 .. joined_count - 1 in joining order, member_id = first_member_id + number.

    `joins`: knots (number, day of joining). `survival`: knots (day, ppm remaining). `parents_payers`: first id and
    count of the members who may pay for a parent in this plan. `claim_periods`: periods with publicity, and its days.
    """

    plan: Plan
    profile: Profile
    seed: int
    first_member_id: int
    joined_count: int
    in_force_count: int
    joins: tuple[tuple[int, int], ...]
    survival: tuple[tuple[int, int], ...]
    last_day: int
    joining: JoiningRules
    parents_payers: tuple[int, int] | None
    claim_periods: tuple[tuple[Period, date], ...]
    periods_per_year: int

    @property
    def claim_places(self) -> range:
        """The places of a block whose members may claim: enough to keep every chance of a claim below 90%."""
        highest = max(relative for _, relative in self.profile.incidence_by_age)
        per_place_ppm = self.chance_ppm(highest, places=1)
        return range(CLAIMS_FROM_PLACE, CLAIMS_FROM_PLACE + max(1, -(-per_place_ppm // 900_000)))

    def chance_ppm(self, relative_incidence: int, places: int) -> int:
        """The chance that a candidate with that incidence claims, if each block has `places` candidates."""
        members_per_candidate = Fraction(BLOCK, places)
        years = Fraction(len(self.claim_periods), self.periods_per_year)
        cases_ppm = self.profile.cases_ppm_per_year * Fraction(relative_incidence, self.profile.mean_incidence)
        return int(cases_ppm * years * members_per_candidate)

    @property
    def expected_claims(self) -> int:
        """The approximate number of claims in all periods: the rate of bad claims refers to it."""
        years = Fraction(len(self.claim_periods), self.periods_per_year)
        return int(self.in_force_count * self.profile.cases_ppm_per_year * years / 1_000_000)


def populations(world: World, platform: Platform) -> tuple[Population, ...]:
    """The populations of the plans that have begun by the last period; raises WrongUsage if none has members."""
    last_on = platform.calendar.publicity_on(world.last)
    plans = list(_begun_plans(world, platform))
    counts = {plan_id: _head_count(profile, last_on) for plan_id, _, profile in plans}
    if not sum(counts.values()):
        raise WrongUsage(
            f"No plan of {platform.platform_id} has members by {world.last} ({last_on}). Nothing was generated. "
            f"Choose later periods or other plans."
        )
    ids = {plan_id: _first_member_id(platform, plan_id) for plan_id in platform.plans}
    made = [
        _population(
            world, platform, plan, profile, ids[plan_id], world.members * counts[plan_id] // sum(counts.values())
        )
        for plan_id, plan, profile in plans
    ]
    return _with_parents_payers(tuple(population for population in made if population.joined_count))


def head_count(population: Population, day: date) -> int:
    """The approximate number of members of the plan on a day, at the scale of the world."""
    scale = Fraction(population.in_force_count, max(1, _head_count(population.profile, _day(population.last_day))))
    return int(_head_count(population.profile, day) * scale)


def steady_member_id(platform: Platform, plan_id: str) -> int:
    """The plan's first member who never leaves: covered in every period of any world."""
    return _first_member_id(platform, plan_id) + STEADY.start


def _first_member_id(platform: Platform, plan_id: str) -> int:
    return IDS_PER_PLAN * (sorted(platform.plans).index(plan_id) + 1)


def _begun_plans(world: World, platform: Platform) -> Iterator[tuple[str, Plan, Profile]]:
    for plan_id in sorted(world.plans or platform.plans):
        if plan_id not in platform.plans:
            known = ", ".join(sorted(platform.plans))
            raise WrongUsage(
                f"Plan {plan_id} is unknown to {platform.platform_id}; its plans: {known}. Nothing was done."
            )
        plan = platform.plans[plan_id]
        if plan.first_period <= world.last:
            opened = platform.calendar.publicity_on(plan.first_period)
            yield plan_id, plan, PROFILES.get(plan_id) or profile_of_an_unknown_plan(opened)


def _population(
    world: World, platform: Platform, plan: Plan, profile: Profile, first_member_id: int, in_force_count: int
) -> Population:
    calendar = platform.calendar
    last_on = calendar.publicity_on(world.last)
    following = calendar.next(world.last)
    last_day = day_number(calendar.publicity_on(following) if following else last_on + timedelta(days=14)) - 1
    joins = _joins(profile, in_force_count, day_number(last_on), last_day)
    periods = [period for period in calendar.between(world.first, world.last) if period >= plan.first_period]
    ended = plan.last_period
    dated = [(period, calendar.publicity_on(period)) for period in periods if ended is None or period <= ended]
    return Population(
        plan=plan,
        profile=profile,
        seed=world.seed,
        first_member_id=first_member_id,
        joined_count=joins[-1][0] if joins else 0,
        in_force_count=in_force_count,
        joins=joins,
        survival=tuple((day, left) for day, left in _days(profile.survival_ppm)),
        last_day=last_day,
        joining=plan.joining_on(_day(last_day)),
        parents_payers=None,
        claim_periods=tuple(entry for entry in dated if entry[1] >= profile.claims_from),
        periods_per_year=12 * len(calendar.monthly),
    )


def _joins(profile: Profile, in_force_count: int, last_on: int, last_day: int) -> tuple[tuple[int, int], ...]:
    """Knots (members who have joined, day) that give the profile's head counts after its exits.

    From day a to day b the head count goes from A to B, while S(b)/S(a) of the members present at a remain. So
    B - A x S(b)/S(a) of the members who joined in between remain at b; as they join evenly, the part of them that
    remains is the mean of S(b)/S(t).
    """
    heads, survival = _days(profile.head_counts), _days(profile.survival_ppm)
    days = sorted({day for day, _ in (*heads, *survival) if heads[0][0] <= day < last_day} | {last_day})
    joined, knots = Fraction(0), [(Fraction(0), days[0])]
    for start, end in pairwise(days):
        remaining = [interpolate_value(day, survival) for day in (start, (start + end) // 2, end)]
        stay = Fraction(remaining[2], remaining[0])
        mean_stay = (stay + 4 * Fraction(remaining[2], remaining[1]) + 1) / 6
        before, after = interpolate_value(start, heads), interpolate_value(end, heads)
        joined += max(Fraction(0), (after - before * stay) / mean_stay)
        knots.append((joined, end))
    scale = Fraction(in_force_count, max(1, interpolate_value(last_on, heads)))
    return tuple({int(count * scale): (int(count * scale), day) for count, day in reversed(knots)}.values())[::-1]


def _with_parents_payers(made: tuple[Population, ...]) -> tuple[Population, ...]:
    """Adds `parents_payers` to plans for the old: members of the largest plan for all ages pay for their parents."""
    adults = [population for population in made if not is_for_the_old(population)]
    if not adults:
        return made
    largest = max(adults, key=lambda population: population.joined_count)
    payers = (largest.first_member_id, largest.joined_count)
    return tuple(replace(each, parents_payers=payers) if is_for_the_old(each) else each for each in made)


def is_for_the_old(population: Population) -> bool:
    """Whether the plan accepts members from middle age only."""
    return population.joining.joining_age_from_days > 40 * 365


def _head_count(profile: Profile, day: date) -> int:
    return interpolate_value(day_number(day), _days(profile.head_counts))


def _days(dated: tuple[tuple[date, int], ...]) -> tuple[tuple[int, int], ...]:
    return tuple((day_number(day), value) for day, value in dated)


def _day(number: int) -> date:
    return date(1970, 1, 1) + timedelta(days=number)
