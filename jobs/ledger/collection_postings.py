"""Transfers of a collection: day by day what came in, what was paid, what was given up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from jobs.collection.allocation import CollectionDays
from jobs.ledger.fee import sponsored_part_fen
from jobs.ledger.journal import (
    BAD_DEBT,
    BENEFITS_PAYABLE,
    CASH,
    FEE_ACCRUED,
    FEE_INCOME,
    GIVEN_UP,
    MEMBERS_RECEIVABLE,
    NETTED_FROM_NEXT,
    POOL,
    SUSPENSE,
    Transfer,
)
from jobs.money import pro_rata

SHORTFALL_ACCOUNT = {"platform": BAD_DEBT, "next_period": POOL}


@dataclass(frozen=True)
class CollectionTotals:
    """What a plan's period collected, in fen. Maps are by day.

    `collected_fen`: money that met shares; `suspense_fen`: money that met none; `helped_collected_fen`: money that met
    shares of people helped in the period, whose dues come to `helped_due_fen`, of which `netted_fen` are netted from
    the aid at the grace limit; `netted_from_next_fen`: dues netted then from aid of the next period;
    `netted_before_fen`: what the previous period netted from this one's aid; `given_up_fen`: dues without money at the
    grace limit.
    """

    collected_fen: Mapping[date, int] = field(default_factory=dict)
    suspense_fen: Mapping[date, int] = field(default_factory=dict)
    helped_collected_fen: Mapping[date, int] = field(default_factory=dict)
    helped_due_fen: int = 0
    netted_fen: int = 0
    netted_from_next_fen: int = 0
    netted_before_fen: int = 0
    given_up_fen: int = 0


def collection_transfers(
    pool: Mapping[str, int],
    collected: CollectionTotals,
    days: CollectionDays,
    shortfall_borne_by: str,
    taken_over_fen: int = 0,
) -> list[tuple[date, Transfer]]:
    """The transfers of one plan's period, each with its day, in order of days; a movement of nothing is not posted.

    They follow from the whole of what came in, not from how it came: the same money in more pieces posts the same.
    `taken_over_fen`: money that the books of plans closed before hold in suspense: it came in there, and not again.
    """
    posted_days = sorted({*collected.collected_fen, *collected.suspense_fen, days.deduction_on, days.grace_ends_on})
    transfers, recognised_fen, paid_fen = [], 0, 0
    for day in [d for d in posted_days if d <= days.as_of]:
        fee_fen = fee_received_fen(pool, _met_until_fen(collected, day, days))
        aid_fen = _aid_paid_fen(pool, collected, day, days)
        at_the_limit = int(day == days.grace_ends_on)
        of_day = [
            Transfer(CASH, MEMBERS_RECEIVABLE, collected.collected_fen.get(day, 0), "collected",
                     "settled/collections.collected_fen"),
            Transfer(CASH, SUSPENSE, collected.suspense_fen.get(day, 0), "without_bill",
                     "control/quarantine_receipts.amount_at_stake_fen"),
            Transfer(SUSPENSE, CASH, taken_over_fen * at_the_limit, "taken_over", "ledger/journal of closed plans"),
            Transfer(BENEFITS_PAYABLE, MEMBERS_RECEIVABLE, collected.netted_fen * at_the_limit, "netted",
                     "settled/collections.collected_fen"),
            Transfer(BENEFITS_PAYABLE, MEMBERS_RECEIVABLE, collected.netted_from_next_fen * at_the_limit,
                     NETTED_FROM_NEXT, "settled/collections.collected_fen"),
            Transfer(FEE_ACCRUED, FEE_INCOME, fee_fen - recognised_fen, "fee_received", "ledger/fee.received_fen"),
            Transfer(BENEFITS_PAYABLE, CASH, aid_fen - paid_fen, "aid_paid", "settled/benefits.benefit_fen"),
            Transfer(SHORTFALL_ACCOUNT[shortfall_borne_by], MEMBERS_RECEIVABLE,
                     collected.given_up_fen * at_the_limit, GIVEN_UP, "settled/collections.due_fen"),
        ]  # fmt: skip
        recognised_fen, paid_fen = fee_fen, aid_fen
        transfers += [(day, transfer) for transfer in of_day if transfer.amount_fen > 0]
    return transfers


def fee_received_fen(pool: Mapping[str, int], received_fen: int) -> int:
    """The part of the fee that is received once so much of the dues is in.

    fee x (brought forward + received) / (due + sponsored + brought forward), rounded down; all that is not borne by the
    platform once all dues are in. Source: the fee is income only when it is received.
    """
    borne_fen = pool["case_sponsored_fen"] + pool["member_sponsored_fen"]
    whole_fen = pool["due_fen"] + borne_fen + pool["brought_forward_fen"]
    if received_fen >= pool["due_fen"]:
        brought_fen = pool["brought_forward_fen"]
        return pool["fee_fen"] - sponsored_part_fen(pool["fee_fen"], borne_fen, pool["due_fen"], brought_fen)
    return pro_rata(pool["fee_fen"], max(pool["brought_forward_fen"] + received_fen, 0), whole_fen)


def _met_until_fen(collected: CollectionTotals, day: date, days: CollectionDays) -> int:
    netted_fen = collected.netted_fen + collected.netted_from_next_fen if day >= days.grace_ends_on else 0
    return netted_fen + sum(fen for on, fen in collected.collected_fen.items() if on <= day)


def _aid_paid_fen(pool: Mapping[str, int], collected: CollectionTotals, day: date, days: CollectionDays) -> int:
    """Aid is paid from the deduction day on; what a helped member still owes is held back until it is met or netted.

    What the arrears of the previous period took from the aid is not paid.
    """
    if day < days.deduction_on:
        return 0
    met_fen = sum(fen for on, fen in collected.helped_collected_fen.items() if on <= day)
    held_back_fen = collected.helped_due_fen - met_fen if day < days.grace_ends_on else collected.netted_fen
    return max(pool["benefit_fen"] - held_back_fen - collected.netted_before_fen, 0)
