"""Division of money: each rounding by examples on both sides, conservation as a property."""

from hypothesis import given
from hypothesis import strategies as st

from jobs.money import SHARE_ROUNDING, apportion, ceil_fen, fee_on, floor, half_up, pro_rata

WEIGHT_PPM = {"standard": 1_000_000, "basic": 500_000}
COVERED = st.fixed_dictionaries({"standard": st.integers(1, 10**8), "basic": st.integers(1, 10**7)})


def test_each_rounding_by_example():
    assert [ceil_fen(n, 10) for n in (30, 31, 39)] == [3, 4, 4]
    assert [half_up(n, 10) for n in (34, 35, 36)] == [3, 4, 4]
    assert [floor(n, 10) for n in (30, 39, -31)] == [3, 3, -4]


def test_the_fee_is_eight_percent_half_up():
    # 8% of 6 fen = 0.48 -> 0; of 7 fen = 0.56 -> 1
    assert (fee_on(6, 80_000), fee_on(7, 80_000)) == (0, 1)


def test_the_published_share_of_december_2020():
    """98.244 million members at 4.83 yuan: every pool from 482 x N + 1 to 483 x N fen gives it, one more fen gives
    4.84."""
    covered, weight = {"standard": 98_244_000}, {"standard": 1_000_000}
    share = lambda pool_fen: apportion(pool_fen, covered, weight, "ceil_fen").share_fen["standard"]  # noqa: E731
    assert share(482 * 98_244_000) == 482
    assert share(482 * 98_244_000 + 1) == share(483 * 98_244_000) == 483
    assert share(483 * 98_244_000 + 1) == 484


@given(pool_fen=st.integers(-(10**6), 10**11), covered=COVERED, rounding=st.sampled_from(sorted(SHARE_ROUNDING)))
def test_no_rounding_differs_by_more_than_a_fen_per_member(pool_fen, covered, rounding):
    shares = apportion(pool_fen, covered, WEIGHT_PPM, rounding)
    residual_fen = shares.billed_fen - max(pool_fen, 0)
    heads = sum(covered.values())
    assert shares.share_fen["basic"] <= shares.share_fen["standard"]
    if pool_fen <= 0:
        assert shares.billed_fen == 0
    elif rounding == "ceil_fen":
        assert 0 <= residual_fen < heads
    elif rounding == "half_up":
        assert 2 * abs(residual_fen) <= heads
    else:
        assert residual_fen == 0
        assert 0 <= shares.one_fen_more_count < heads


@given(fee_fen=st.integers(0, 10**9), whole_fen=st.integers(1, 10**11), data=st.data())
def test_the_fee_received_grows_with_the_money_and_is_complete_at_the_end(fee_fen, whole_fen, data):
    part_fen = data.draw(st.integers(0, whole_fen))
    assert 0 <= pro_rata(fee_fen, part_fen, whole_fen) <= fee_fen
    assert pro_rata(fee_fen, whole_fen, whole_fen) == fee_fen
