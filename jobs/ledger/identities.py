"""The identities of closed books: what must agree to the fen in one plan's balances after a close.

IDENTITIES lists them. Each takes the books of one plan and returns one sentence per breach, with both amounts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jobs.ledger.invariants import mismatch, named_breaches
from jobs.ledger.journal import (
    ADJUSTMENTS_RECEIVABLE,
    BAD_DEBT,
    BENEFITS_PAYABLE,
    CASH,
    FEE_ACCRUED,
    FEE_INCOME,
    MEMBERS_RECEIVABLE,
    OPERATING_CASH,
    PLATFORM_FUNDING,
    POOL,
    REFUNDS_PAYABLE,
    SPONSOR_RECEIVABLE,
    SUSPENSE,
)


@dataclass(frozen=True)
class ClosedBooks:
    """One plan's books after a close.

    `balances_fen`: by account, cumulative and debit positive. `fee`: the period's row of ledger/fee. `outstanding_fen`,
    `result_fen`: sums over the rows of ledger/fee of all closed periods, this one included.
    """

    balances_fen: Mapping[str, int]
    fee: Mapping[str, int]
    outstanding_fen: int
    result_fen: int

    def debit_fen(self, account: str) -> int:
        """The balance of the account, debit positive."""
        return self.balances_fen[account]

    def credit_fen(self, *accounts: str) -> int:
        """The sum of the accounts' balances, credit positive."""
        return -sum(self.balances_fen[account] for account in accounts)


def closed_books(balances: Iterable[Mapping], fee: Mapping[str, int], earlier_fees: Iterable[Mapping]) -> ClosedBooks:
    """The books from the rows of ledger/balances, the period's row of ledger/fee, and those of earlier periods."""
    fees = [fee, *earlier_fees]
    outstanding_fen, result_fen = (sum(row[column] for row in fees) for column in ("outstanding_fen", "result_fen"))
    by_account = {row["account"]: row["carried_forward_fen"] for row in balances}
    return ClosedBooks(by_account, fee, outstanding_fen, result_fen)


def fee_is_conserved(books: ClosedBooks) -> list[str]:
    """Every fen of the accrued fee is received, sponsored, outstanding or written off."""
    parts_fen = sum(books.fee[f"{part}_fen"] for part in ("received", "sponsored", "outstanding", "written_off"))
    return mismatch("received + sponsored + outstanding + written off", parts_fen, "accrued", books.fee["accrued_fen"])


def fee_accrued_is_the_outstanding_fee(books: ClosedBooks) -> list[str]:
    """No fee that was sponsored or written off is left in fee_accrued."""
    return mismatch(
        "fee_accrued", books.credit_fen(FEE_ACCRUED), "the fee ledger's outstanding_fen", books.outstanding_fen
    )


def sponsor_owes_nothing(books: ClosedBooks) -> list[str]:
    """The platform has paid what it sponsors."""
    return mismatch("sponsor_receivable", books.debit_fen(SPONSOR_RECEIVABLE), "sponsor's debt after a close", 0)


def members_owe_nothing(books: ClosedBooks) -> list[str]:
    """Every due is collected, set off or written off."""
    return mismatch("members_receivable", books.debit_fen(MEMBERS_RECEIVABLE), "members' debt after a close", 0)


def corrections_are_settled(books: ClosedBooks) -> list[str]:
    """Every additional due is met or written off, and every refund is paid out."""
    return [
        *mismatch("adjustments_receivable", books.debit_fen(ADJUSTMENTS_RECEIVABLE), "its balance after a close", 0),
        *mismatch("refunds_payable", books.credit_fen(REFUNDS_PAYABLE), "its balance after a close", 0),
    ]


def bad_debt_is_funded(books: ClosedBooks) -> list[str]:
    """The platform has paid in the write-offs that it bears."""
    return mismatch("platform_funding", books.credit_fen(PLATFORM_FUNDING), "bad_debt", books.debit_fen(BAD_DEBT))


def cash_is_owed_earned_or_carried(books: ClosedBooks) -> list[str]:
    """Cash = aid owed + unapplied cash + fee income + residual.

    The outstanding fee is added; it is zero after a close, unless a fee exceeds all the money that is shared.
    """
    expected_fen = books.credit_fen(BENEFITS_PAYABLE, SUSPENSE, FEE_INCOME, POOL) + books.outstanding_fen
    return mismatch("cash", books.debit_fen(CASH), "benefits_payable + suspense + fee_income + pool", expected_fen)


def cash_below_zero_has_a_cause(books: ClosedBooks) -> list[str]:
    """Cash is below zero only if one of these is: pool (the next period pays), benefits_payable (its aid paid arrears),
    suspense (the plan took over unapplied cash from the books of another), fee_income (a correction returned more fee
    than had been received).
    """
    causes_fen = [books.credit_fen(account) for account in (POOL, BENEFITS_PAYABLE, SUSPENSE, FEE_INCOME)]
    cash_fen = books.debit_fen(CASH)
    if cash_fen >= 0 or min(causes_fen) < 0:
        return []
    return [f"cash: {cash_fen:,} is below zero, but pool, benefits_payable, suspense and fee_income are not"]


def fee_result_is_income_less_costs(books: ClosedBooks) -> list[str]:
    """Fee income less operating costs is the result of the fee ledger."""
    income_less_costs_fen = books.credit_fen(FEE_INCOME) + books.debit_fen(OPERATING_CASH)
    return mismatch("fee_income + operating_cash", income_less_costs_fen, "the sum of result_fen", books.result_fen)


IDENTITIES = (
    fee_is_conserved,
    fee_accrued_is_the_outstanding_fee,
    sponsor_owes_nothing,
    members_owe_nothing,
    corrections_are_settled,
    bad_debt_is_funded,
    cash_is_owed_earned_or_carried,
    cash_below_zero_has_a_cause,
    fee_result_is_income_less_costs,
)


def identity_breaches(books: ClosedBooks) -> list[str]:
    """One sentence per breach, after the name of its identity; empty: all hold."""
    return named_breaches(IDENTITIES, books)
