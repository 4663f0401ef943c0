"""The few rows that explain one member's period or year.

Fast at any size: tables are filtered by period and plan (partitions) and by member_id or payer_id, on which the files'
smallest and largest values are kept; files that cannot hold the member are not opened.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC
from zoneinfo import ZoneInfo

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.errors import Refused
from jobs.lake.lake import Lake
from jobs.lake.publications import Publication, published, rows_of
from jobs.lake.runs import input_versions_of
from jobs.lake.sources import read_source
from jobs.request import PeriodRequest, Request
from jobs.settlement.calendar import Period
from jobs.settlement.explanation import Known


class Books:
    """What is published in a lake, read member by member."""

    def __init__(self, request: Request, lake: Lake):
        self.request, self.lake = request, lake
        self.settled, self.collected = published(lake, "settle"), published(lake, "collect")

    def plans_of(self, period: Period) -> dict[str, Publication]:
        """The period's settlements in force, by plan; raises Refused where there is none."""
        found = {p: pub for (of, p), pub in sorted(self.settled.items()) if of == str(period)}
        if not found:
            raise Refused(
                f"Period {period}: nothing of it is published. Nothing was explained. Settle it first; "
                "`fentan status` shows what is settled."
            )
        return found

    def known(self, request: PeriodRequest, plan_id: str, member_id: int) -> Known:
        """What the tables hold of the member in the plan and period."""
        publication = self.settled[str(request.period), plan_id]
        of_member = F.col("member_id") == member_id
        version = input_versions_of(self.lake, publication.run_id)["source/members"]
        mine = of_member & (F.col("plan_id") == plan_id)
        spells = _dicts(read_source(self.lake, "source/members", version).where(mine))
        held = _dicts(self.lake.read_or_empty("control/quarantine_members").where(mine))
        lapses = self._lapses(plan_id, of_member)
        assessment = _one(self._rows("settled/assessments", [publication], of_member))
        benefits = self._rows("settled/benefits", [publication])
        markers = Counter(row.marker for row in benefits.select("marker").collect())
        helped = not benefits.where(of_member & F.col("counted")).isEmpty()
        payer_id = assessment["payer_id"] if assessment else None
        collected = [p for p in [self.collected.get((str(request.period), plan_id))] if p]
        return Known(
            plan=request.platform.plans[plan_id],
            period=str(request.period),
            publicity_on=request.publicity_on,
            spells=[spell for spell in spells if spell["joined_on"] is not None],
            held=[row for row in held if row["joined_on"] is not None],
            lapsed_on=[self._local_day(lapse["ended_at"]) for lapse in lapses],
            pool=_one(self._rows("settled/pools", [publication])),
            rates=_dicts(self._rows("settled/rates", [publication])),
            claims_by_marker=markers,
            borne_fen=self._borne_fen(request, plan_id, of_member),
            helped=helped,
            assessment=assessment,
            collection=_one(self._rows("settled/collections", collected, of_member)),
            bill=_one(self._rows("settled/bills", [publication], F.col("payer_id") == payer_id))
            if assessment
            else None,
            lapses=[lapse for lapse in lapses if lapse["period"] == str(request.period)],
        )

    def year(self, year: int, id_column: str, number: int) -> list[dict]:
        """The published assessments of a member, or the bills of a payer, in a calendar year, with what was collected."""
        settled = [p for (of, _), p in self.settled.items() if of.startswith(f"{year:04d}-")]
        collected = [p for (of, _), p in self.collected.items() if of.startswith(f"{year:04d}-")]
        if not settled:
            raise Refused(f"Year {year}: nothing of it is published. Nothing was explained. Settle its periods first.")
        mine = F.col(id_column) == number
        assessments = _dicts(self._rows("settled/assessments", settled, mine))
        members = [row["member_id"] for row in assessments]
        paid = _dicts(self._rows("settled/collections", collected, F.col("member_id").isin(*members)))
        by_key = {(row["period"], row["plan_id"], row["member_id"]): row for row in paid}
        for row in assessments:
            found = by_key.get((row["period"], row["plan_id"], row["member_id"]), {})
            row |= {name: found.get(name) for name in ("status", "collected_fen", "collected_on")}
        return sorted(assessments, key=lambda row: (row["period"], row["plan_id"], row["member_id"]))

    def _rows(self, table: str, publications: list[Publication], where: Column | None = None) -> DataFrame:
        rows = self.lake.read_or_empty(table)
        rows = rows if where is None else rows.where(where)
        if not publications:
            return rows.limit(0)
        plans = sorted({p.plan_id for p in publications})
        return rows_of(self.lake, table, publications, rows.where(F.col("plan_id").isin(*plans)))

    def _lapses(self, plan_id: str, of_member: Column) -> list[dict]:
        of_plan = [p for (_, plan), p in self.collected.items() if plan == plan_id]
        return _dicts(self._rows("settled/lapses", of_plan, of_member)) if of_plan else []

    def _borne_fen(self, request: PeriodRequest, plan_id: str, of_member: Column) -> int:
        earlier = {str(period) for period in request.platform.calendar.earlier_in_year(request.period)}
        of_year = [p for (of, plan), p in self.settled.items() if plan == plan_id and of in earlier]
        rows = _dicts(self._rows("settled/assessments", of_year, of_member)) if of_year else []
        return sum(row["due_fen"] for row in rows)

    def _local_day(self, ended_at):
        return ended_at.replace(tzinfo=UTC).astimezone(ZoneInfo(self.request.platform.time_zone)).date()


def _dicts(rows: DataFrame) -> list[dict]:
    return [row.asDict() for row in rows.collect()]


def _one(rows: DataFrame) -> dict | None:
    found = _dicts(rows.limit(2))
    return found[0] if found else None


def plans_to_explain(known: Iterable[Known]) -> list[Known]:
    """The plans in which there is something to say: a membership, or a row held back."""
    return [of_plan for of_plan in known if of_plan.spells or of_plan.held or of_plan.assessment]
