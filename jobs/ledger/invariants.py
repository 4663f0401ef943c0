"""The invariants of a settlement: what must agree to the fen between the stored tables of one plan and period.

INVARIANTS lists them. Each takes the stored rows of one plan and returns one sentence per breach, with both amounts.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.ledger.journal import BENEFITS_PAYABLE, FEE_ACCRUED, MEMBERS_RECEIVABLE, POOL, SPONSOR_RECEIVABLE


@dataclass(frozen=True)
class ReadBack:
    """One plan's period as stored: digests by table, and the rows of the small tables.

    `corrected_fee_fen`: the fee that corrections of earlier periods posted into this one; its journal has it apart.
    """

    digests: Mapping[str, dict]
    pool: dict
    rates: list[dict]
    journal: list[dict]
    fee: dict
    corrected_fee_fen: int = 0

    def total(self, table: str, column: str) -> int:
        """The sum of a column of amounts over the table's stored rows."""
        return self.digests[table]["sums"][column]


def assessments_agree_with_the_pool(stored: ReadBack) -> list[str]:
    """The assessments add up to the pool's billed, sponsored and due amounts and to its covered members."""
    table = "settled/assessments"
    return [
        *mismatch(
            "the shares of the assessments",
            stored.total(table, "share_fen"),
            "the pool's billed_fen",
            stored.pool["billed_fen"],
        ),
        *mismatch(
            "the sponsored shares",
            stored.total(table, "sponsored_fen"),
            "member_sponsored_fen",
            stored.pool["member_sponsored_fen"],
        ),
        *mismatch(
            "the dues of the assessments", stored.total(table, "due_fen"), "the pool's due_fen", stored.pool["due_fen"]
        ),
        *mismatch(
            "the assessments", stored.digests[table]["rows"], "the covered members", stored.pool["covered_count"]
        ),
    ]


def bills_agree_with_the_assessments(stored: ReadBack) -> list[str]:
    """The payers' bills add up to the members' dues."""
    return mismatch(
        "the bills",
        stored.total("settled/bills", "due_fen"),
        "the dues",
        stored.total("settled/assessments", "due_fen"),
    )


def rates_agree_with_the_pool(stored: ReadBack) -> list[str]:
    """The members and billed amounts of the tiers add up to the pool's."""
    return [
        *mismatch(
            "the tiers' billed_fen", sum(r["billed_fen"] for r in stored.rates), "the pool's", stored.pool["billed_fen"]
        ),
        *mismatch(
            "the tiers' members",
            sum(r["covered_count"] for r in stored.rates),
            "the pool's",
            stored.pool["covered_count"],
        ),
    ]


def benefits_agree_with_the_pool(stored: ReadBack) -> list[str]:
    """The benefits and their sponsored parts (rule `per_case_cap`) add up to the pool's."""
    table = "settled/benefits"
    return [
        *mismatch(
            "the benefits", stored.total(table, "benefit_fen"), "the pool's benefit_fen", stored.pool["benefit_fen"]
        ),
        *mismatch(
            "the cases' sponsored_fen",
            stored.total(table, "sponsored_fen"),
            "the pool's",
            stored.pool["case_sponsored_fen"],
        ),
    ]


def pool_is_conserved(stored: ReadBack) -> list[str]:
    """Conservation: due + member sponsored + case sponsored + brought forward = benefits + fee + carried forward."""
    pool = stored.pool
    funded_fen = (
        pool["due_fen"] + pool["member_sponsored_fen"] + pool["case_sponsored_fen"] + pool["brought_forward_fen"]
    )
    spent_fen = pool["benefit_fen"] + pool["fee_fen"] + pool["carried_forward_fen"]
    funds, uses = "dues, sponsored amounts, residual brought forward", "benefits, fee, residual carried forward"
    return mismatch(funds, funded_fen, uses, spent_fen)


def control_accounts_agree_with_their_tables(stored: ReadBack) -> list[str]:
    """The balance of each control account is the total of its detail table; `pool` holds the residual.

    The liabilities are in credit, so their debit-positive balances are negated.
    """
    sponsored_fen = stored.total("settled/benefits", "sponsored_fen") + stored.total(
        "settled/assessments", "sponsored_fen"
    )
    pool_fen = stored.pool["brought_forward_fen"] - _balance_fen(stored, POOL)
    return [
        *mismatch(
            "members_receivable",
            _balance_fen(stored, MEMBERS_RECEIVABLE),
            "the dues",
            stored.total("settled/assessments", "due_fen"),
        ),
        *mismatch(
            "sponsor_receivable", _balance_fen(stored, SPONSOR_RECEIVABLE), "the sponsored amounts", sponsored_fen
        ),
        *mismatch(
            "benefits_payable",
            -_balance_fen(stored, BENEFITS_PAYABLE),
            "the benefits",
            stored.total("settled/benefits", "benefit_fen"),
        ),
        *mismatch(
            "fee_accrued",
            -_balance_fen(stored, FEE_ACCRUED),
            "the fee ledger's accrued_fen",
            stored.fee["accrued_fen"] - stored.corrected_fee_fen,
        ),
        *mismatch(
            "the credit balance of pool", pool_fen, "the residual carried forward", stored.pool["carried_forward_fen"]
        ),
    ]


INVARIANTS = (
    benefits_agree_with_the_pool,
    pool_is_conserved,
    rates_agree_with_the_pool,
    assessments_agree_with_the_pool,
    bills_agree_with_the_assessments,
    control_accounts_agree_with_their_tables,
)


def breaches(stored: ReadBack) -> list[str]:
    """One sentence per breach of any invariant; empty: all hold."""
    return [breach for invariant in INVARIANTS for breach in invariant(stored)]


def _balance_fen(stored: ReadBack, account: str) -> int:
    debit_fen = sum(entry["amount_fen"] for entry in stored.journal if entry["debit_account"] == account)
    credit_fen = sum(entry["amount_fen"] for entry in stored.journal if entry["credit_account"] == account)
    return debit_fen - credit_fen


def named_breaches(identities: Iterable[Callable[[Any], list[str]]], stored: Any) -> list[str]:
    """One sentence per breach of an identity, after the identity's name; empty: all hold."""
    return [f"{identity.__name__}: {breach}" for identity in identities for breach in identity(stored)]


def mismatch(name: str, value: int, expected_name: str, expected: int) -> list[str]:
    """One sentence with both values and their difference; an empty list if they are equal."""
    if value == expected:
        return []
    side = "too much" if value > expected else "too little"
    return [f"{name}: {value:,}, but {expected_name}: {expected:,} ({abs(value - expected):,} {side})"]
