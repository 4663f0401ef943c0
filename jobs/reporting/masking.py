"""Masking of cases: nothing is shown of a case that fewer than a floor of people share.

Two conditions, both against the floor (default 5, the usual least group size of official statistics):

1. Who it could be. At least `floor` covered members of the plan share the age band, sex, place and length of membership
   that are shown. Somebody who knows these of a neighbour is left with at least so many people. Until that holds, the
   case is shown with the next line of LADDER: province -> region -> hidden, age of ten years -> twenty -> hidden, then
   the length of membership, then the sex.
2. What it was. At least `floor` cases of the plan, publicised up to the period, share illness and sex; otherwise the
   illness is shown as `other_severe`, which real other illnesses are shown as, too. A rare illness points to a person
   even among many members.

The aid is shown to the fen: the sum of the cases has to be the pool. It is by the plan's limits, one of a few amounts.
A case on a notice has no id, and the cases stand in the order of what is shown, not of ids or days.

Head counts of a report are held to the same floor: who is counted by tier, age band, months and reason is one of at
least `floor` people, or is counted with the next line of GROUP_LADDER. Sums over a plan stay exact.
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
    """What is known of a person: age band, sex, place, months of membership; each as it is or made coarser."""

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
    """One case as it may be shown, with how many covered members share what is shown."""

    traits: Traits
    illness_code: str
    shared_by_count: int


def region_of(province_code: str) -> str:
    """The region of a province: the first digit of its GB/T 2260 code, e.g. 4x for Henan."""
    return f"{province_code[:1]}x"


def twenty_years_of(age_band: str) -> str:
    """The band of twenty years that a band of ten is in: 30-39 -> 20-39. The reference plan's limits change at 40."""
    low = int(age_band.split("-")[0]) // 20 * 20
    return f"{low}-{low + 19}"


LADDER = (
    lambda known: known,
    lambda known: replace(known, place=region_of(known.place)),
    lambda known: replace(known, place=HIDDEN),
    lambda known: replace(known, place=HIDDEN, age_band=twenty_years_of(known.age_band)),
    lambda known: replace(known, place=HIDDEN, age_band=HIDDEN),
    lambda known: Traits(HIDDEN, known.sex, HIDDEN, HIDDEN),
    lambda known: Traits(HIDDEN, HIDDEN, HIDDEN, HIDDEN),
)


class Crowd:
    """The covered members of one plan, counted by their traits at every line of the ladder."""

    def __init__(self, members: Mapping[Traits, int]):
        self._steps = [Counter() for _ in LADDER]
        for traits, count in members.items():
            for sharing, coarser in zip(self._steps, LADDER, strict=True):
                sharing[coarser(traits)] += count

    def shown(self, known: Traits, floor: int) -> tuple[Traits, int]:
        """The first line of the ladder that at least `floor` members share; the last one where none is."""
        for sharing, coarser in zip(self._steps, LADDER, strict=True):
            traits = coarser(known)
            if sharing[traits] >= floor:
                break
        return traits, sharing[traits]


def masked(cases: Iterable[Case], crowd: Crowd, cases_by_illness_and_sex: Mapping, floor: int) -> list[MaskedCase]:
    """The cases of one plan as they may be shown, in the order given.

    `cases_by_illness_and_sex`: how many cases of the plan were publicised up to the period, by (illness, sex).
    """
    shown = []
    for case in cases:
        traits, shared_by_count = crowd.shown(case.traits, floor)
        is_common = cases_by_illness_and_sex.get((case.illness_code, case.traits.sex), 0) >= floor
        shown.append(MaskedCase(traits, case.illness_code if is_common else OTHER, shared_by_count))
    return shown


class GroupTraits(NamedTuple):
    """What a head count is of: tier, age band, months of membership, and the item, e.g. why memberships ended."""

    tier: str
    age_band: str
    member_months: str
    item: str


GROUP_LADDER = (
    lambda known: known,
    lambda known: known._replace(member_months=HIDDEN),
    lambda known: known._replace(member_months=HIDDEN, age_band=HIDDEN),
    lambda known: known._replace(member_months=HIDDEN, age_band=HIDDEN, tier=HIDDEN),
    lambda known: GroupTraits(HIDDEN, HIDDEN, HIDDEN, HIDDEN),
)


def coarsened(groups: Mapping[GroupTraits, int], floor: int) -> Counter:
    """The counts of one plan with every group of fewer than `floor` people made coarser, line by line of GROUP_LADDER.

    The last line shows how many there are, and nothing of them.
    """
    shown, small = Counter(), Counter(groups)
    for coarser in GROUP_LADDER:
        together = Counter()
        for traits, count in small.items():
            together[coarser(traits)] += count
        shown.update({traits: count for traits, count in together.items() if count >= floor})
        small = Counter({traits: count for traits, count in together.items() if count < floor})
    return shown + small
