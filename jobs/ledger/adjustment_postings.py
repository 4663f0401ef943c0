"""The transfers by which the collection of a period ends what corrections posted into it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from jobs.collection.days import CollectionDays
from jobs.ledger.collection_postings import SHORTFALL_ACCOUNT
from jobs.ledger.journal import (
    ADDITIONAL_DUE_GIVEN_UP,
    ADJUSTMENTS_RECEIVABLE,
    BAD_DEBT,
    BENEFITS_PAYABLE,
    CASH,
    FEE_ACCRUED,
    FEE_CORRECTED,
    FEE_INCOME,
    PLATFORM_FUNDING,
    REFUNDS_PAYABLE,
    SPONSOR_RECEIVABLE,
    Transfer,
    balance_fen,
    signed_transfer,
)

REFERENCE = "settled/adjustment_collections"


@dataclass(frozen=True)
class AdjustmentTotals:
    """What became of one plan's additional dues, in fen: met by cash, by day, and written off at the grace limit."""

    met_fen: Mapping[date, int] = field(default_factory=dict)
    written_off_fen: int = 0


def adjustment_transfers(
    corrections: list[Transfer], collected: AdjustmentTotals, days: CollectionDays, shortfall_borne_by: str
) -> list[tuple[date, Transfer]]:
    """The transfers up to `days.as_of`, each with its day, in order of days; none is zero.

    `corrections`: what the corrections into the period posted. On the deduction day the added aid is paid, the sponsor
    settles what is left, the fee is earned or returned, and the refunds are paid out. Additional dues are met by cash
    on any day; at the grace limit the unmet ones are written off.
    """
    posted = sorted(_by_day(corrections, collected, days, shortfall_borne_by), key=lambda entry: entry[0])
    return [(day, transfer) for day, transfer in posted if transfer.amount_fen]


def _by_day(
    corrections: list[Transfer], collected: AdjustmentTotals, days: CollectionDays, shortfall_borne_by: str
) -> Iterable[tuple[date, Transfer]]:
    if days.is_deducting:
        for transfer in deduction_transfers(corrections):
            yield days.deduction_on, transfer
    for day, fen in collected.met_fen.items():
        if day <= days.as_of:
            yield day, Transfer(CASH, ADJUSTMENTS_RECEIVABLE, fen, "collected", f"{REFERENCE}.met_fen")
    if days.is_final:
        for transfer in additional_dues_written_off(collected.written_off_fen, shortfall_borne_by):
            yield days.grace_ends_on, transfer


def deduction_transfers(corrections: list[Transfer]) -> list[Transfer]:
    """What is settled at once on the deduction day: the balances that the corrections left, either way."""
    fee_fen = -balance_fen(corrections, FEE_ACCRUED)
    return [
        signed_transfer(BENEFITS_PAYABLE, CASH, -balance_fen(corrections, BENEFITS_PAYABLE), "aid_paid",
                        "settled/adjusted_benefits.delta_benefit_fen"),
        signed_transfer(CASH, SPONSOR_RECEIVABLE, balance_fen(corrections, SPONSOR_RECEIVABLE), "sponsor_paid",
                        "settled/adjusted_pools.delta_case_sponsored_fen, delta_member_sponsored_fen"),
        signed_transfer(FEE_ACCRUED, FEE_INCOME, fee_fen, FEE_CORRECTED, "settled/adjusted_pools.delta_fee_fen"),
        signed_transfer(REFUNDS_PAYABLE, CASH, -balance_fen(corrections, REFUNDS_PAYABLE), "refunded",
                        "settled/adjusted_pools.refunded_fen"),
    ]  # fmt: skip


def additional_dues_written_off(written_off_fen: int, shortfall_borne_by: str) -> list[Transfer]:
    """The write-off of unmet additional dues, whole and without a fee part; the platform pays its part in."""
    account = SHORTFALL_ACCOUNT[shortfall_borne_by]
    funding_fen = written_off_fen if account == BAD_DEBT else 0
    return [
        Transfer(account, ADJUSTMENTS_RECEIVABLE, written_off_fen, ADDITIONAL_DUE_GIVEN_UP, f"{REFERENCE}.status"),
        Transfer(CASH, PLATFORM_FUNDING, funding_fen, "funding", f"{REFERENCE}.status"),
    ]
