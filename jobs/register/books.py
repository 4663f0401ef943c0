"""The ledger's rows: the transfers that publications posted, and the fee of each plan's period."""

from collections.abc import Collection, Mapping

from jobs.lake.lake import Lake, any_of
from jobs.lake.sinks import Measuring
from jobs.ledger.journal import Transfer
from jobs.register.publications import Publication, rows_of
from jobs.register.runs import Run
from schemas import TABLES

FEE = TABLES["ledger/fee"]


def transfers_of(lake: Lake, publications: Collection[Publication]) -> dict[str, list[Transfer]]:
    """The transfers that the publications posted, by plan."""
    found: dict[str, list[Transfer]] = {p.plan_id: [] for p in publications}
    if not found:
        return found
    for row in rows_of(lake, "ledger/journal", publications).select("plan_id", *Transfer._fields).collect():
        found[row.plan_id].append(Transfer(*(row[name] for name in Transfer._fields)))
    return found


def fee_digests(lake: Lake, run: Run, fees: Mapping[str, dict]) -> dict[str, dict]:
    """The digest of each plan's row."""
    measured = Measuring(lake, run.period, fees, run.run_id).put_rows({FEE.name: {p: [row] for p, row in fees.items()}})
    return {p: of_plan.digest for p, of_plan in measured[FEE.name].items()}


def fee_run_ids(lake: Lake, period: str, plan_ids: Collection[str]) -> set[str]:
    """The runs that the rows of the plans' period are of."""
    rows = lake.read(FEE.name).where(_of(period, plan_ids)).select("run_id").distinct()
    return {row.run_id for row in rows.collect()}


def replace_fee(lake: Lake, period: str, run_id: str, fees: Mapping[str, dict]) -> None:
    """Puts the plans' fees, one row for each, in the place of those the period has: each job that moves money
    does so."""
    rows = [{"period": period, "plan_id": p, "run_id": run_id, **row} for p, row in fees.items()]
    lake.overwrite(FEE, lake.frame(FEE, rows).coalesce(1), _of(period, fees), run_id)


def _of(period: str, plan_ids: Collection[str]) -> str:
    return f"period = '{period}' and {any_of('plan_id', plan_ids)}"
