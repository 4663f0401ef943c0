"""Fee expenditure: how much of the operating costs is still to be posted at a close, by plan and category."""

from collections.abc import Collection, Mapping

from jobs.ledger.journal import OPERATING_CASH, Transfer
from jobs.money import split
from schemas.codes import COST_CATEGORIES


def to_post_fen(
    month_fen: Mapping[str, int],
    visits_fen: int,
    covered_numbers: Collection[int],
    month_numbers: Collection[int],
    posted_fen: Mapping[str, int],
) -> dict[str, int]:
    """The fee expenditure still to be posted, by cost category, over all plans.

    A month's operating costs (`month_fen`, by category) are divided evenly among its periods. `month_numbers`: the
    numbers of all its periods; `covered_numbers`: those whose costs must be in the books after this close.
    `visits_fen`: field visits in the covered periods, part of the investigation. `posted_fen`: by category, what is
    posted already. Postings are never reversed: if the costs have fallen since, nothing is posted.
    """
    weights = {str(number): 1 for number in month_numbers}
    missing_fen = {}
    for category in COST_CATEGORIES:
        fen_by_period = split(month_fen.get(category, 0), weights)
        cost_fen = sum(fen_by_period[str(number)] for number in covered_numbers)
        cost_fen += visits_fen if category == "investigation" else 0
        missing_fen[category] = max(cost_fen - posted_fen.get(category, 0), 0)
    return missing_fen


def expenditure_by_plan_fen(
    total_fen: Mapping[str, int], visits_fen: Mapping[str, int], weights: Mapping[str, int]
) -> dict[str, dict[str, int]]:
    """The fee expenditure of each plan, by category; over the plans it adds up to `total_fen`.

    `visits_fen`: by plan, the field visits for its own claims. They are charged to that plan first, up to the amount
    of the investigation. The rest is split by `weights`: the plans' accrued fees, or their head counts if no fee
    accrued. Source: assumption; the platform publishes its use of the fee for all plans together.
    """
    plan_fen = {plan_id: dict.fromkeys(COST_CATEGORIES, 0) for plan_id in weights}
    for category, amount_fen in total_fen.items():
        own_fen = visits_fen if category == "investigation" else {}
        if sum(own_fen.values()) > amount_fen:
            own_fen = split(amount_fen, own_fen)
        for plan_id, part_fen in split(amount_fen - sum(own_fen.values()), weights).items():
            plan_fen[plan_id][category] = part_fen + own_fen.get(plan_id, 0)
    return plan_fen


def expenditure_transfers(expenditure_fen: Mapping[str, int]) -> list[Transfer]:
    """The transfers of one plan's fee expenditure, one per cost category; posted when the period is closed."""
    reference = {"investigation": "source/operating_costs, source/field_visits"}
    return [
        Transfer(f"use_{category}", OPERATING_CASH, expenditure_fen.get(category, 0), "used",
                 reference.get(category, "source/operating_costs"))
        for category in COST_CATEGORIES
        if expenditure_fen.get(category, 0) > 0
    ]  # fmt: skip
