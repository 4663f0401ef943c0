"""The journal: double-entry transfers, those of a settlement, and sums over transfers."""

from datetime import date
from typing import NamedTuple

POOL = "pool"
BENEFITS_PAYABLE = "benefits_payable"
FEE_ACCRUED = "fee_accrued"
MEMBERS_RECEIVABLE = "members_receivable"
SPONSOR_RECEIVABLE = "sponsor_receivable"
FEE_INCOME = "fee_income"
CASH = "cash"
SUSPENSE = "suspense"
BAD_DEBT = "bad_debt"
PLATFORM_FUNDING = "platform_funding"
OPERATING_CASH = "operating_cash"
# Published reasons of transfers: unpaid dues written off at the grace limit, and arrears set off from the aid of the
# next period, which then pays that much less.
GIVEN_UP = "given_up"
NETTED_FROM_NEXT = "netted_from_next"
RETURNED = "returned"  # money of an earlier receipt that went back


class Transfer(NamedTuple):
    """An amount above zero moved between two accounts, with its reason and the stored column it comes from."""

    debit_account: str
    credit_account: str
    amount_fen: int
    reason: str
    reference: str


def settlement_transfers(pool: dict) -> list[Transfer]:
    """The settlement's transfers of one period and plan, from its row of settled/pools; none is zero.

    They leave the residual carried forward as the credit balance of `pool`, the residual brought forward included.
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
    """The rows of ledger/journal. One row per (day, transfer); entry_id is period/plan/job/number."""
    return [
        {"entry_id": f"{period}/{plan_id}/{job}/{number}", "job": job, "posted_on": day, **transfer._asdict()}
        for number, (day, transfer) in enumerate(transfers, start=1)
    ]


def moved_fen(transfers: list[Transfer], debit_account: str | None = None, credit_account: str | None = None) -> int:
    """The sum of the transfers with this debit account and this credit account; None matches every account."""
    return sum(
        transfer.amount_fen
        for transfer in transfers
        if debit_account in (None, transfer.debit_account) and credit_account in (None, transfer.credit_account)
    )


def cash_received_fen(transfers: list[Transfer]) -> int:
    """Cash received from payers, less what was taken over from another plan's suspense, whose books count it.

    Cash that the platform pays in, for what it sponsors or for write-offs, is not part of it.
    """
    return sum(net_moved_fen(transfers, CASH, account) for account in (MEMBERS_RECEIVABLE, SUSPENSE))


def net_moved_fen(transfers: list[Transfer], debit_account: str, credit_account: str) -> int:
    """The sum moved from one account to another, less what was moved the other way."""
    return moved_fen(transfers, debit_account, credit_account) - moved_fen(transfers, credit_account, debit_account)


def moved_for_fen(transfers: list[Transfer], reason: str) -> int:
    """The sum of the transfers with this reason."""
    return sum(transfer.amount_fen for transfer in transfers if transfer.reason == reason)


def balance_fen(transfers: list[Transfer], account: str) -> int:
    """The balance of an account after the transfers, debit positive."""
    debit_fen = sum(transfer.amount_fen for transfer in transfers if transfer.debit_account == account)
    credit_fen = sum(transfer.amount_fen for transfer in transfers if transfer.credit_account == account)
    return debit_fen - credit_fen
