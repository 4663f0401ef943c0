"""The books of a lake: the transfers that publications posted, and the fee of each plan's period."""

from collections.abc import Collection, Mapping

from jobs.lake.small import SmallTables, matching
from jobs.ledger.fee import fee_row
from jobs.ledger.journal import Transfer
from jobs.register.publications import Publication, few_rows_of
from schemas import TABLES

FEE = TABLES["ledger/fee"]


def transfers_of(small: SmallTables, publications: Collection[Publication]) -> dict[str, list[Transfer]]:
    """The transfers that the publications posted, by plan."""
    transfers: dict[str, list[Transfer]] = {p.plan_id: [] for p in publications}
    for row in few_rows_of(small, "ledger/journal", publications):
        transfers[row["plan_id"]].append(Transfer(*(row[name] for name in Transfer._fields)))
    return transfers


def fees_of(small: SmallTables, settled: Collection[Publication], later: Collection[Publication]) -> dict[str, dict]:
    """The fee of each plan by all that was posted: by its settlement, and by the publications that came later."""
    transfers = transfers_of(small, [*settled, *later])
    pools = few_rows_of(small, "settled/pools", settled)
    return {pool["plan_id"]: fee_row(transfers[pool["plan_id"]], pool["brought_forward_fen"]) for pool in pools}


def replace_fee(small: SmallTables, period: str, run_id: str, fees: Mapping[str, dict]) -> None:
    """Puts the plans' fees, one row for each, in the place of those the period has: each job that moves money
    does so."""
    rows = [{"period": period, "plan_id": p, "run_id": run_id, **row} for p, row in fees.items()]
    small.replace(FEE, rows, matching(period=period, plan_id=list(fees)), run_id)
