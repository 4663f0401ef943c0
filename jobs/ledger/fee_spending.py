"""What the fee of a period was used for: what is still to be put down, by plan and category, and its transfers."""

from collections.abc import Collection, Mapping

from jobs.ledger.journal import OPERATING_CASH, USES, Transfer
from jobs.money import split


def to_use_fen(
    month_fen: Mapping[str, int],
    visits_fen: int,
    numbers: Collection[int],
    of_month: Collection[int],
    used_fen: Mapping[str, int],
) -> dict[str, int]:
    """What is to be put down as used, by category, so that the books have the costs of the periods. Amounts in fen.

    `month_fen`: the operating costs of the month by category, shared evenly by its periods, whose numbers are
    `of_month`; `numbers`: the periods of the month that the books are of; `visits_fen`: their field visits; `used_fen`:
    what is put down already. What is put down is never taken back: where costs came to less since, nothing is put
    down.
    """
    shares = {str(number): 1 for number in of_month}
    found = {}
    for category in USES:
        parts_fen = split(month_fen.get(category, 0), shares)
        whole_fen = sum(parts_fen[str(number)] for number in numbers)
        whole_fen += visits_fen if category == "investigation" else 0
        found[category] = max(whole_fen - used_fen.get(category, 0), 0)
    return found


def used_by_plan_fen(
    fen: Mapping[str, int], visits_fen: Mapping[str, int], weights: Mapping[str, int]
) -> dict[str, dict[str, int]]:
    """What each plan's fee of the period was used for, by category (the whole by category in `fen`). Amounts in fen.

    `visits_fen`: the field visits of the plans' own claims, a part of the investigation. What belongs to no plan is
    split by `weights`, the plans' accrued fees, or, where none accrued, their head counts. Source: assumption, the
    published use of the fee is for the platform as a whole.
    """
    used = {plan_id: dict.fromkeys(USES, 0) for plan_id in weights}
    for category, amount_fen in fen.items():
        own_fen = visits_fen if category == "investigation" else {}
        if sum(own_fen.values()) > amount_fen:
            own_fen = split(amount_fen, own_fen)
        for plan_id, part_fen in split(amount_fen - sum(own_fen.values()), weights).items():
            used[plan_id][category] = part_fen + own_fen.get(plan_id, 0)
    return used


def use_transfers(used_fen: Mapping[str, int]) -> list[Transfer]:
    """What the fee was used for, by category; posted when the period is closed."""
    reference = {"investigation": "source/operating_costs, source/field_visits"}
    return [
        Transfer(f"use_{category}", OPERATING_CASH, used_fen.get(category, 0), "used",
                 reference.get(category, "source/operating_costs"))
        for category in USES
        if used_fen.get(category, 0) > 0
    ]  # fmt: skip
