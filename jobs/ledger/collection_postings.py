"""The transfers of a collection: by day, cash from payers and sponsor, aid paid, fee income, set-offs, write-offs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from jobs.collection.days import CollectionDays
from jobs.ledger.fee import fee_received_fen, sponsored_fee_fen, sponsored_fen_of
from jobs.ledger.journal import (
    BAD_DEBT,
    BENEFITS_PAYABLE,
    CASH,
    FEE_ACCRUED,
    FEE_INCOME,
    GIVEN_UP,
    MEMBERS_RECEIVABLE,
    NETTED_FROM_NEXT,
    PLATFORM_FUNDING,
    POOL,
    RETURNED,
    SPONSOR_RECEIVABLE,
    SUSPENSE,
    Transfer,
)

# By the platform setting `shortfall_borne_by`: the account that bears dues written off.
SHORTFALL_ACCOUNT = {"platform": BAD_DEBT, "next_period": POOL}


@dataclass(frozen=True)
class ReturnedTotals:
    """Money of one plan that was received and returned, in fen by day: the days of the receipts and of their returns.

    `shares_...`: it had met shares. `unapplied_...`: it had been unapplied cash.
    """

    shares_received_fen: Mapping[date, int] = field(default_factory=dict)
    shares_returned_fen: Mapping[date, int] = field(default_factory=dict)
    unapplied_received_fen: Mapping[date, int] = field(default_factory=dict)
    unapplied_returned_fen: Mapping[date, int] = field(default_factory=dict)

    @property
    def days(self) -> set[date]:
        """The days on which any of it moved."""
        return {
            *self.shares_received_fen, *self.shares_returned_fen, *self.unapplied_received_fen,
            *self.unapplied_returned_fen,
        }  # fmt: skip


NOTHING_RETURNED = ReturnedTotals()


@dataclass(frozen=True)
class CollectionTotals:
    """What was collected for one plan and period, in fen. Maps are by day.

    - `collected_fen`: cash allocated to shares. `suspense_fen`: unapplied cash.
    - `helped_due_fen`: the dues of beneficiaries of this period, of each up to his aid; `helped_collected_fen`: the
      part of them that their cash met.
    - `netted_fen`, `netted_from_next_fen`: dues set off at the grace limit, from aid of this and of the next period.
    - `netted_before_fen`: arrears of the previous period set off from this period's aid.
    - `written_off_fen`: dues still unpaid at the grace limit.
    - `returned`: money received and returned, not part of the above.
    """

    collected_fen: Mapping[date, int] = field(default_factory=dict)
    suspense_fen: Mapping[date, int] = field(default_factory=dict)
    helped_collected_fen: Mapping[date, int] = field(default_factory=dict)
    helped_due_fen: int = 0
    netted_fen: int = 0
    netted_from_next_fen: int = 0
    netted_before_fen: int = 0
    written_off_fen: int = 0
    returned: ReturnedTotals = NOTHING_RETURNED


def collection_transfers(
    pool: Mapping[str, int],
    collected: CollectionTotals,
    days: CollectionDays,
    shortfall_borne_by: str,
    taken_over_fen: int = 0,
) -> list[tuple[date, Transfer]]:
    """The transfers of one plan and period up to `days.as_of`, each with its day, in order of days; none is zero.

    `pool`: the row of settled/pools. `shortfall_borne_by`: the platform's setting of that name. `taken_over_fen`: cash
    that plans closed earlier hold in suspense and that this collection books again; its receipt is reversed here, so
    that it counts once. The postings depend on daily totals only, not on how many receipts make them up.
    """
    returned = collected.returned
    cash_days = {*collected.collected_fen, *collected.suspense_fen, *returned.days}
    posted_days = sorted({*cash_days, days.deduction_on, days.grace_ends_on})
    transfers, recognised_fen, paid_fen = [], 0, 0
    for day in [d for d in posted_days if d <= days.as_of]:
        fee_fen = fee_received_fen(pool, _dues_met_fen(collected, day, days))
        aid_fen = _aid_paid_fen(pool, collected, day, days)
        at_grace_limit = int(day == days.grace_ends_on)
        day_transfers = [
            Transfer(CASH, MEMBERS_RECEIVABLE,
                     collected.collected_fen.get(day, 0) + returned.shares_received_fen.get(day, 0), "collected",
                     "settled/collections.collected_fen"),
            Transfer(CASH, SUSPENSE,
                     collected.suspense_fen.get(day, 0) + returned.unapplied_received_fen.get(day, 0), "without_bill",
                     "control/quarantine_receipts.amount_at_stake_fen"),
            Transfer(MEMBERS_RECEIVABLE, CASH, returned.shares_returned_fen.get(day, 0), RETURNED,
                     "source/receipts.amount_fen"),
            Transfer(SUSPENSE, CASH, returned.unapplied_returned_fen.get(day, 0), RETURNED,
                     "source/receipts.amount_fen"),
            Transfer(SUSPENSE, CASH, taken_over_fen * at_grace_limit, "taken_over", "ledger/journal of closed plans"),
            Transfer(BENEFITS_PAYABLE, MEMBERS_RECEIVABLE, collected.netted_fen * at_grace_limit, "netted",
                     "settled/collections.collected_fen"),
            Transfer(BENEFITS_PAYABLE, MEMBERS_RECEIVABLE, collected.netted_from_next_fen * at_grace_limit,
                     NETTED_FROM_NEXT, "settled/collections.collected_fen"),
            Transfer(FEE_ACCRUED, FEE_INCOME, fee_fen - recognised_fen, "fee_received", "ledger/fee.received_fen"),
            Transfer(FEE_INCOME, FEE_ACCRUED, recognised_fen - fee_fen, RETURNED, "ledger/fee.received_fen"),
            Transfer(BENEFITS_PAYABLE, CASH, aid_fen - paid_fen, "aid_paid", "settled/benefits.benefit_fen"),
            *(sponsor_transfers(pool) if day == days.deduction_on else ()),
            *(write_off_transfers(pool, collected.written_off_fen, fee_fen, shortfall_borne_by)
              if at_grace_limit else ()),
        ]  # fmt: skip
        recognised_fen, paid_fen = fee_fen, aid_fen
        transfers += [(day, transfer) for transfer in day_transfers if transfer.amount_fen > 0]
    return transfers


def sponsor_transfers(pool: Mapping[str, int]) -> list[Transfer]:
    """What the platform settles on the deduction day: it pays no fee to itself, and pays the rest of what it sponsors.

    Where the fee exceeds the money that is shared, its sponsored part can exceed what is sponsored; the platform then
    takes the difference out. `sponsor_receivable` is zero afterwards.
    """
    fee_fen = sponsored_fee_fen(pool)
    to_pay_fen = sponsored_fen_of(pool) - fee_fen
    reference = "settled/pools.case_sponsored_fen, member_sponsored_fen"
    return [
        Transfer(FEE_ACCRUED, SPONSOR_RECEIVABLE, fee_fen, "fee_sponsored", "ledger/fee.sponsored_fen"),
        Transfer(CASH, SPONSOR_RECEIVABLE, to_pay_fen, "sponsor_paid", reference),
        Transfer(SPONSOR_RECEIVABLE, CASH, -to_pay_fen, "sponsor_paid", reference),
    ]


def write_off_transfers(
    pool: Mapping[str, int], written_off_fen: int, received_fee_fen: int, shortfall_borne_by: str
) -> list[Transfer]:
    """The write-off of dues at the grace limit, when no due is open any more.

    The fee that is neither sponsored nor received is written off with the dues, up to their amount: it was never
    earned. The rest is aid, charged to the account of `shortfall_borne_by`; the platform pays its part in.
    """
    open_fee_fen = pool["fee_fen"] - sponsored_fee_fen(pool) - received_fee_fen
    fee_fen = min(open_fee_fen, written_off_fen)
    aid_fen = written_off_fen - fee_fen
    account = SHORTFALL_ACCOUNT[shortfall_borne_by]
    funding_fen = aid_fen if account == BAD_DEBT else 0
    return [
        Transfer(FEE_ACCRUED, MEMBERS_RECEIVABLE, fee_fen, GIVEN_UP, "ledger/fee.written_off_fen"),
        Transfer(account, MEMBERS_RECEIVABLE, aid_fen, GIVEN_UP, "settled/collections.due_fen"),
        Transfer(CASH, PLATFORM_FUNDING, funding_fen, "funding", "settled/collections.due_fen"),
    ]


def _dues_met_fen(collected: CollectionTotals, day: date, days: CollectionDays) -> int:
    """The dues met up to and including the day: cash, and from the grace limit on set-offs.

    Money that went back counts between its receipt and its return, but not from the grace limit on, because the due is
    written off on that day.
    """
    cash_fen = _sum_until(collected.collected_fen, day)
    if day >= days.grace_ends_on:
        return cash_fen + collected.netted_fen + collected.netted_from_next_fen
    came_fen = _sum_until(collected.returned.shares_received_fen, day)
    return cash_fen + came_fen - _sum_until(collected.returned.shares_returned_fen, day)


def _sum_until(fen_by_day: Mapping[date, int], day: date) -> int:
    return sum(fen for other_day, fen in fen_by_day.items() if other_day <= day)


def _aid_paid_fen(pool: Mapping[str, int], collected: CollectionTotals, day: date, days: CollectionDays) -> int:
    """The aid paid up to and including the day; none before the deduction day.

    Until the grace limit, the unpaid dues of beneficiaries are held back; from then on, the dues set off. Arrears of
    the previous period that were set off from this aid are never paid out.
    """
    if day < days.deduction_on:
        return 0
    unpaid_fen = collected.helped_due_fen - _sum_until(collected.helped_collected_fen, day)
    held_back_fen = unpaid_fen if day < days.grace_ends_on else collected.netted_fen
    return max(pool["benefit_fen"] - held_back_fen - collected.netted_before_fen, 0)
