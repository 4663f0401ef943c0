"""The transfers of a correction: differences of a closed period, posted into an open one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jobs.ledger.arrears_postings import WriteOff, parts_taken_back
from jobs.ledger.collection_postings import SHORTFALL_ACCOUNT
from jobs.ledger.fee import sponsored_fee_fen
from jobs.ledger.journal import (
    ADJUSTMENTS_RECEIVABLE,
    BAD_DEBT,
    BENEFITS_CORRECTED,
    BENEFITS_PAYABLE,
    CASH,
    FEE_ACCRUED,
    FEE_CORRECTED,
    FEE_SPONSORED_CORRECTED,
    PLATFORM_FUNDING,
    POOL,
    REFUNDS_PAYABLE,
    SPONSOR_RECEIVABLE,
    SPONSORED_CORRECTED,
    SUSPENSE,
    TAKEN_BACK,
    Transfer,
    signed_transfer,
)

PAID_IN_TIME = "paid_in_time"  # published reason, of reinstatements too


@dataclass(frozen=True)
class CorrectionAmounts:
    """One plan's correction in fen.

    `effective`, `recomputed`: the closed period's pool so far and now, columns of settled/pools. `asked_fen`,
    `refunded_fen`, `written_off_fen`, `pooled_fen`: signed sums of settled/adjustments. `recovered_fen`: recovered aid
    to book. `write_off`: that of the closed period, with all that was taken back before. `paid_in_time_fen`: dues of
    reinstated members that were paid in time, by the account that has the money: suspense of this plan, or cash.
    `handed_over_fen`: money in this plan's suspense that met dues of other plans.
    """

    effective: Mapping[str, int]
    recomputed: Mapping[str, int]
    asked_fen: int
    refunded_fen: int
    written_off_fen: int
    pooled_fen: int
    recovered_fen: int
    write_off: WriteOff
    paid_in_time_fen: Mapping[str, int] = field(default_factory=dict)
    handed_over_fen: int = 0

    def delta(self, column: str) -> int:
        """The difference of one column of the pool."""
        return self.recomputed[column] - self.effective[column]

    @property
    def reinstated_fen(self) -> int:
        """The write-offs that money paid in time takes back."""
        return sum(self.paid_in_time_fen.values())

    def fee_and_aid_part(self, before_fen: int, fen: int) -> tuple[int, int]:
        """The parts of a write-off taken back, after `before_fen` of it in this correction."""
        return parts_taken_back(self.write_off, before_fen, fen)

    def aid_part_fen(self) -> int:
        """The aid part of all that this correction takes back of the write-off."""
        return self.fee_and_aid_part(0, self.reinstated_fen - self.written_off_fen)[1]


def adjusted_fen(amounts: CorrectionAmounts, shortfall_borne_by: str) -> int:
    """What the correction adds to the residual that the open period brings forward.

    The difference of the residual, less what the members of the open period bear (`pooled`). Where the next period
    bears write-offs, the aid part of what is taken back returns to the pool.
    """
    returned_fen = 0 if SHORTFALL_ACCOUNT[shortfall_borne_by] == BAD_DEBT else amounts.aid_part_fen()
    return amounts.delta("carried_forward_fen") - amounts.pooled_fen + returned_fen


def correction_transfers(amounts: CorrectionAmounts, shortfall_borne_by: str, reference: str) -> list[Transfer]:
    """The transfers of one plan's correction; none is zero. An amount below zero swaps the two accounts."""
    sponsored_fen = amounts.delta("case_sponsored_fen") + amounts.delta("member_sponsored_fen")
    sponsored_fee = sponsored_fee_fen(amounts.recomputed) - sponsored_fee_fen(amounts.effective)
    signed = [
        (POOL, BENEFITS_PAYABLE, amounts.delta("benefit_fen"), BENEFITS_CORRECTED),
        (CASH, BENEFITS_PAYABLE, amounts.recovered_fen, "recovered"),
        (POOL, FEE_ACCRUED, amounts.delta("fee_fen"), FEE_CORRECTED),
        (SPONSOR_RECEIVABLE, POOL, sponsored_fen, SPONSORED_CORRECTED),
        (FEE_ACCRUED, SPONSOR_RECEIVABLE, sponsored_fee, FEE_SPONSORED_CORRECTED),
        (ADJUSTMENTS_RECEIVABLE, POOL, amounts.asked_fen, "additional_due"),
        (POOL, REFUNDS_PAYABLE, -amounts.refunded_fen, "refund"),
        *_taken_back(amounts, ADJUSTMENTS_RECEIVABLE, 0, amounts.reinstated_fen, shortfall_borne_by),
        *((account, ADJUSTMENTS_RECEIVABLE, fen, PAID_IN_TIME) for account, fen in amounts.paid_in_time_fen.items()),
        *_taken_back(amounts, POOL, amounts.reinstated_fen, -amounts.written_off_fen, shortfall_borne_by),
        (SUSPENSE, CASH, amounts.handed_over_fen, "taken_over"),
    ]
    return [signed_transfer(*transfer, reference) for transfer in signed if transfer[2]]


def _taken_back(
    amounts: CorrectionAmounts, debit_account: str, before_fen: int, fen: int, shortfall_borne_by: str
) -> list[tuple[str, str, int, str]]:
    """A write-off taken back: the fee is earned, the aid returns to its bearer. From pool to pool nothing moves."""
    fee_fen, aid_fen = amounts.fee_and_aid_part(before_fen, fen)
    account = SHORTFALL_ACCOUNT[shortfall_borne_by]
    is_platform = account == BAD_DEBT
    return [
        (debit_account, FEE_ACCRUED, fee_fen, TAKEN_BACK),
        (debit_account, account, 0 if debit_account == account else aid_fen, TAKEN_BACK),
        (PLATFORM_FUNDING, CASH, aid_fen if is_platform else 0, "funding_returned"),
    ]
