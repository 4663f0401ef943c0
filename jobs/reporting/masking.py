"""Masking of cases: a notice shows only details of a case that at least `floor` people share.

Two conditions must hold, with the same floor (default 5, the usual minimum group size of official statistics):

1. The person. At least `floor` covered members of the plan share the age band, sex, place and length of membership that
   are shown, so whoever knows these details of a neighbour is left with at least that many people. Until the condition
   holds, the next step of LADDER is applied: province -> region -> hidden, ten years of age -> twenty -> hidden, then
   the length of membership is hidden, then the sex.
2. The illness. At least `floor` cases of the plan, publicised up to the period, share illness and sex; otherwise the
   illness is shown as `other_severe`, like illnesses that have no code of their own. A rare illness identifies a person
   even among many members.

The aid is shown to the fen, because the cases must add up to the pool; the plan's limits allow only a few amounts. A
case on a notice has no id, and the cases are ordered by the shown values, not by ids or days.

Head counts of a report have the same floor: a group by tier, age band, months and reason with fewer than `floor` people
is made coarser by the next step of GROUP_LADDER. The sums of a plan stay exact.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from schemas.report import HIDDEN

DEFAULT_FLOOR = 5
OTHER = "other_severe"
SHOWN = ("age_band", "sex", "place", "member_months")


@dataclass(frozen=True)
class Traits:
    """Details of a person: age band, sex, place, months of membership; each exact, coarser or hidden."""

    age_band: str
    sex: str
    place: str
    member_months: str


@dataclass(frozen=True)
class Case:
    """One case of one plan before masking."""

    traits: Traits
    illness_code: str


@dataclass(frozen=True)
class MaskedCase:
    """One case as it may be shown, and how many covered members share the shown traits."""

    traits: Traits
    illness_code: str
    shared_by_count: int


def region_of(province_code: str) -> str:
    """The region of a province: the first digit of its GB/T 2260 code, e.g. 4x for Henan; HIDDEN stays."""
    return HIDDEN if province_code == HIDDEN else f"{province_code[:1]}x"


def twenty_years_of(age_band: str) -> str:
    """The band of twenty years around a band of ten: 30-39 -> 20-39. The reference plan's limits change at 40."""
    low = int(age_band.split("-")[0]) // 20 * 20
    return f"{low}-{low + 19}"


LADDER = (
    lambda exact: exact,
    lambda exact: replace(exact, place=region_of(exact.place)),
    lambda exact: replace(exact, place=HIDDEN),
    lambda exact: replace(exact, place=HIDDEN, age_band=twenty_years_of(exact.age_band)),
    lambda exact: replace(exact, place=HIDDEN, age_band=HIDDEN),
    lambda exact: Traits(HIDDEN, exact.sex, HIDDEN, HIDDEN),
    lambda exact: Traits(HIDDEN, HIDDEN, HIDDEN, HIDDEN),
)


class Crowd:
    """The covered members of one plan, counted by their traits at every step of LADDER."""

    def __init__(self, members: Mapping[Traits, int]):
        self._counts_by_step: list[Counter] = [Counter() for _ in LADDER]
        for traits, count in members.items():
            for counts, coarser in zip(self._counts_by_step, LADDER, strict=True):
                counts[coarser(traits)] += count

    def shown(self, exact: Traits, floor: int) -> tuple[Traits, int]:
        """The traits at the first step that at least `floor` members share, else at the last step; and their number."""
        for counts, coarser in zip(self._counts_by_step, LADDER, strict=True):
            traits = coarser(exact)
            if counts[traits] >= floor:
                break
        return traits, counts[traits]


def masked(cases: Iterable[Case], crowd: Crowd, cases_by_illness_and_sex: Mapping, floor: int) -> list[MaskedCase]:
    """The cases of one plan as they may be shown, in the order of `cases`.

    `cases_by_illness_and_sex`: the number of the plan's cases publicised up to the period, by (illness, sex).
    """
    shown = []
    for case in cases:
        traits, shared_by_count = crowd.shown(case.traits, floor)
        is_common = cases_by_illness_and_sex.get((case.illness_code, case.traits.sex), 0) >= floor
        shown.append(MaskedCase(traits, case.illness_code if is_common else OTHER, shared_by_count))
    return shown


class GroupTraits(NamedTuple):
    """The group of a head count: tier, age band, months of membership, and item, e.g. why the memberships ended."""

    tier: str
    age_band: str
    member_months: str
    item: str


GROUP_LADDER = (
    lambda exact: exact,
    lambda exact: exact._replace(member_months=HIDDEN),
    lambda exact: exact._replace(member_months=HIDDEN, age_band=HIDDEN),
    lambda exact: exact._replace(member_months=HIDDEN, age_band=HIDDEN, tier=HIDDEN),
    lambda exact: GroupTraits(HIDDEN, HIDDEN, HIDDEN, HIDDEN),
)


def coarsened(groups: Mapping[GroupTraits, int], floor: int) -> Counter:
    """The counts of one plan, with every group of fewer than `floor` people made coarser step by step of GROUP_LADDER.

    The last step hides all traits and leaves the number of people.
    """
    shown: Counter = Counter()
    small = Counter(groups)
    for coarser in GROUP_LADDER:
        merged: Counter = Counter()
        for traits, count in small.items():
            merged[coarser(traits)] += count
        shown.update({traits: count for traits, count in merged.items() if count >= floor})
        small = Counter({traits: count for traits, count in merged.items() if count < floor})
    return shown + small
