"""The few rows that explain a member's period or year: each table is asked once, for all plans, by partition and id."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC
from zoneinfo import ZoneInfo

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.errors import Refused
from jobs.explaining.explanation import Known
from jobs.explaining.few_rows import FewRows, side_by_side
from jobs.lake.lake import Lake
from jobs.lake.sources import versions_read
from jobs.pipeline.request import PeriodRequest, Request
from jobs.register.publications import Publication
from jobs.rulebook.calendar import Period
from jobs.settlement.assessments import YEARLY_CAP

COLLECTED = ("status", "collected_fen", "collected_on")


class PublishedRows:
    """What is published in a lake, read member by member. `files_read`: data files opened so far, by table."""

    def __init__(self, request: Request, lake: Lake):
        self.request, self.lake, self._few = request, lake, FewRows(lake)
        in_force = self._few.in_force("settle", "collect")
        self.settled, self.collected = in_force["settle"], in_force["collect"]

    @property
    def files_read(self) -> dict[str, int]:
        return dict(sorted(self._few.files_read.items()))

    def plans_of(self, period: Period) -> dict[str, Publication]:
        """The period's settlements in force, by plan; raises Refused where there is none."""
        found = {p: pub for (of, p), pub in sorted(self.settled.items()) if of == str(period)}
        if not found:
            raise Refused(
                f"Period {period}: nothing of it is published. Nothing was explained. Settle it first; "
                "`fentan status` shows what is settled."
            )
        return found

    def known(self, request: PeriodRequest, publications: dict[str, Publication], member_id: int) -> list[Known]:
        """What the tables hold of the member in each of the plans settled in the period."""
        settled = list(publications.values())
        of_member = F.col("member_id") == member_id
        collected = [p for p in (self.collected.get((p.period, p.plan_id)) for p in settled) if p]
        of_plans = [p for p in self.collected.values() if p.plan_id in publications]
        few = self._few
        found = side_by_side({
            "spells": lambda: self._spells(publications, of_member),
            "assessments": lambda: few.published("settled/assessments", settled, of_member),
            "held": lambda: few.now("control/quarantine_members", of_member),
            "benefits": lambda: few.published("settled/benefits", settled, None, "member_id", "counted", "marker"),
            "pools": lambda: few.published("settled/pools", settled),
            "rates": lambda: few.published("settled/rates", settled),
            "collections": lambda: few.published("settled/collections", collected, of_member),
            "lapses": lambda: few.published("settled/lapses", of_plans, of_member),
        })  # fmt: skip
        payers = sorted({row["payer_id"] for row in found["assessments"]})
        of_payers = F.col("payer_id").isin(*payers)
        found["bills"] = few.published("settled/bills", settled, of_payers) if payers else []
        return [self._known_of(request, plan_id, member_id, found) for plan_id in sorted(publications)]

    def year(self, year: int, id_column: str, number: int) -> list[dict]:
        """The assessments of a member, or of all whom a payer pays for, in a calendar year, with what was collected."""
        of_year = {p.plan_id for (of, _), p in self.settled.items() if of.startswith(f"{year:04d}-")}
        if not of_year:
            raise Refused(f"Year {year}: nothing of it is published. Nothing was explained. Settle its periods first.")
        settled = [p for (of, _), p in self.settled.items() if of.startswith(f"{year:04d}-")]
        assessments = self._few.published("settled/assessments", settled, F.col(id_column) == number)
        keys = {(row["period"], row["plan_id"]) for row in assessments}
        collected = [p for key, p in self.collected.items() if key in keys]
        of_members = F.col("member_id").isin(*sorted({row["member_id"] for row in assessments}))
        paid = {_key(row): row for row in self._few.published("settled/collections", collected, of_members)}
        for row in assessments:
            row |= {name: paid.get(_key(row), {}).get(name) for name in COLLECTED}
        return sorted(assessments, key=_key)

    def _spells(self, publications: dict[str, Publication], of_member: Column) -> list[dict]:
        """His rows of source/members, each plan's at the version its settlement read."""
        runs = {p.run_id for p in publications.values()}
        versions = {run_id: versions_read(self.lake, run_id)["source/members"] for run_id in runs}
        by_version: dict[int, list[str]] = {}
        for plan_id, publication in sorted(publications.items()):
            by_version.setdefault(versions[publication.run_id], []).append(plan_id)
        rows = []
        for version, plan_ids in by_version.items():
            rows += self._few.source("source/members", version, F.col("plan_id").isin(*plan_ids) & of_member)
        return rows

    def _known_of(self, request: PeriodRequest, plan_id: str, member_id: int, found: dict[str, list[dict]]) -> Known:
        of_plan = {name: [row for row in rows if row["plan_id"] == plan_id] for name, rows in found.items()}
        lapses, benefits, assessment = of_plan["lapses"], of_plan["benefits"], _one(of_plan["assessments"])
        capped = assessment is not None and assessment["marker"] == YEARLY_CAP
        return Known(
            plan=request.platform.plans[plan_id],
            period=str(request.period),
            publicity_on=request.publicity_on,
            spells=[spell for spell in of_plan["spells"] if spell["joined_on"] is not None],
            held=[row for row in of_plan["held"] if row["joined_on"] is not None],
            lapsed_on=[self._local_day(lapse["ended_at"]) for lapse in lapses],
            pool=_one(of_plan["pools"]),
            rates=of_plan["rates"],
            claims_by_marker=Counter(row["marker"] for row in benefits),
            borne_fen=self._borne_fen(request, plan_id, member_id) if capped else 0,
            helped=any(row["counted"] and row["member_id"] == member_id for row in benefits),
            assessment=assessment,
            collection=_one(of_plan["collections"]),
            bill=_one([row for row in of_plan["bills"] if assessment and row["payer_id"] == assessment["payer_id"]]),
            lapses=[lapse for lapse in lapses if lapse["period"] == str(request.period)],
        )

    def _borne_fen(self, request: PeriodRequest, plan_id: str, member_id: int) -> int:
        """What the member owed earlier in the year: asked for only where the yearly cap binds."""
        earlier = {str(period) for period in request.platform.calendar.earlier_in_year(request.period)}
        of_year = [p for (of, plan), p in self.settled.items() if plan == plan_id and of in earlier]
        rows = self._few.published("settled/assessments", of_year, F.col("member_id") == member_id)
        return sum(row["due_fen"] for row in rows)

    def _local_day(self, ended_at):
        return ended_at.replace(tzinfo=UTC).astimezone(ZoneInfo(self.request.platform.time_zone)).date()


def _key(row: dict) -> tuple[str, str, int]:
    return row["period"], row["plan_id"], row["member_id"]


def _one(rows: list[dict]) -> dict | None:
    return rows[0] if rows else None


def plans_to_explain(known: Iterable[Known]) -> list[Known]:
    """The plans in which there is something to say: a membership, or a row held back."""
    return [of_plan for of_plan in known if of_plan.spells or of_plan.held or of_plan.assessment]
