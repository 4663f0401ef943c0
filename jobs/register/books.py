"""The books of a lake: the transfers posted by publications, and the fee of each plan and period."""

from collections.abc import Collection, Mapping

from jobs.lake.small import SmallTables, matching
from jobs.ledger.fee import fee_row
from jobs.ledger.journal import Transfer
from jobs.register.publications import Publication, corrections, few_rows_of
from schemas import TABLES

FEE = TABLES["ledger/fee"]


def transfers_of(small: SmallTables, publications: Collection[Publication]) -> dict[str, list[Transfer]]:
    """The transfers posted by the publications, by plan."""
    transfers: dict[str, list[Transfer]] = {p.plan_id: [] for p in publications}
    for row in few_rows_of(small, "ledger/journal", publications):
        transfers[row["plan_id"]].append(Transfer(*(row[name] for name in Transfer._fields)))
    return transfers


def fees_of(small: SmallTables, settled: Collection[Publication], later: Collection[Publication]) -> dict[str, dict]:
    """One row of ledger/fee per plan, from the transfers of its settlement, of the corrections into the period, and of
    later publications of it."""
    corrected = [
        act for act in corrections(small) if (act.period, act.plan_id) in {(p.period, p.plan_id) for p in settled}
    ]
    transfers = transfers_of(small, [*settled, *corrected, *later])
    pools = few_rows_of(small, "settled/pools", settled)
    return {pool["plan_id"]: fee_row(transfers[pool["plan_id"]], pool["brought_forward_fen"]) for pool in pools}


def replace_fee(small: SmallTables, period: str, run_id: str, fees: Mapping[str, dict]) -> None:
    """Replaces the plans' rows of ledger/fee for the period. Every job that moves money calls it."""
    rows = [{"period": period, "plan_id": p, "run_id": run_id, **row} for p, row in fees.items()]
    small.replace(FEE, rows, matching(period=period, plan_id=list(fees)), run_id)
