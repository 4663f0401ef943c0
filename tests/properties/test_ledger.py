"""Properties of the journal and the fee row of every period, and of consecutive periods that carry a residual."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from jobs.ledger.fee import fee_row, pool_balance_after_fen
from jobs.ledger.invariants import ReadBack, pool_is_conserved
from jobs.ledger.journal import balance_fen, journal_rows, settlement_transfers
from jobs.money import SHARE_ROUNDING, apportion
from jobs.settlement.pool import pool_of
from jobs.settlement.shares import Sharing, pool_row

WEIGHT_PPM = {"standard": 1_000_000, "basic": 500_000}
FEN = st.integers(0, 10**11)
TERMS = st.fixed_dictionaries(
    {
        "benefit_fen": FEN,
        "fee_ppm": st.sampled_from((0, 1, 80_000, 999_999)),
        "case_sponsored_ppm": st.integers(0, 1_000_000),
        "member_sponsored_ppm": st.one_of(st.just(0), st.just(1_000_000), st.integers(0, 1_000_000)),
        "covered": st.fixed_dictionaries({"standard": st.integers(1, 10**8), "basic": st.integers(0, 10**7)}),
        "rounding": st.sampled_from(sorted(SHARE_ROUNDING)),
    }
)


def settled_pool(terms: dict, brought_forward_fen: int) -> dict:
    """A period's row of settled/pools; any part of the cases and of the shares is sponsored."""
    return settled_pool_and_shares(terms, brought_forward_fen)[0]


def settled_pool_and_shares(terms: dict, brought_forward_fen: int):
    bare = pool_of(1, terms["benefit_fen"], 0, terms["fee_ppm"], brought_forward_fen)
    case_sponsored_fen = (bare.benefit_fen + bare.fee_fen) * terms["case_sponsored_ppm"] // 1_000_000
    ask = pool_of(1, terms["benefit_fen"], case_sponsored_fen, terms["fee_ppm"], brought_forward_fen)
    shares = apportion(ask.pool_fen, terms["covered"], WEIGHT_PPM, terms["rounding"])
    member_sponsored_fen = shares.billed_fen * terms["member_sponsored_ppm"] // 1_000_000
    sharing = Sharing(ask, terms["covered"], WEIGHT_PPM, terms["rounding"], shares)
    return pool_row(sharing, member_sponsored_fen, "v"), shares


@given(terms=TERMS, brought_forward_fen=st.integers(-(10**10), 10**10))
def test_the_pool_balance_of_the_journal_is_the_amount_carried_forward(terms, brought_forward_fen):
    pool = settled_pool(terms, brought_forward_fen)
    transfers = settlement_transfers(pool)
    assert pool_balance_after_fen(transfers, brought_forward_fen) == pool["carried_forward_fen"]
    assert all(transfer.amount_fen > 0 for transfer in transfers)
    accounts = {account for transfer in transfers for account in transfer[:2]}
    assert sum(balance_fen(transfers, account) for account in accounts) == 0, "every transfer is on both sides"


@given(terms=TERMS, brought_forward_fen=st.integers(-(10**10), 10**10))
def test_every_pool_conserves_to_the_fen(terms, brought_forward_fen):
    """P1, from the shares of all members; the invariant of the settlement reports a difference of one fen."""
    pool, shares = settled_pool_and_shares(terms, brought_forward_fen)
    heads = terms["covered"]
    charged_fen = sum(shares.share_fen[tier] * heads[tier] for tier in heads) + shares.one_fen_more_count
    paid_fen = charged_fen + pool["case_sponsored_fen"] + pool["brought_forward_fen"]
    assert paid_fen == pool["benefit_fen"] + pool["fee_fen"] + pool["carried_forward_fen"]
    assert charged_fen == pool["due_fen"] + pool["member_sponsored_fen"]
    assert pool_is_conserved(ReadBack({}, pool, [], [], {})) == []
    wrong = pool | {"due_fen": pool["due_fen"] + 1}
    assert "1 too much" in pool_is_conserved(ReadBack({}, wrong, [], [], {}))[0]


@given(terms=TERMS, brought_forward_fen=st.integers(-(10**10), 10**10))
def test_the_fee_of_a_period_is_fully_accrued_and_no_part_is_below_zero(terms, brought_forward_fen):
    pool = settled_pool(terms, brought_forward_fen)
    fee = fee_row(settlement_transfers(pool), brought_forward_fen)
    assert fee["accrued_fen"] == pool["fee_fen"]
    parts = ("received_fen", "sponsored_fen", "outstanding_fen", "written_off_fen")
    assert sum(fee[part] for part in parts) == fee["accrued_fen"]
    assert all(fee[part] >= 0 for part in parts)
    if pool["member_sponsored_fen"] == pool["case_sponsored_fen"] == 0:
        assert fee["sponsored_fen"] == 0


@given(periods=st.lists(TERMS, min_size=1, max_size=8))
def test_over_consecutive_periods_only_the_last_residual_remains(periods):
    pools, carried_fen = [], 0
    for terms in periods:
        pools.append(settled_pool(terms, carried_fen))
        carried_fen = pools[-1]["carried_forward_fen"]
    came_in_fen = sum(p["due_fen"] + p["member_sponsored_fen"] + p["case_sponsored_fen"] for p in pools)
    asked_fen = sum(p["benefit_fen"] + p["fee_fen"] for p in pools)
    assert came_in_fen - asked_fen == carried_fen


@given(terms=TERMS)
def test_entry_ids_are_numbered_within_period_plan_and_job(terms):
    transfers = settlement_transfers(settled_pool(terms, 0))
    rows = journal_rows([(date(2020, 12, 7), transfer) for transfer in transfers], "2020-12-P1", "chronic", "settle")
    assert [row["entry_id"] for row in rows] == [
        f"2020-12-P1/chronic/settle/{number}" for number in range(1, len(transfers) + 1)
    ]
