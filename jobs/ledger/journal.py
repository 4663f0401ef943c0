"""Transfers of a settlement: debit account, credit account, an amount above zero, and why."""

from datetime import date
from typing import NamedTuple

from schemas.codes import COST_CATEGORIES

POOL = "pool"
BENEFITS_PAYABLE = "benefits_payable"
FEE_ACCRUED = "fee_accrued"
MEMBERS_RECEIVABLE = "members_receivable"
SPONSOR_RECEIVABLE = "sponsor_receivable"
FEE_INCOME = "fee_income"
CASH = "cash"
SUSPENSE = "suspense"
BAD_DEBT = "bad_debt"
OPERATING_CASH = "operating_cash"
GIVEN_UP = "given_up"
# Reason of arrears that are netted from the aid of the period after, which then pays so much less.
NETTED_FROM_NEXT = "netted_from_next"
USES = COST_CATEGORIES


class Transfer(NamedTuple):
    """One movement of money between two accounts."""

    debit_account: str
    credit_account: str
    amount_fen: int
    reason: str
    reference: str


def settlement_transfers(pool: dict) -> list[Transfer]:
    """The transfers of one period and plan, from its row of settled/pools; a movement of nothing is not posted.

    After them the credit balance of `pool`, with what it held before, is what is carried forward, and nothing else.
    """
    transfers = [
        Transfer(POOL, BENEFITS_PAYABLE, pool["benefit_fen"], "benefits", "settled/benefits.benefit_fen"),
        Transfer(POOL, FEE_ACCRUED, pool["fee_fen"], "fee", "settled/pools.fee_fen"),
        Transfer(MEMBERS_RECEIVABLE, POOL, pool["due_fen"], "due", "settled/assessments.due_fen"),
        Transfer(
            SPONSOR_RECEIVABLE, POOL, pool["case_sponsored_fen"], "per_case_cap", "settled/benefits.sponsored_fen"
        ),
        Transfer(
            SPONSOR_RECEIVABLE, POOL, pool["member_sponsored_fen"], "sponsored", "settled/assessments.sponsored_fen"
        ),
    ]
    return [transfer for transfer in transfers if transfer.amount_fen > 0]


def journal_rows(transfers: list[tuple[date, Transfer]], period: str, plan_id: str, job: str) -> list[dict]:
    """The rows of ledger/journal. One row per transfer, given with its day; entry_id is period/plan/job/number."""
    return [
        {"entry_id": f"{period}/{plan_id}/{job}/{number}", "job": job, "posted_on": day, **transfer._asdict()}
        for number, (day, transfer) in enumerate(transfers, start=1)
    ]


def moved_fen(transfers: list[Transfer], debit_account: str | None = None, credit_account: str | None = None) -> int:
    """What the transfers move to the debit account, from the credit account, or from the one to the other."""
    return sum(
        transfer.amount_fen
        for transfer in transfers
        if debit_account in (None, transfer.debit_account) and credit_account in (None, transfer.credit_account)
    )


def came_in_fen(transfers: list[Transfer]) -> int:
    """The money that came in. What one plan took over from another's suspense came in there, and not again."""
    return moved_fen(transfers, debit_account=CASH) - moved_fen(transfers, SUSPENSE, CASH)


def moved_for_fen(transfers: list[Transfer], reason: str) -> int:
    """What the transfers move for a reason."""
    return sum(transfer.amount_fen for transfer in transfers if transfer.reason == reason)


def balance_fen(transfers: list[Transfer], account: str) -> int:
    """What the transfers leave on an account, debit positive."""
    debit_fen = sum(transfer.amount_fen for transfer in transfers if transfer.debit_account == account)
    credit_fen = sum(transfer.amount_fen for transfer in transfers if transfer.credit_account == account)
    return debit_fen - credit_fen
