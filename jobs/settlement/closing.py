"""The close of a period: what the fee was used for, what every account carries forward, and what must hold."""

from collections.abc import Collection, Mapping

from jobs.settlement.collection import LAPSED, NETTED
from jobs.settlement.invariants import differ
from jobs.settlement.journal import (
    BENEFITS_PAYABLE,
    CASH,
    MEMBERS_RECEIVABLE,
    NETTED_FROM_NEXT,
    POOL,
    USES,
    Transfer,
    balance_fen,
    moved_fen,
)
from jobs.settlement.money import split


def to_use_fen(
    month_fen: Mapping[str, int], visits_fen: int, numbers: Collection[int], per_month: int, used_fen: Mapping[str, int]
) -> dict[str, int]:
    """What is to be put down as used, by category, so that the books have the costs of the periods. Amounts in fen.

    `month_fen`: the operating costs of the month by category, shared evenly by its `per_month` periods; `numbers`: the
    periods of the month that the books are of; `visits_fen`: their field visits; `used_fen`: what is put down already.
    What is put down is never taken back: where costs came to less since, nothing is put down.
    """
    shares = {str(number): 1 for number in range(1, per_month + 1)}
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
    split by `weights`, the plans' accrued fees. Source: assumption, the published use of the fee is for the platform as
    a whole.
    """
    used = {plan_id: dict.fromkeys(USES, 0) for plan_id in weights}
    for category, amount_fen in fen.items():
        own_fen = visits_fen if category == "investigation" else {}
        if sum(own_fen.values()) > amount_fen:
            own_fen = split(amount_fen, own_fen)
        for plan_id, part_fen in split(amount_fen - sum(own_fen.values()), weights).items():
            used[plan_id][category] = part_fen + own_fen.get(plan_id, 0)
    return used


def balance_rows(transfers: list[Transfer], accounts: list[str], brought_forward_fen: Mapping[str, int]) -> list[dict]:
    """The rows of ledger/balances of one plan. One row per account of the chart; balances debit positive, in fen."""
    rows = []
    for account in accounts:
        debit_fen, credit_fen = (
            moved_fen(transfers, debit_account=account),
            moved_fen(transfers, credit_account=account),
        )
        brought_fen = brought_forward_fen.get(account, 0)
        rows.append(
            {
                "account": account,
                "brought_forward_fen": brought_fen,
                "debit_fen": debit_fen,
                "credit_fen": credit_fen,
                "carried_forward_fen": brought_fen + debit_fen - credit_fen,
            }
        )
    return rows


def closing_breaches(
    transfers: list[Transfer],
    balances: list[dict],
    pool: Mapping[str, int],
    collected: Mapping[str, tuple[int, int]],
    shortfall_borne_by: str,
) -> list[str]:
    """Every reason why one plan's period cannot be closed, as a sentence with the arithmetic.

    `collected`: dues and money by status, from settled/collections.
    """
    money_fen = sum(fen for status, (_, fen) in collected.items() if status != NETTED)
    given_up_fen = sum(due - fen for status, (due, fen) in collected.items() if status == LAPSED)
    borne_fen = given_up_fen if shortfall_borne_by == "next_period" else 0
    pool_fen = pool["brought_forward_fen"] - balance_fen(transfers, POOL)
    payable_fen = sum(row["carried_forward_fen"] for row in balances if row["account"] == BENEFITS_PAYABLE)
    known = {row["account"] for row in balances}
    unknown = {account for t in transfers for account in (t.debit_account, t.credit_account)} - known
    return [
        *[f"account {account} is not in the chart of accounts" for account in sorted(unknown)],
        *differ("the trial balance", sum(row["carried_forward_fen"] for row in balances), "nothing", 0),
        *differ("members_receivable", balance_fen(transfers, MEMBERS_RECEIVABLE), "nothing", 0),
        *differ(
            "benefits_payable",
            payable_fen,
            "what was netted from the next period's aid",
            _moved_for(transfers, NETTED_FROM_NEXT),
        ),
        *differ("cash from members", moved_fen(transfers, CASH, MEMBERS_RECEIVABLE), "what was collected", money_fen),
        *differ("dues given up", _moved_for(transfers, "given_up"), "what lapsed members owe", given_up_fen),
        *differ(
            "the credit balance of pool", pool_fen, "what is carried forward", pool["carried_forward_fen"] - borne_fen
        ),
    ]


def _moved_for(transfers: list[Transfer], reason: str) -> int:
    return sum(transfer.amount_fen for transfer in transfers if transfer.reason == reason)
