"""Ageing of a period's arrears by the days since its deduction. The totals must equal the journal's balances."""

from collections.abc import Mapping, Sequence
from datetime import date

from pyspark.sql import functions as F

from jobs.base.errors import IntegrityBroken
from jobs.collection.set_off_and_lapse import IN_GRACE, LAPSED
from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables, matching
from jobs.ledger.journal import GIVEN_UP, MEMBERS_RECEIVABLE, Transfer, balance_fen, moved_for_fen
from jobs.register.books import transfers_of
from jobs.register.publications import Publication, published_in, rows_of
from jobs.register.runs import settings_of
from schemas import TABLES

AGEING = TABLES["report/ageing"]
BANDS_DAYS = ((0, 15), (16, 30), (31, 60), (61, None))


def ageing_of(lake: Lake, period: str, deduction_on: date, grace_ends_on: date) -> list[dict]:
    """One row per plan and status with arrears, as of the period's last collection; none before the first one.

    Arrears are written off at the end of grace: they are not aged beyond it. Keys: the columns of report/ageing but the
    period. Raises IntegrityBroken if a plan's arrears differ from the balances of its journal.
    """
    settled, collected = (published_in(lake.small, job, period) for job in ("settle", "collect"))
    if not collected:
        return []
    arrears = (
        rows_of(lake, "settled/collections", list(collected.values()))
        .where(F.col("status").isin(IN_GRACE, LAPSED))
        .groupBy("plan_id", "status")
        .agg(F.count(F.lit(1)).alias("member_count"), F.sum(F.expr("due_fen - collected_fen")).alias("arrears_fen"))
        .orderBy("plan_id", "status")
        .collect()
    )
    rows = []
    for row in arrears:
        as_of = _as_of(lake, collected[row.plan_id])
        aged_until = as_of if row.status == IN_GRACE else min(as_of, grace_ends_on)
        rows.append(_row(row, settled[row.plan_id], as_of, (aged_until - deduction_on).days))
    _check_journal(period, rows, transfers_of(lake.small, [*(settled[p] for p in collected), *collected.values()]))
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


def _row(arrears, settlement: Publication, as_of: date, age_days: int) -> dict:
    """`settlement`: its run identifies the row, as in the other reports of the period."""
    in_grace = arrears.status == IN_GRACE
    return {
        "plan_id": arrears.plan_id,
        "status": arrears.status,
        "debt_days": debt_days(age_days),
        "as_of": as_of,
        "member_count": arrears.member_count,
        "owed_fen": arrears.arrears_fen if in_grace else 0,
        "written_off_fen": 0 if in_grace else arrears.arrears_fen,
        "run_id": settlement.run_id,
    }


def _as_of(lake: Lake, publication: Publication) -> date:
    return date.fromisoformat(settings_of(lake.small, publication.run_id)["as_of"])


def _check_journal(period: str, rows: Sequence[dict], transfers_by_plan: Mapping[str, list[Transfer]]) -> None:
    for plan_id, transfers in transfers_by_plan.items():
        booked = {
            "owed_fen": balance_fen(transfers, MEMBERS_RECEIVABLE),
            "written_off_fen": moved_for_fen(transfers, GIVEN_UP),
        }
        for name, booked_fen in booked.items():
            aged_fen = sum(row[name] for row in rows if row["plan_id"] == plan_id)
            if aged_fen != booked_fen:
                raise IntegrityBroken(
                    f"Period {period}, plan {plan_id}: the members' arrears give {name} {aged_fen:,}, the journal "
                    f"{booked_fen:,}. No report was made. Check the storage, collect again, and report this message."
                )
