"""The close of a period: what the fee was used for, what every account carries forward, and what must hold."""

from collections.abc import Mapping

from jobs.settlement.calendar import Calendar, Period
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


def used_by_plan_fen(
    month_fen: Mapping[str, int], visits_fen: Mapping[str | None, int], weights: Mapping[str, int],
    period: Period, calendar: Calendar,
) -> dict[str, dict[str, int]]:  # fmt: skip
    """What each plan's fee of the period was used for, by category. Amounts in fen.

    `month_fen`: the operating costs of the period's month by category, shared evenly by the month's periods.
    `visits_fen`: the field visits of the period by plan (None: of no known plan). What belongs to no plan is split by
    `weights`, the plans' accrued fees. Source: assumption, the published use of the fee is for the platform as a
    whole.
    """
    shares = {str(number): 1 for number in range(1, len(calendar.monthly) + 1)}
    used = {plan_id: dict.fromkeys(USES, 0) for plan_id in weights}
    for category, amount_fen in month_fen.items():
        of_period_fen = split(amount_fen, shares)[str(period.number)]
        for plan_id, part_fen in split(of_period_fen, weights).items():
            used[plan_id][category] += part_fen
    of_no_plan_fen = sum(fen for plan_id, fen in visits_fen.items() if plan_id not in weights)
    for plan_id, part_fen in split(of_no_plan_fen, weights).items():
        used[plan_id]["investigation"] += part_fen + visits_fen.get(plan_id, 0)
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
