"""Returned receipts of a collection: the receipts less what went back."""

from dataclasses import dataclass, replace
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.collection.days import CollectionDays
from jobs.collection.finality import unspent_receipts
from jobs.collection.returns import RETURNED_TOO_MUCH, TakenBack, parts_by_account, take_back
from jobs.gate.receipts import ReceiptGate
from jobs.ledger.collection_postings import ReturnedTotals
from jobs.works.final_positions import FinalPositions
from jobs.works.late_returns import AFTER_CLOSE


@dataclass(frozen=True)
class NetReceipts:
    """A period's receipts less what went back.

    `received`: the receipts with the amounts received. `parts`: the returned money (from `take_back`), None
    if nothing did.
    """

    gate: ReceiptGate
    received: DataFrame
    parts: DataFrame | None = None

    def with_whole_amounts(self, excess: DataFrame) -> DataFrame:
        """Unapplied cash (rows of `unapplied_cash`) with the full amounts of the receipts."""
        amounts = self.received.select("receipt_id", "amount_fen")
        return excess.drop("amount_fen").join(amounts, "receipt_id").select(*excess.columns)


def net_of_returns(gate: ReceiptGate, days: CollectionDays, final: FinalPositions) -> NetReceipts:
    """The receipts of the gate, less what returns take back; returns of more than was received are held.

    Money in final shares cannot be returned: that part of a return is held, as after the close.
    """
    received = gate.in_time.unionByName(gate.late)
    if not gate.returned_count:
        return NetReceipts(gate, received)
    unspent = unspent_receipts(gate.in_time, final.allocated_by_payer()) if final else gate.in_time
    matched = take_back(unspent, gate.late, gate.returned, days.grace_ends_on)
    taken = TakenBack(matched.parts.localCheckpoint(), matched.excess.localCheckpoint())
    in_time, late = (
        taken.less_returned(rows, is_late).localCheckpoint()
        for rows, is_late in ((gate.in_time, False), (gate.late, True))
    )
    reason = F.lit(RETURNED_TOO_MUCH)
    if final:
        spent = final.allocated_by_payer().select("payer_id", F.lit(True).alias("is_final"))
        excess = taken.excess.join(spent, "payer_id", "left")
        reason = F.when(F.coalesce("is_final", F.lit(False)), F.lit(AFTER_CLOSE)).otherwise(reason)
    else:
        excess = taken.excess
    held = excess.withColumns({"reasons": F.array(reason), "amount_at_stake_fen": F.col("excess_fen")})
    held = held.select(*gate.unsound.columns).localCheckpoint()
    counts = {row.reason: row["count"] for row in held.groupBy(F.col("reasons")[0].alias("reason")).count().collect()}
    net = replace(
        gate,
        in_time=in_time,
        late=late,
        unsound=gate.unsound.unionByName(held),
        broken={**gate.broken, **counts},
        held_count=gate.held_count + sum(counts.values()),
        in_time_fen=_total_fen(in_time),
        late_fen=_total_fen(late),
    )
    return NetReceipts(net, received, taken.parts)


def returned_by_plan(parts: DataFrame | None, shares: DataFrame, first_plan_id: str) -> dict[str, ReturnedTotals]:
    """By plan, the money that went back (`parts`), by the account that it had been booked in."""
    if parts is None:
        return {}
    fen: dict[tuple[str, bool, bool], dict[date, int]] = {}
    for row in parts_by_account(parts, shares, first_plan_id).collect():
        fen.setdefault((row.plan_id, row.is_share, row.is_return), {})[row.attempted_on] = row.fen
    return {
        plan_id: ReturnedTotals(
            shares_received_fen=fen.get((plan_id, True, False), {}),
            shares_returned_fen=fen.get((plan_id, True, True), {}),
            unapplied_received_fen=fen.get((plan_id, False, False), {}),
            unapplied_returned_fen=fen.get((plan_id, False, True), {}),
        )
        for plan_id in sorted({plan_id for plan_id, _, _ in fen})
    }


def _total_fen(receipts: DataFrame) -> int:
    return receipts.agg(F.sum("amount_fen")).first()[0] or 0
