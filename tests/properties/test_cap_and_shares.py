"""No tier's share of one case exceeds the per-case cap, for any tiers, weights, caps and aids."""

from hypothesis import example, given
from hypothesis import strategies as st

from jobs.money import SHARE_ROUNDING, above_allowance, apportion, case_allowance, ceil_fen, fee_on, fee_on_case
from jobs.settlement.pool import pool_of

PPM = 1_000_000
TIERS = st.dictionaries(
    st.sampled_from(["standard", "basic", "light"]), st.tuples(st.integers(1, 10**8), st.integers(1, PPM)), min_size=1
)
AIDS_FEN, CAPS_FEN, FEES_PPM = st.integers(0, 10**11), st.integers(0, 1_000), st.integers(0, 200_000)


def share_of_one_case(tiers, aid_fen, cap_fen, fee_ppm, rounding):
    covered = {tier: count for tier, (count, _) in tiers.items()}
    weights = {tier: weight for tier, (_, weight) in tiers.items()}
    sponsored_fen = above_allowance(aid_fen, fee_ppm, case_allowance(cap_fen, covered, weights))
    pool = pool_of(1, aid_fen, sponsored_fen, fee_ppm, brought_forward_fen=0)
    return pool, apportion(pool.pool_fen, covered, weights, rounding).share_fen


@given(TIERS, AIDS_FEN, CAPS_FEN, FEES_PPM, st.sampled_from(sorted(SHARE_ROUNDING)))
@example({"standard": (5, PPM), "basic": (5, PPM // 2)}, 10_000_000, 100, 80_000, "ceil_fen")
@example({"standard": (10, PPM)}, 920, 100, 80_000, "ceil_fen")
def test_no_tier_pays_more_than_its_part_of_the_cap_for_one_case(tiers, aid_fen, cap_fen, fee_ppm, rounding):
    _, share_fen = share_of_one_case(tiers, aid_fen, cap_fen, fee_ppm, rounding)
    for tier, (_, weight) in tiers.items():
        assert share_fen[tier] <= ceil_fen(cap_fen * weight, PPM) <= cap_fen


@given(TIERS, st.lists(AIDS_FEN, min_size=1, max_size=5), CAPS_FEN, FEES_PPM)
def test_no_tier_pays_more_than_the_cap_for_each_of_several_cases(tiers, aids_fen, cap_fen, fee_ppm):
    covered = {tier: count for tier, (count, _) in tiers.items()}
    weights = {tier: weight for tier, (_, weight) in tiers.items()}
    allowance_fen = case_allowance(cap_fen, covered, weights)
    sponsored_fen = sum(above_allowance(aid_fen, fee_ppm, allowance_fen) for aid_fen in aids_fen)
    pool = pool_of(len(aids_fen), sum(aids_fen), sponsored_fen, fee_ppm, brought_forward_fen=0)
    # The fee, half up on the sum, is never above the sum of the case fees, each rounded up.
    assert pool.pool_fen <= allowance_fen * len(aids_fen)
    share_fen = apportion(pool.pool_fen, covered, weights, "ceil_fen").share_fen
    assert all(share_fen[tier] <= cap_fen * len(aids_fen) for tier in covered)


@given(AIDS_FEN, FEES_PPM)
def test_the_fee_of_a_case_is_rounded_up(aid_fen, fee_ppm):
    assert 0 <= fee_on_case(aid_fen, fee_ppm) * PPM - aid_fen * fee_ppm < PPM
    assert fee_on_case(aid_fen, fee_ppm) - fee_on(aid_fen, fee_ppm) in (0, 1)
