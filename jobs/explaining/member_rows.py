"""The few rows that explain a member's period or year: each table is asked once, for all plans, by partition and id."""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from jobs.errors import Refused
from jobs.explaining.known import MemberFacts, shares_of
from jobs.lake.small import SmallTables, matching
from jobs.pipeline.request import PeriodRequest, Request
from jobs.register.inputs import versions_read
from jobs.register.publications import Publication, few_rows_of, in_force
from jobs.rulebook.calendar import Period
from jobs.settlement.one_fen_more import choice_key, count_before
from schemas import TABLES

COLLECTED = ("status", "collected_fen", "collected_on")


class PublishedRows:
    """What is published in a lake, read member by member, without Java. A query names partitions (period, plan_id) and
    an id: files that cannot hold the id are not opened. `files_read`: data files opened so far, by table."""

    def __init__(self, request: Request, small: SmallTables):
        self.request, self._small = request, small
        acts = small.rows("control/publications")
        self.settled, self.collected = (in_force(acts, job) for job in ("settle", "collect"))
        self._published_at = {
            (act["job"], act["period"], act["plan_id"], act["revision"]): act["published_at"]
            for act in sorted(acts, key=lambda act: act["published_at"])
        }

    @property
    def files_read(self) -> dict[str, int]:
        return dict(sorted(self._small.files_read.items()))

    def plans_of(self, period: Period) -> dict[str, Publication]:
        """The period's settlements in force, by plan; raises Refused where there is none."""
        settled = {p: act for (of, p), act in self.settled.items() if of == str(period)}
        if not settled:
            raise Refused(
                f"Period {period}: nothing of it is published. Nothing was explained. Settle it first; "
                "`fentan status` shows what is settled."
            )
        return settled

    def known(self, request: PeriodRequest, publications: dict[str, Publication], member_id: int) -> list[MemberFacts]:
        """What the tables hold of the member in each of the plans settled in the period."""
        small, settled = self._small, list(publications.values())
        of_member = matching(member_id=member_id)
        collected = [p for p in (self.collected.get((p.period, p.plan_id)) for p in settled) if p]
        of_plans = [p for p in self.collected.values() if p.plan_id in publications]
        before, of_year = self._before(request, publications), self._earlier_in_year(request, publications)
        found = {
            "spells": self._spells(publications, member_id),
            "assessments": few_rows_of(small, "settled/assessments", [*settled, *of_year], of_member),
            "held": self._held([p.run_id for p in settled], member_id),
            "benefits": few_rows_of(small, "settled/benefits", settled),
            "pools": few_rows_of(small, "settled/pools", [*settled, *before.values()]),
            "rates": few_rows_of(small, "settled/rates", settled),
            "collections": few_rows_of(small, "settled/collections", collected, of_member),
            "lapses": few_rows_of(small, "settled/lapses", of_plans, of_member),
        }
        payers = {row["payer_id"] for row in found["assessments"] if row["period"] == str(request.period)}
        found["bills"] = few_rows_of(small, "settled/bills", settled, matching(payer_id=payers)) if payers else []
        return [self._known_of(request, publications[plan_id], member_id, found) for plan_id in sorted(publications)]

    def year(self, year: int, id_column: str, number: int) -> list[dict]:
        """The assessments of a member, or of all whom a payer pays for, in a calendar year, with what was collected."""
        of_year = {p.plan_id for (of, _), p in self.settled.items() if of.startswith(f"{year:04d}-")}
        if not of_year:
            raise Refused(f"Year {year}: nothing of it is published. Nothing was explained. Settle its periods first.")
        settled = [p for (of, _), p in self.settled.items() if of.startswith(f"{year:04d}-")]
        assessments = few_rows_of(self._small, "settled/assessments", settled, matching(**{id_column: number}))
        keys = {(row["period"], row["plan_id"]) for row in assessments}
        collected = [p for key, p in self.collected.items() if key in keys]
        of_members = matching(member_id={row["member_id"] for row in assessments})
        paid = {_key(row): row for row in few_rows_of(self._small, "settled/collections", collected, of_members)}
        for row in assessments:
            row |= {name: paid.get(_key(row), {}).get(name) for name in COLLECTED}
        return sorted(assessments, key=_key)

    def _spells(self, publications: dict[str, Publication], member_id: int) -> list[dict]:
        """His rows of source/members, each plan's at the version its settlement read."""
        runs = {p.run_id for p in publications.values()}
        versions = {run_id: versions_read(self._small, run_id)["source/members"] for run_id in runs}
        by_version: dict[int, list[str]] = {}
        for plan_id, publication in sorted(publications.items()):
            by_version.setdefault(versions[publication.run_id], []).append(plan_id)
        columns = TABLES["source/members"].column_names
        rows = []
        for version, plan_ids in by_version.items():
            where = matching(plan_id=plan_ids, member_id=member_id)
            rows += self._small.rows("source/members", where, columns, version)
        return rows

    def _held(self, run_ids: Iterable[str], member_id: int) -> list[dict]:
        """His rows of the quarantine as each of the runs left them: a later run's are others.

        Every commit names its run. A run without a commit held nothing of its plans, and found nothing held.
        """
        name, rows = "control/quarantine_members", []
        for run_id, version in self._small.versions_by_run(name, run_ids).items():
            rows += self._small.rows(name, matching(run_id=run_id, member_id=member_id), version=version)
        return rows

    def _known_of(
        self, request: PeriodRequest, settled: Publication, member_id: int, found: dict[str, list[dict]]
    ) -> MemberFacts:
        plan_id, period = settled.plan_id, str(request.period)
        of_plan = {name: [row for row in rows if row["plan_id"] == plan_id] for name, rows in found.items()}
        of_period = {name: [row for row in of_plan[name] if row["period"] == period] for name in (
            "assessments", "pools", "rates", "lapses")}  # fmt: skip
        assessment, (pool,) = _one(of_period["assessments"]), of_period["pools"]
        known_then = lambda lapse: self._was_published_by(settled, lapse["period"])  # noqa: E731
        lapsed = [(self._local_day(lapse["ended_at"]), known_then(lapse)) for lapse in of_plan["lapses"]]
        return MemberFacts(
            plan=request.platform.plans[plan_id],
            period=period,
            publicity_on=request.publicity_on,
            spells=[spell for spell in of_plan["spells"] if spell["joined_on"] is not None],
            held=[row for row in of_plan["held"] if row["joined_on"] and row["run_id"] == settled.run_id],
            lapsed_on=[day for day, was_known in lapsed if was_known],
            lapsed_since=[day for day, was_known in lapsed if not was_known],
            pool=pool,
            rates=of_period["rates"],
            benefits=of_plan["benefits"],
            brought_forward_fen=self._brought_forward_fen(request, of_plan["pools"]),
            borne_fen=sum(row["due_fen"] for row in of_plan["assessments"] if row["period"] != period),
            members_before=self._members_before(request, settled, member_id, of_period),
            helped=any(row["counted"] and row["member_id"] == member_id for row in of_plan["benefits"]),
            assessment=assessment,
            collection=_one(of_plan["collections"]),
            bill=_one([row for row in of_plan["bills"] if assessment and row["payer_id"] == assessment["payer_id"]]),
            lapses=of_period["lapses"],
        )

    def _before(self, request: PeriodRequest, publications: dict[str, Publication]) -> dict[str, Publication]:
        """By plan, the settlement of the period before."""
        before = str(request.platform.calendar.previous(request.period))
        return {p: self.settled[before, p] for p in publications if (before, p) in self.settled}

    def _earlier_in_year(self, request: PeriodRequest, publications: dict[str, Publication]) -> list[Publication]:
        """The settlements earlier in the year of the plans that have a yearly cap: their dues count towards it."""
        earlier = {str(period) for period in request.platform.calendar.earlier_in_year(request.period)}
        sharing = {p: request.platform.plans[p].sharing_on(request.publicity_on) for p in publications}
        capped = {p for p, rules in sharing.items() if rules.yearly_cap_fen is not None}
        return [p for (of, plan_id), p in self.settled.items() if plan_id in capped and of in earlier]

    def _brought_forward_fen(self, request: PeriodRequest, pools: list[dict]) -> int | None:
        """What the period before carried on, 0 for a plan's first; None where dues given up are in it, too."""
        if request.platform.collection.shortfall_borne_by != "platform":
            return None
        return sum(pool["carried_forward_fen"] for pool in pools if pool["period"] != str(request.period))

    def _members_before(
        self, request: PeriodRequest, settled: Publication, member_id: int, rows: dict[str, list[dict]]
    ) -> int | None:
        """How many come before the member in the choice of one fen more: looked at where somebody pays it."""
        (pool,), rules = rows["pools"], request.platform.plans[settled.plan_id].sharing_on(request.publicity_on)
        if not rows["assessments"] or not shares_of(pool, rows["rates"], rules).one_fen_more_count:
            return None
        key = choice_key(settled.plan_id, settled.period)
        where = matching(period=settled.period, plan_id=settled.plan_id, run_id=settled.run_id)
        ids = self._small.numbers("settled/assessments", "member_id", where)
        return sum(count_before(key, member_id, batch) for batch in ids)

    def _was_published_by(self, settled: Publication, lapsed_in: str) -> bool:
        """Whether the collection with the lapses of a period, as it is now, was published before the settlement."""
        collection = self.collected[lapsed_in, settled.plan_id]
        return self._at(collection) < self._at(settled)

    def _at(self, act: Publication) -> datetime:
        return self._published_at[act.job, act.period, act.plan_id, act.revision]

    def _local_day(self, ended_at):
        return ended_at.astimezone(ZoneInfo(self.request.platform.time_zone)).date()


def _key(row: dict) -> tuple[str, str, int]:
    return row["period"], row["plan_id"], row["member_id"]


def _one(rows: list[dict]) -> dict | None:
    return rows[0] if rows else None


def plans_to_explain(known: Iterable[MemberFacts]) -> list[MemberFacts]:
    """The plans in which there is something to say: a membership, or a row held back."""
    return [of_plan for of_plan in known if of_plan.spells or of_plan.held or of_plan.assessment]
