"""Causes of a changed share: computed by hand, and they always add up to the change."""

from hypothesis import given
from hypothesis import strategies as st

from jobs.money import SHARE_ROUNDING, apportion
from jobs.settlement.causes import PARTS, ShareTerms, causes_of_change, parts_of_change, terms_of

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


def test_after_a_period_without_cases_the_whole_share_is_due_to_the_cases():
    causes = causes_of_change(of(0, 0, 0, 100), of(3, 900, 0, 100), "standard")
    assert causes == {"cases": 9, "aid_per_case": 0, "residual": 0, "members": 0, "rules": 0}


@given(terms, terms)
def test_the_causes_add_up_to_the_change_to_the_fen(before, now):
    def share(t):
        return apportion(t.cost_fen - t.brought_forward_fen, t.covered_count, t.weight_ppm, t.rounding).share_fen[
            "basic"
        ]

    assert sum(causes_of_change(before, now, "basic").values()) == share(now) - share(before)


amounts = st.integers(0, 10**10)
pools = st.fixed_dictionaries({
    "case_count": st.integers(0, 50), "benefit_fen": amounts, "fee_fen": amounts, "case_sponsored_fen": amounts,
    "brought_forward_fen": st.integers(-(10**6), 10**6), "rounding": st.sampled_from(sorted(SHARE_ROUNDING)),
})  # fmt: skip
rates = st.tuples(counts, weights, counts, weights).map(lambda drawn: rates_of(*drawn))


def rates_of(standard, standard_ppm, basic=0, basic_ppm=500_000):
    tiers = (("standard", standard, standard_ppm), ("basic", basic, basic_ppm))
    return [{"tier": t, "covered_count": covered, "weight_ppm": ppm} for t, covered, ppm in tiers]


def pool_of(benefit_fen, fee_fen, sponsored_fen, brought_fen, rounding="ceil_fen"):
    return {"case_count": 1, "benefit_fen": benefit_fen, "fee_fen": fee_fen, "case_sponsored_fen": sponsored_fen,
            "brought_forward_fen": brought_fen, "rounding": rounding}  # fmt: skip


def test_each_part_is_the_effect_of_its_column():
    # (1000 + 80) / 100 = 10.8 -> 11; 2000 + 80 -> 20.8 -> 21; 2000 + 160 -> 21.6 -> 22; less 500 sponsored -> 16.6 ->
    # 17; less 60 brought forward -> 16; over 200 -> 8; 200 at half weight weigh 100, share 8; 1600 x 0.5 / 100 = 8;
    # half up: the same
    parts = parts_of_change(
        (pool_of(1_000, 80, 0, 0), pool_of(2_000, 160, 500, 60, "half_up")),
        (rates_of(100, 1_000_000), rates_of(200, 500_000)),
        "standard",
    )
    assert parts == {"benefits": 10, "fee": 1, "sponsor": -5, "brought_forward": -1, "members": -8, "weights": 0,
                     "rounding": 0}  # fmt: skip


def test_a_change_of_rounding_is_a_separate_part():
    parts = parts_of_change(
        (pool_of(1_010, 0, 0, 0), pool_of(1_010, 0, 0, 0, "half_up")), (rates_of(100, 1_000_000),) * 2, "standard"
    )
    assert parts == {**dict.fromkeys(PARTS, 0), "rounding": -1}


@given(st.tuples(pools, pools), st.tuples(rates, rates), st.sampled_from(["standard", "basic"]))
def test_the_parts_add_up_to_the_change_and_agree_with_the_causes_of_the_report(two_pools, two_rates, tier):
    before, now = (terms_of(pool, tier_rates) for pool, tier_rates in zip(two_pools, two_rates, strict=True))

    def share(t):
        divided = apportion(t.cost_fen - t.brought_forward_fen, t.covered_count, t.weight_ppm, t.rounding)
        return divided.share_fen[tier]

    parts, causes = parts_of_change(two_pools, two_rates, tier), causes_of_change(before, now, tier)
    assert sum(parts.values()) == share(now) - share(before)
    assert parts["benefits"] + parts["fee"] + parts["sponsor"] == causes["cases"] + causes["aid_per_case"]
    assert (parts["brought_forward"], parts["members"]) == (causes["residual"], causes["members"])
    assert parts["weights"] + parts["rounding"] == causes["rules"]
