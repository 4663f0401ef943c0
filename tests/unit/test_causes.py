"""Causes of a changed share: worked by hand, and always adding up to the change."""

from hypothesis import given
from hypothesis import strategies as st

from jobs.money import SHARE_ROUNDING, apportion
from jobs.settlement.causes import ShareTerms, causes_of_change

counts, weights = st.integers(1, 10_000), st.integers(1, 2_000_000)
terms = st.builds(
    ShareTerms,
    st.integers(0, 50), st.integers(0, 10**10), st.integers(-(10**6), 10**6),
    st.fixed_dictionaries({"standard": counts, "basic": counts}),
    st.fixed_dictionaries({"standard": weights, "basic": weights}),
    st.sampled_from(sorted(SHARE_ROUNDING)),
)  # fmt: skip


def of(case_count, asked_fen, brought_fen, covered):
    return ShareTerms(case_count, asked_fen, brought_fen, {"standard": covered}, {"standard": 1_000_000}, "ceil_fen")


def test_more_cases_raise_the_share_and_more_members_lower_it():
    # before 10 cases x 100 = 1000 over 100 -> 10; 20 cases -> 2000 / 100 = 20; at 110 each -> 2200 / 100 = 22;
    # less 200 -> 2000 / 100 = 20; over 200 members -> 10
    causes = causes_of_change(of(10, 1_000, 0, 100), of(20, 2_200, 200, 200), "standard")
    assert causes == {"cases": 10, "aid_per_case": 2, "residual": -2, "members": -10, "rules": 0}


def test_after_a_period_without_cases_all_that_is_asked_is_due_to_the_cases():
    causes = causes_of_change(of(0, 0, 0, 100), of(3, 900, 0, 100), "standard")
    assert causes == {"cases": 9, "aid_per_case": 0, "residual": 0, "members": 0, "rules": 0}


@given(terms, terms)
def test_the_causes_add_up_to_the_change_to_the_fen(before, now):
    def share(t):
        return apportion(t.cost_fen - t.brought_forward_fen, t.covered_count, t.weight_ppm, t.rounding).share_fen[
            "basic"
        ]

    assert sum(causes_of_change(before, now, "basic").values()) == share(now) - share(before)
