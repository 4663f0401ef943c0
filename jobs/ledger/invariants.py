"""What must hold between the tables of a settled period, to the fen. The list INVARIANTS is what the product promises.

Each invariant is given what was read back of one plan and returns a sentence with the arithmetic for every breach.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.ledger.journal import BENEFITS_PAYABLE, FEE_ACCRUED, MEMBERS_RECEIVABLE, POOL, SPONSOR_RECEIVABLE


@dataclass(frozen=True)
class ReadBack:
    """One plan's period as stored: digests by table, and the few rows of the small tables."""

    digests: Mapping[str, dict]
    pool: dict
    rates: list[dict]
    journal: list[dict]
    fee: dict

    def total(self, table: str, column: str) -> int:
        return self.digests[table]["sums"][column]


def members_owe_what_the_pool_says(stored: ReadBack) -> list[str]:
    """Control: the assessments sum to the pool's billed, sponsored and due amounts."""
    table = "settled/assessments"
    return [
        *differ(
            "the shares of the assessments",
            stored.total(table, "share_fen"),
            "the pool's billed_fen",
            stored.pool["billed_fen"],
        ),
        *differ(
            "the sponsored shares",
            stored.total(table, "sponsored_fen"),
            "member_sponsored_fen",
            stored.pool["member_sponsored_fen"],
        ),
        *differ(
            "the dues of the assessments", stored.total(table, "due_fen"), "the pool's due_fen", stored.pool["due_fen"]
        ),
        *differ("the assessments", stored.digests[table]["rows"], "the covered members", stored.pool["covered_count"]),
    ]


def payers_are_billed_what_members_owe(stored: ReadBack) -> list[str]:
    """The bills sum to the dues."""
    return differ(
        "the bills",
        stored.total("settled/bills", "due_fen"),
        "the dues",
        stored.total("settled/assessments", "due_fen"),
    )


def tiers_make_up_the_pool(stored: ReadBack) -> list[str]:
    """The tiers' members and billed amounts make up the pool's."""
    return [
        *differ(
            "the tiers' billed_fen", sum(r["billed_fen"] for r in stored.rates), "the pool's", stored.pool["billed_fen"]
        ),
        *differ(
            "the tiers' members",
            sum(r["covered_count"] for r in stored.rates),
            "the pool's",
            stored.pool["covered_count"],
        ),
    ]


def cases_make_up_the_pool(stored: ReadBack) -> list[str]:
    """Benefits and per-case sponsorship sum to the pool's."""
    table = "settled/benefits"
    return [
        *differ(
            "the benefits", stored.total(table, "benefit_fen"), "the pool's benefit_fen", stored.pool["benefit_fen"]
        ),
        *differ(
            "the cases' sponsored_fen",
            stored.total(table, "sponsored_fen"),
            "the pool's",
            stored.pool["case_sponsored_fen"],
        ),
    ]


def pool_is_carried_on(stored: ReadBack) -> list[str]:
    """P1: due + member sponsored + case sponsored + brought forward = benefits + fee + carried forward."""
    pool = stored.pool
    paid_fen = pool["due_fen"] + pool["member_sponsored_fen"] + pool["case_sponsored_fen"] + pool["brought_forward_fen"]
    asked_fen = pool["benefit_fen"] + pool["fee_fen"] + pool["carried_forward_fen"]
    return differ("what is paid", paid_fen, "benefits, fee and what is carried on", asked_fen)


def control_accounts_tie(stored: ReadBack) -> list[str]:
    """Each control account's balance is the sum of a member-level or case-level table; `pool` holds what is carried
    on."""
    sponsored_fen = stored.total("settled/benefits", "sponsored_fen") + stored.total(
        "settled/assessments", "sponsored_fen"
    )
    pool_fen = stored.pool["brought_forward_fen"] - _balance_fen(stored, POOL)
    return [
        *differ(
            "members_receivable",
            _balance_fen(stored, MEMBERS_RECEIVABLE),
            "the dues",
            stored.total("settled/assessments", "due_fen"),
        ),
        *differ("sponsor_receivable", _balance_fen(stored, SPONSOR_RECEIVABLE), "the sponsored amounts", sponsored_fen),
        *differ(
            "benefits_payable",
            -_balance_fen(stored, BENEFITS_PAYABLE),
            "the benefits",
            stored.total("settled/benefits", "benefit_fen"),
        ),
        *differ(
            "fee_accrued",
            -_balance_fen(stored, FEE_ACCRUED),
            "the fee ledger's accrued_fen",
            stored.fee["accrued_fen"],
        ),
        *differ("the credit balance of pool", pool_fen, "what is carried forward", stored.pool["carried_forward_fen"]),
    ]


INVARIANTS = (
    cases_make_up_the_pool,
    pool_is_carried_on,
    tiers_make_up_the_pool,
    members_owe_what_the_pool_says,
    payers_are_billed_what_members_owe,
    control_accounts_tie,
)


def breaches(stored: ReadBack) -> list[str]:
    """Every breach of every invariant, as sentences."""
    return [breach for invariant in INVARIANTS for breach in invariant(stored)]


def _balance_fen(stored: ReadBack, account: str) -> int:
    debit_fen = sum(entry["amount_fen"] for entry in stored.journal if entry["debit_account"] == account)
    credit_fen = sum(entry["amount_fen"] for entry in stored.journal if entry["credit_account"] == account)
    return debit_fen - credit_fen


def differ(found_name: str, found: int, expected_name: str, expected: int) -> list[str]:
    """One sentence with both amounts and their difference; none where they are the same."""
    if found == expected:
        return []
    side = "too much" if found > expected else "too little"
    return [f"{found_name} come to {found:,} but {expected_name} to {expected:,} ({abs(found - expected):,} {side})"]
