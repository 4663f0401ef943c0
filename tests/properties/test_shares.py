"""Properties of every division of a pool, for any tiers, weights, members and rounding."""

from hypothesis import example, given
from hypothesis import strategies as st

from jobs.money import SHARE_ROUNDING, apportion, fee_on, fee_part, pro_rata
from jobs.settlement.pool import Pool
from jobs.settlement.shares import Sharing, rate_rows

TIERS = ("basic", "plus", "standard")
ROUNDINGS = st.sampled_from(sorted(SHARE_ROUNDING))
POOLS_FEN = st.integers(-(10**12), 10**12)
FEN = st.integers(0, 10**12)


@st.composite
def covered_and_weights(draw):
    """Members and weights of one to three tiers; some tiers may be empty, but not all."""
    tiers = draw(st.lists(st.sampled_from(TIERS), min_size=1, max_size=3, unique=True))
    covered = {tier: draw(st.integers(0, 10**8)) for tier in tiers}
    covered[tiers[0]] += 1
    return covered, {tier: draw(st.integers(1, 2_000_000)) for tier in tiers}


def basis_of(covered, weights):
    return sum(covered[tier] * weights[tier] for tier in covered)


@given(pool_fen=POOLS_FEN, tiers=covered_and_weights(), rounding=ROUNDINGS)
def test_the_billed_amount_is_what_the_members_pay(pool_fen, tiers, rounding):
    covered, weights = tiers
    shares = apportion(pool_fen, covered, weights, rounding)
    by_head_fen = sum(shares.share_fen[tier] * covered[tier] for tier in covered)
    assert shares.billed_fen == by_head_fen + shares.one_fen_more_count
    assert 0 <= shares.one_fen_more_count < sum(covered.values())
    if pool_fen <= 0:
        assert shares.billed_fen == 0
    if rounding == "exact":
        assert shares.billed_fen == max(pool_fen, 0), "exact rounding collects the pool and nothing else"
    else:
        assert shares.one_fen_more_count == 0


@given(pool_fen=st.integers(1, 10**12), tiers=covered_and_weights(), rounding=ROUNDINGS)
@example(pool_fen=3, tiers=({"standard": 2}, {"standard": 1}), rounding="half_up")
def test_a_share_differs_by_less_than_a_fen_in_the_direction_of_its_rounding(pool_fen, tiers, rounding):
    covered, weights = tiers
    basis = basis_of(covered, weights)
    for tier, share_fen in apportion(pool_fen, covered, weights, rounding).share_fen.items():
        above = share_fen * basis - pool_fen * weights[tier]  # the excess per member times the basis: whole numbers
        if rounding == "ceil_fen":
            assert 0 <= above < basis
        elif rounding == "half_up":
            assert -basis < 2 * above <= basis
        else:
            assert -basis < above <= 0


@given(pool_fen=POOLS_FEN, tiers=covered_and_weights(), rounding=ROUNDINGS)
def test_shares_grow_with_the_weight(pool_fen, tiers, rounding):
    covered, weights = tiers
    share_fen = apportion(pool_fen, covered, weights, rounding).share_fen
    in_order = sorted(covered, key=weights.get)
    for lighter, heavier in zip(in_order, in_order[1:], strict=False):
        assert share_fen[lighter] <= share_fen[heavier]
        if weights[lighter] == weights[heavier]:
            assert share_fen[lighter] == share_fen[heavier]


@given(pool_fen=POOLS_FEN, more_fen=FEN, tiers=covered_and_weights(), rounding=ROUNDINGS)
def test_a_larger_pool_lowers_no_share(pool_fen, more_fen, tiers, rounding):
    small = apportion(pool_fen, *tiers, rounding).share_fen
    large = apportion(pool_fen + more_fen, *tiers, rounding).share_fen
    assert all(small[tier] <= large[tier] for tier in small)


@given(pool_fen=POOLS_FEN, tiers=covered_and_weights(), rounding=ROUNDINGS, factor=st.integers(1, 1000))
def test_only_the_proportion_of_the_weights_matters_and_not_the_order_of_the_tiers(pool_fen, tiers, rounding, factor):
    covered, weights = tiers
    backwards = dict(reversed(covered.items()))
    scaled = {tier: weight * factor for tier, weight in weights.items()}
    assert apportion(pool_fen, covered, weights, rounding) == apportion(pool_fen, backwards, scaled, rounding)


@given(tiers=covered_and_weights(), benefit_fen=FEN, fee_ppm=st.integers(0, 1_000_000), rounding=ROUNDINGS)
def test_the_shown_parts_of_a_share_add_up_to_it(tiers, benefit_fen, fee_ppm, rounding):
    covered, weights = tiers
    ask = Pool(1, benefit_fen, fee_on(benefit_fen, fee_ppm), 0, 0)
    shares = apportion(ask.pool_fen, covered, weights, rounding)
    rows = rate_rows(Sharing(ask, covered, weights, rounding, shares), shares.billed_by_tier_fen)
    assert {row["tier"] for row in rows} == set(covered)
    for row in rows:
        assert row["share_aid_fen"] + row["share_fee_fen"] == row["share_fen"] == shares.share_fen[row["tier"]]
        assert row["share_aid_fen"] >= 0
        assert row["share_fee_fen"] >= 0


@given(share_fen=st.integers(0, 10**6), fee_fen=FEN, benefit_fen=FEN)
def test_the_fee_part_of_a_share_is_never_more_than_the_share(share_fen, fee_fen, benefit_fen):
    part_fen = fee_part(share_fen, fee_fen, benefit_fen)
    assert 0 <= part_fen <= share_fen
    if fee_fen == 0:
        assert part_fen == 0
    elif benefit_fen == 0:
        assert part_fen == share_fen


@given(fee_fen=FEN, whole_fen=FEN, parts=st.lists(FEN, min_size=1, max_size=6))
def test_the_fee_received_only_grows_and_never_exceeds_the_fee(fee_fen, whole_fen, parts):
    """Also if more is collected than the fee base, for example after a residual below zero."""
    received_fen = [pro_rata(fee_fen, sum(parts[:count]), whole_fen) for count in range(len(parts) + 1)]
    assert received_fen == sorted(received_fen)
    assert received_fen[0] == 0
    assert received_fen[-1] <= fee_fen
    if whole_fen > 0:
        assert pro_rata(fee_fen, whole_fen, whole_fen) == fee_fen
