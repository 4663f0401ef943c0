"""Ageing of arrears: what members owe of a period, by the days since its deduction. It ties to the journal or fails."""

from collections.abc import Mapping, Sequence
from datetime import date

from pyspark.sql import functions as F

from jobs.collection.allocation import IN_GRACE, LAPSED
from jobs.errors import IntegrityBroken
from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables, matching
from jobs.ledger.journal import BAD_DEBT, MEMBERS_RECEIVABLE, POOL, Transfer, balance_fen, moved_fen
from jobs.register.books import transfers_of
from jobs.register.publications import Publication, published_in, rows_of
from jobs.register.runs import settings_of
from schemas import TABLES

AGEING = TABLES["report/ageing"]
BANDS_DAYS = ((0, 15), (16, 30), (31, 60), (61, None))


def ageing_of(lake: Lake, period: str, deduction_on: date, grace_ends_on: date) -> list[dict]:
    """One row per plan and status with arrears, as of the period's last collection; none before that.

    What is given up at the grace limit grows no older.

    Raises IntegrityBroken where the arrears of a plan are not what its journal says.
    """
    settled, collected = (published_in(lake.small, job, period) for job in ("settle", "collect"))
    if not collected:
        return []
    owing = (
        rows_of(lake, "settled/collections", list(collected.values()))
        .where(F.col("status").isin(IN_GRACE, LAPSED))
        .groupBy("plan_id", "status")
        .agg(F.count(F.lit(1)).alias("member_count"), F.sum(F.expr("due_fen - collected_fen")).alias("arrears_fen"))
        .orderBy("plan_id", "status")
        .collect()
    )
    rows = []
    for row in owing:
        as_of = _as_of(lake, collected[row.plan_id])
        until = as_of if row.status == IN_GRACE else min(as_of, grace_ends_on)
        rows.append(_row(row, collected[row.plan_id], as_of, (until - deduction_on).days))
    _check_ties(period, rows, transfers_of(lake.small, [*(settled[p] for p in collected), *collected.values()]))
    return rows


def write_ageing(small: SmallTables, period: str, rows: Sequence[dict]) -> None:
    """Replaces the period's rows of report/ageing."""
    complete = [{"period": period, **row} for row in rows]
    if rows:
        small.replace(AGEING, complete, matching(period=period), f"report {period}")
    else:
        small.delete(AGEING.name, matching(period=period), f"report {period}")


def debt_days(days: int) -> str:
    """The band of days since the deduction."""
    first, last = next((low, high) for low, high in BANDS_DAYS if high is None or days <= high)
    return f"{first}+ days" if last is None else f"{first}-{last} days"


def _row(owing, publication: Publication, as_of: date, owed_days: int) -> dict:
    in_grace = owing.status == IN_GRACE
    return {
        "plan_id": owing.plan_id,
        "status": owing.status,
        "debt_days": debt_days(owed_days),
        "as_of": as_of,
        "member_count": owing.member_count,
        "owed_fen": owing.arrears_fen if in_grace else 0,
        "written_off_fen": 0 if in_grace else owing.arrears_fen,
        "run_id": publication.run_id,
    }


def _as_of(lake: Lake, publication: Publication) -> date:
    return date.fromisoformat(settings_of(lake.small, publication.run_id)["as_of"])


def _check_ties(period: str, rows: Sequence[dict], transfers: Mapping[str, list[Transfer]]) -> None:
    for plan_id, of_plan in transfers.items():
        in_ledger = {
            "owed_fen": balance_fen(of_plan, MEMBERS_RECEIVABLE),
            "written_off_fen": sum(moved_fen(of_plan, account, MEMBERS_RECEIVABLE) for account in (BAD_DEBT, POOL)),
        }
        for name, ledger_fen in in_ledger.items():
            aged_fen = sum(row[name] for row in rows if row["plan_id"] == plan_id)
            if aged_fen != ledger_fen:
                raise IntegrityBroken(
                    f"Period {period}, plan {plan_id}: the members' arrears give {name} {aged_fen:,}, the journal "
                    f"{ledger_fen:,}. No report was made. Check the storage, collect again, and report this message."
                )
