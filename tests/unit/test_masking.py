"""Traits of a case are shown only if at least the floor share them, and no more is hidden than needed."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.reporting.masking import LADDER, OTHER, SHOWN, Case, Crowd, GroupTraits, Traits, coarsened, masked

HIDDEN = "hidden"
BREAST = {("breast_cancer", "F"): 5}
bands = st.sampled_from(["20-29", "30-39", "40-49"])
traits = st.builds(
    Traits, bands, st.sampled_from("FM"), st.sampled_from(["41", "42", "11"]), st.sampled_from(["0-5", "24+"])
)


def shown_of(known: Traits, members: dict[Traits, int], floor: int = 5):
    (mask,) = masked([Case(known, "breast_cancer")], Crowd(members), BREAST, floor)
    return mask


def test_five_with_the_same_traits_are_shown_unchanged():
    known = Traits("30-39", "F", "41", "24+")
    assert shown_of(known, {known: 5}).traits == known


def test_four_in_a_province_and_one_in_its_region_are_shown_by_region():
    known = Traits("30-39", "F", "41", "24+")
    mask = shown_of(known, {known: 4, Traits("30-39", "F", "42", "24+"): 1})
    assert (mask.traits, mask.shared_by_count) == (Traits("30-39", "F", "4x", "24+"), 5)


def test_four_in_a_ten_year_band_are_shown_in_the_twenty_year_band():
    known = Traits("30-39", "F", "41", "24+")
    assert shown_of(known, {known: 4, Traits("20-29", "F", "11", "24+"): 1}).traits == Traits(
        "20-39", "F", HIDDEN, "24+"
    )


def test_bands_on_both_sides_of_forty_are_not_joined_as_the_aid_differs():
    known = Traits("30-39", "F", "41", "24+")
    assert shown_of(known, {known: 4, Traits("40-49", "F", "41", "24+"): 9}).traits.age_band == HIDDEN


def test_in_a_plan_below_the_floor_nothing_is_shown():
    known = Traits("30-39", "F", "41", "24+")
    assert shown_of(known, {known: 4}).traits == Traits(HIDDEN, HIDDEN, HIDDEN, HIDDEN)
    assert shown_of(known, {}).traits == Traits(HIDDEN, HIDDEN, HIDDEN, HIDDEN)


def test_a_rare_illness_is_shown_as_other_severe_even_if_many_share_the_rest():
    known = Traits("30-39", "F", "41", "24+")
    seen = {("gaucher_disease", "F"): 4, ("gaucher_disease", "M"): 90}
    (mask,) = masked([Case(known, "gaucher_disease")], Crowd({known: 1000}), seen, 5)
    assert (mask.illness_code, mask.traits) == (OTHER, known)


@settings(deadline=None)
@given(st.dictionaries(traits, st.integers(1, 6)), traits, st.integers(2, 9))
def test_shown_traits_are_shared_by_at_least_the_floor(members, known, floor):
    mask = shown_of(known, members, floor)
    step = next(i for i, coarser in enumerate(LADDER) if coarser(known) == mask.traits)
    sharing = Counter()
    for other, count in members.items():
        for i, coarser in enumerate(LADDER):
            sharing[i] += count * (coarser(other) == coarser(known))
    assert mask.shared_by_count == sharing[step]
    if any(getattr(mask.traits, name) != HIDDEN for name in SHOWN):
        assert sharing[step] >= floor
    assert all(sharing[i] < floor for i in range(step)), "more was hidden than the floor requires"


group_traits = st.builds(
    GroupTraits,
    st.sampled_from(["standard", "basic"]),
    bands,
    st.sampled_from(["0-5", "24+"]),
    st.sampled_from(["left", "age"]),
)


@settings(deadline=None)
@given(st.dictionaries(group_traits, st.integers(1, 12)), st.integers(2, 8))
def test_a_head_count_reaches_the_floor_or_has_no_traits_and_sums_are_kept(groups, floor):
    shown = coarsened(groups, floor)
    assert sum(shown.values()) == sum(groups.values())
    for traits, count in shown.items():
        assert count >= floor or set(traits) == {HIDDEN}
    for traits, count in groups.items():
        if count >= floor:
            assert shown[traits] == count, "a group at or above the floor is not made coarser"


def test_two_groups_below_the_floor_are_shown_together_without_membership_length():
    """3 + 3 of one age reach the floor of five together; the 2 of another age do not, nor does their tier: they
    are shown without any trait."""
    of = lambda age, months: GroupTraits("standard", age, months, "left")  # noqa: E731
    groups = {of("30-39", "0-5"): 3, of("30-39", "24+"): 3, of("40-49", "0-5"): 2}
    assert coarsened(groups, 5) == {of("30-39", HIDDEN): 6, GroupTraits(*[HIDDEN] * 4): 2}
