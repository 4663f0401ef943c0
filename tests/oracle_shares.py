"""The oracle's pool, shares, bills and ledger, computed from the benefits."""

from collections.abc import Iterable
from fractions import Fraction
from math import floor

from jobs.rulebook.rules import SharingRules
from tests.oracle_benefits import fee_on
from tests.oracle_rounding import ceil_fen, half_up
from tests.oracle_world import Case, Spell


def fill_pool(case: Case, benefits: list[dict]) -> tuple[int, dict]:
    """The amount that the members share, and the columns of the pool's row known before the shares."""
    benefit_fen, case_sponsored_fen = total(benefits, "benefit_fen"), total(benefits, "sponsored_fen")
    fee_fen = fee_on(benefit_fen, case.sharing)
    brought_forward_fen = case.history.last_pool.get(case.plan.plan_id, {}).get("carried_forward_fen", 0)
    pool_fen = benefit_fen + fee_fen - brought_forward_fen - case_sponsored_fen
    return pool_fen, {
        **case.keys,
        "case_count": sum(row["counted"] for row in benefits),
        "benefit_fen": benefit_fen,
        "fee_fen": fee_fen,
        "brought_forward_fen": brought_forward_fen,
        "adjusted_fen": 0,
        "case_sponsored_fen": case_sponsored_fen,
        "pool_fen": pool_fen,
    }


def share_out(pool_fen: int, sharers: dict[int, Spell], sharing: SharingRules) -> tuple[dict[int, int], int]:
    """Share of each member, and how many of them pay one fen more; a negative pool is carried, not shared."""
    weights = {member_id: sharing.weights_ppm[spell.row["tier"]] for member_id, spell in sharers.items()}
    whole = sum(weights.values())
    if pool_fen <= 0 or not weights:
        return dict.fromkeys(weights, 0), 0
    exact = {member_id: Fraction(pool_fen * weight, whole) for member_id, weight in weights.items()}
    rounded = {"ceil_fen": ceil_fen, "half_up": half_up, "exact": floor}[sharing.rounding]
    shares = {member_id: rounded(share) for member_id, share in exact.items()}
    return shares, pool_fen - sum(shares.values()) if sharing.rounding == "exact" else 0


def pay_one_fen_more(shares: dict[int, int], r: int, chosen: Iterable[int] | None) -> dict[int, int]:
    chosen = sorted(shares)[:r] if chosen is None else set(chosen)
    assert len(chosen) == r, f"{len(chosen)} members pay one fen more instead of {r}"
    return {member_id: share_fen + (member_id in chosen) for member_id, share_fen in shares.items()}


def assess(case: Case, sharers: dict[int, Spell], shares: dict[int, int]) -> list[dict]:
    rows = []
    for member_id, spell in sharers.items():
        sponsored_fen, marker = sponsor(case, spell, shares[member_id])
        rows.append(
            {
                **case.keys,
                "member_id": member_id,
                "payer_id": spell.row["payer_id"],
                "tier": spell.row["tier"],
                "share_fen": shares[member_id],
                "sponsored_fen": sponsored_fen,
                "due_fen": shares[member_id] - sponsored_fen,
                "marker": marker,
            }
        )
    return rows


def sponsor(case: Case, spell: Spell, share_fen: int) -> tuple[int, str | None]:
    """The sponsored part of a share and its marker; nothing for a share of zero."""
    sharing = case.sharing
    if share_fen == 0:
        return 0, None
    if sharing.funded:
        return share_fen, "funded_period"
    if sharing.waiver_joined_by and spell.began_on <= sharing.waiver_joined_by:
        return share_fen, "first_month_waiver"
    if sharing.yearly_cap_fen is None:
        return 0, None
    key = (case.plan.plan_id, spell.row["member_id"], case.publicity_on.year)
    headroom_fen = max(0, sharing.yearly_cap_fen - case.history.borne_fen.get(key, 0))
    sponsored_fen = share_fen - min(share_fen, headroom_fen)
    return sponsored_fen, "yearly_cap" if sponsored_fen else None


def rates(case: Case, assessments: list[dict], shares: dict[int, int], pool: dict) -> list[dict]:
    """One row per tier with a covered member."""
    cost_fen, rows = pool["benefit_fen"] + pool["fee_fen"], []
    for tier in sorted({row["tier"] for row in assessments}):
        tier_rows = [row for row in assessments if row["tier"] == tier]
        share_fen = shares[tier_rows[0]["member_id"]]
        share_fee_fen = half_up(Fraction(share_fen * pool["fee_fen"], cost_fen)) if cost_fen else 0
        rows.append(
            {
                **case.keys,
                "tier": tier,
                "covered_count": len(tier_rows),
                "weight_ppm": case.sharing.weights_ppm[tier],
                "share_fen": share_fen,
                "share_aid_fen": share_fen - share_fee_fen,
                "share_fee_fen": share_fee_fen,
                "billed_fen": total(tier_rows, "share_fen"),
            }
        )
    return rows


def bills(case: Case, assessments: list[dict]) -> list[dict]:
    payers = sorted({row["payer_id"] for row in assessments})
    rows_by_payer = {payer_id: [row for row in assessments if row["payer_id"] == payer_id] for payer_id in payers}
    return [
        {
            **case.keys,
            "payer_id": payer_id,
            "member_count": len(rows),
            "due_fen": total(rows, "due_fen"),
            "adjustment_fen": 0,
        }
        for payer_id, rows in rows_by_payer.items()
    ]


def journal(case: Case, pool: dict) -> list[dict]:
    """The postings of `settle`; sponsored cases and sponsored shares are two amounts between the same accounts."""
    transfers = [
        ("pool", "benefits_payable", pool["benefit_fen"]),
        ("pool", "fee_accrued", pool["fee_fen"]),
        ("members_receivable", "pool", pool["due_fen"]),
        ("sponsor_receivable", "pool", pool["case_sponsored_fen"]),
        ("sponsor_receivable", "pool", pool["member_sponsored_fen"]),
    ]
    return [
        {**case.keys, "debit_account": debit, "credit_account": credit, "amount_fen": amount_fen}
        for debit, credit, amount_fen in transfers
        if amount_fen > 0
    ]


def fee_ledger(case: Case, pool: dict) -> dict:
    """The fee row at settlement: nothing received or spent yet."""
    all_sponsored_fen = pool["case_sponsored_fen"] + pool["member_sponsored_fen"]
    all_fen = pool["due_fen"] + all_sponsored_fen + pool["brought_forward_fen"]
    # After a residual below zero the sponsored amount can exceed the total: the whole fee is then sponsored.
    sponsored_fen = pool["fee_fen"] * min(all_sponsored_fen, all_fen) // all_fen if all_fen > 0 else 0
    nothing = ("received", "written_off", "used_investigation", "used_technology", "used_staff_and_premises", "result")
    return {
        **case.keys,
        "accrued_fen": pool["fee_fen"],
        "sponsored_fen": sponsored_fen,
        "outstanding_fen": pool["fee_fen"] - sponsored_fen,
        **{f"{name}_fen": 0 for name in nothing},
    }


def total(rows: Iterable[dict], column: str) -> int:
    return sum(row[column] for row in rows)
