"""The transfers of earlier arrears that aid pays: dues that were written off and are set off from later aid."""

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.ledger.collection_postings import SHORTFALL_ACCOUNT
from jobs.ledger.journal import (
    BAD_DEBT,
    BENEFITS_PAYABLE,
    CASH,
    FEE_ACCRUED,
    FEE_INCOME,
    GIVEN_UP,
    PLATFORM_FUNDING,
    TAKEN_BACK,
    Transfer,
    moved_fen,
    moved_for_fen,
)
from jobs.money import pro_rata


@dataclass(frozen=True)
class WriteOff:
    """A plan's write-off in one period, in fen: its dues, the fee in them, and the dues that aid has paid so far."""

    due_fen: int
    fee_fen: int
    taken_back_fen: int


def write_off_of(origin: str, posted: list[Transfer], posted_later: list[Transfer], corrected_fen: int = 0) -> WriteOff:
    """The write-off that the period `origin` posted; `posted_later`: by the periods after it.

    `corrected_fen`: what corrections of the period took back of it.
    """
    written_off = [t for t in posted if t.reason == GIVEN_UP]
    taken_back = [t for t in posted_later if t.reason == TAKEN_BACK and t.reference == _reference(origin)]
    return WriteOff(
        moved_for_fen(written_off, GIVEN_UP),
        moved_fen(written_off, debit_account=FEE_ACCRUED),
        moved_fen(taken_back, debit_account=BENEFITS_PAYABLE) + corrected_fen,
    )


def parts_taken_back(write_off: WriteOff, before_fen: int, fen: int) -> tuple[int, int]:
    """The fee part and the aid part of `fen` taken back of a write-off.

    `before_fen`: what was taken back in addition to `write_off.taken_back_fen`. The fee part is that of the write-off,
    in proportion, rounded down over all that was taken back so far. Above the write-off there is no fee: additional
    dues of corrections are written off without one.
    """
    start_fen = write_off.taken_back_fen + before_fen
    fee_fen = pro_rata(write_off.fee_fen, start_fen + fen, write_off.due_fen)
    fee_fen -= pro_rata(write_off.fee_fen, start_fen, write_off.due_fen)
    return fee_fen, fen - fee_fen


def taken_back_transfers(
    taken_fen: Mapping[str, int], write_offs: Mapping[str, WriteOff], shortfall_borne_by: str
) -> list[Transfer]:
    """What `taken_fen` of aid, by period of origin, takes back of that period's write-off; no transfer is zero.

    The fee part is that of the write-off, in proportion, rounded down over all that was taken back so far; it is
    earned. The rest is returned to whom it was charged: to the platform, or to the pool.
    """
    account = SHORTFALL_ACCOUNT[shortfall_borne_by]
    transfers = []
    for origin, fen in sorted(taken_fen.items()):
        write_off, reference = write_offs[origin], _reference(origin)
        fee_fen, aid_fen = parts_taken_back(write_off, 0, fen)
        transfers += [
            Transfer(BENEFITS_PAYABLE, FEE_ACCRUED, fee_fen, TAKEN_BACK, reference),
            Transfer(BENEFITS_PAYABLE, account, aid_fen, TAKEN_BACK, reference),
            Transfer(FEE_ACCRUED, FEE_INCOME, fee_fen, "fee_received", reference),
            Transfer(PLATFORM_FUNDING, CASH, aid_fen if account == BAD_DEBT else 0, "funding_returned", reference),
        ]
    return [transfer for transfer in transfers if transfer.amount_fen > 0]


def _reference(origin: str) -> str:
    return f"arrears of {origin}"
