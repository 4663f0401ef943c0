"""The few rows that explain a member's period or year: one query per table for all plans, by partition and id."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from jobs.base.errors import Refused
from jobs.explaining.correction_rows import (
    adjustments_of_year,
    correction_facts,
    correction_rows,
    corrections_billed,
)
from jobs.explaining.facts import MemberFacts, shares_of
from jobs.gate.held_id import held_id_of
from jobs.lake.small import SmallTables, matching
from jobs.pipeline.request import PeriodRequest, Request
from jobs.register.decisions import DECISIONS, decisions_used_by
from jobs.register.inputs import gone_source, version_read
from jobs.register.publications import Publication, corrections, few_rows_of, in_force
from jobs.rulebook.calendar import Period
from jobs.settlement.one_fen_more import choice_key, count_before
from schemas import TABLES

MEMBERS = TABLES["source/members"]
COLLECTED = ("status", "collected_fen", "collected_on")


class PublishedRows:
    """The published rows of a lake, read for single members without Java.

    A query names partitions (period, plan_id) and an id, so that files which cannot contain the id are not opened.
    `files_read`: data files opened so far, by table.
    """

    def __init__(self, request: Request, small: SmallTables):
        self.request, self._small = request, small
        acts = small.rows("control/publications")
        self.settled, self.collected = (in_force(acts, job) for job in ("settle", "collect"))
        self._corrections = corrections(small)
        self._published_at = {
            (act["job"], act["period"], act["plan_id"], act["revision"]): act["published_at"]
            for act in sorted(acts, key=lambda act: act["published_at"])
        }

    @property
    def files_read(self) -> dict[str, int]:
        return dict(sorted(self._small.files_read.items()))

    def plans_of(self, period: Period) -> dict[str, Publication]:
        """The valid settlements of the period, by plan; raises Refused if there is none."""
        settled = {
            plan_id: act for (settled_period, plan_id), act in self.settled.items() if settled_period == str(period)
        }
        if not settled:
            raise Refused(
                f"Period {period}: no plan of it is published. Nothing was explained. Settle it first with `fentan "
                f"settle --period {period}`; `fentan status` shows what is settled."
            )
        return settled

    def member_facts(
        self, request: PeriodRequest, publications: dict[str, Publication], member_id: int
    ) -> list[MemberFacts]:
        """The member's facts in each of the plans settled in the period. `publications`: the settlements by plan."""
        small, settled = self._small, list(publications.values())
        is_member = matching(member_id=member_id)
        collected = [p for p in (self.collected.get((p.period, p.plan_id)) for p in settled) if p]
        collected_in_all_periods = [p for p in self.collected.values() if p.plan_id in publications]
        previous, earlier = self._previous(request, publications), self._earlier_in_year(request, publications)
        spells, gone = self._spells(publications, member_id)
        rows = {
            "spells": spells,
            "assessments": few_rows_of(small, "settled/assessments", [*settled, *earlier], is_member),
            "held": self._held(str(request.period), [p.run_id for p in settled], member_id),
            "benefits": few_rows_of(small, "settled/benefits", settled),
            "pools": few_rows_of(small, "settled/pools", [*settled, *previous.values()]),
            "rates": few_rows_of(small, "settled/rates", settled),
            "collections": few_rows_of(small, "settled/collections", collected, is_member),
            "lapses": few_rows_of(small, "settled/lapses", collected_in_all_periods, is_member),
            **correction_rows(
                small, self._corrections, request, publications.keys(), earlier, self.collected, member_id
            ),
        }
        void = {(row["origin_period"], row["plan_id"]) for row in rows["reinstated"]}
        rows["lapses"] = [row for row in rows["lapses"] if (row["period"], row["plan_id"]) not in void]
        payers = {row["payer_id"] for row in rows["assessments"] if row["period"] == str(request.period)}
        rows["bills"] = few_rows_of(small, "settled/bills", settled, matching(payer_id=payers)) if payers else []
        rows["billed"] = corrections_billed(small, self._corrections, str(request.period), payers)
        facts = [self._facts(request, publications[plan_id], member_id, rows) for plan_id in sorted(publications)]
        return [replace(plan, source_gone=gone.get(plan.plan.plan_id)) for plan in facts]

    def year(self, year: int, id_column: str, number: int) -> list[dict]:
        """The assessments of a calendar year, of a member or of all members of a payer, with COLLECTED of each."""
        settled = [p for (period, _), p in self.settled.items() if period.startswith(f"{year:04d}-")]
        if not settled:
            raise Refused(
                f"Year {year}: no period of it is published. Nothing was explained. `fentan status` shows which "
                "periods are published; name the year of one of them."
            )
        assessments = few_rows_of(self._small, "settled/assessments", settled, matching(**{id_column: number}))
        keys = {(row["period"], row["plan_id"]) for row in assessments}
        collected = [p for key, p in self.collected.items() if key in keys]
        is_member = matching(member_id={row["member_id"] for row in assessments})
        rows = few_rows_of(self._small, "settled/collections", collected, is_member)
        collections = {_key(row): row for row in rows}
        for row in assessments:
            row |= {name: collections.get(_key(row), {}).get(name) for name in COLLECTED}
        return sorted(assessments, key=_key)

    def year_adjustments(self, year: int, id_column: str, number: int) -> list[dict]:
        """What corrections posted into the periods of a calendar year for a member, or for a payer."""
        return adjustments_of_year(self._small, self._corrections, year, self.collected, {id_column: number})

    def _spells(self, publications: dict[str, Publication], member_id: int) -> tuple[list[dict], dict[str, str]]:
        """The member's rows of source/members, for each plan in the version that its settlement read.

        And by plan whose version is gone, a sentence that says so.
        """
        plans_by_run: dict[str, list[str]] = {}
        for plan_id, publication in sorted(publications.items()):
            plans_by_run.setdefault(publication.run_id, []).append(plan_id)
        rows: list[dict] = []
        gone: dict[str, str] = {}
        for run_id, plan_ids in plans_by_run.items():
            where = matching(plan_id=plan_ids, member_id=member_id)
            run_rows = self._spells_read_by(run_id, where)
            if isinstance(run_rows, str):
                gone |= dict.fromkeys(plan_ids, run_rows)
            else:
                rows += run_rows
        return rows, gone

    def _spells_read_by(self, run_id: str, where: str) -> list[dict] | str:
        """Rows of source/members in the version that a run read, or a sentence that says why it is gone."""
        version = version_read(self._small, run_id, MEMBERS.name)
        if isinstance(version, str):
            return version
        try:
            return self._small.rows(MEMBERS.name, where, MEMBERS.column_names, version)
        except Exception:  # what delta-rs raises for a missing file has no class of its own
            text = gone_source(self._small, run_id, MEMBERS.name)
            if text is None:
                raise
            return text

    def _held(self, period: str, run_ids: Iterable[str], member_id: int) -> list[dict]:
        """The member's rows that these runs of the period held."""
        where = matching(held_in_period=period, run_id=set(run_ids), member_id=member_id)
        return self._small.rows("control/quarantine_members", where)

    def _released(self, settled: Publication, spells: Iterable[dict]) -> list[dict]:
        """The spells whose release the settlement used; equal spells once."""
        if not spells or not self._small.exists(DECISIONS.name):
            return []
        used = decisions_used_by(self._small, [settled.run_id]).get(settled.run_id, {})
        by_id = {held_id_of(MEMBERS, spell): spell for spell in spells} if used else {}
        return [spell for held_id, spell in by_id.items() if held_id in used]

    def _facts(
        self, request: PeriodRequest, settled: Publication, member_id: int, rows: dict[str, list[dict]]
    ) -> MemberFacts:
        plan_id, period = settled.plan_id, str(request.period)
        plan_rows = {name: [row for row in table if row["plan_id"] == plan_id] for name, table in rows.items()}
        current_rows = {name: [row for row in plan_rows[name] if row["period"] == period] for name in (
            "assessments", "pools", "rates", "lapses")}  # fmt: skip
        assessment, (pool,) = _one(current_rows["assessments"]), current_rows["pools"]
        lapsed = [
            (self._local_day(lapse["ended_at"]), self._was_published_before(settled, lapse["period"]))
            for lapse in plan_rows["lapses"]
        ]
        return MemberFacts(
            plan=request.platform.plans[plan_id],
            period=period,
            publicity_on=request.publicity_on,
            spells=[spell for spell in plan_rows["spells"] if spell["joined_on"] is not None],
            held=[row for row in plan_rows["held"] if _is_dated(row) and row["run_id"] == settled.run_id],
            released=self._released(settled, plan_rows["spells"]),
            lapsed_on=[day for day, is_earlier in lapsed if is_earlier],
            lapsed_since=[day for day, is_earlier in lapsed if not is_earlier],
            pool=pool,
            rates=current_rows["rates"],
            benefits=plan_rows["benefits"],
            brought_forward_fen=self._brought_forward_fen(request, plan_rows["pools"], plan_rows["adjusted_pools"]),
            borne_fen=sum(row["due_fen"] for row in plan_rows["assessments"] if row["period"] != period)
            + sum(row["delta_fen"] for row in plan_rows["charged"]),
            members_before=self._members_before(request, settled, member_id, current_rows),
            helped=any(row["counted"] and row["member_id"] == member_id for row in plan_rows["benefits"]),
            assessment=assessment,
            collection=_one(plan_rows["collections"]),
            bill=_one(_of_payer(plan_rows["bills"], assessment)),
            lapses=current_rows["lapses"],
            corrections=correction_facts(plan_rows, _of_payer(plan_rows["billed"], assessment)),
        )

    def _previous(self, request: PeriodRequest, publications: dict[str, Publication]) -> dict[str, Publication]:
        """By plan, the settlement of the previous period."""
        period = str(request.platform.calendar.previous(request.period))
        return {p: self.settled[period, p] for p in publications if (period, p) in self.settled}

    def _earlier_in_year(self, request: PeriodRequest, publications: dict[str, Publication]) -> list[Publication]:
        """Settlements earlier in the year, of plans with a yearly cap: their dues count towards the cap."""
        earlier = {str(period) for period in request.platform.calendar.earlier_in_year(request.period)}
        sharing = {p: request.platform.plans[p].sharing_on(request.publicity_on) for p in publications}
        capped = {p for p, rules in sharing.items() if rules.yearly_cap_fen is not None}
        return [p for (period, plan_id), p in self.settled.items() if plan_id in capped and period in earlier]

    def _brought_forward_fen(self, request: PeriodRequest, pools: list[dict], adjusted: list[dict]) -> int | None:
        """The residual of the previous period, 0 in a plan's first, and what corrections into this one made of it; None
        if the residual includes written-off dues."""
        if request.platform.collection.shortfall_borne_by != "platform":
            return None
        carried_fen = sum(pool["carried_forward_fen"] for pool in pools if pool["period"] != str(request.period))
        return carried_fen + sum(row["adjusted_fen"] for row in adjusted)

    def _members_before(
        self, request: PeriodRequest, settled: Publication, member_id: int, rows: dict[str, list[dict]]
    ) -> int | None:
        """The assessed members before this one in the lot for one fen more; None, unread, if no member pays it."""
        (pool,), rules = rows["pools"], request.platform.plans[settled.plan_id].sharing_on(request.publicity_on)
        if not rows["assessments"] or not shares_of(pool, rows["rates"], rules).one_fen_more_count:
            return None
        key = choice_key(settled.plan_id, settled.period)
        where = matching(period=settled.period, plan_id=settled.plan_id, run_id=settled.run_id)
        ids = self._small.numbers("settled/assessments", "member_id", where)
        return sum(count_before(key, member_id, batch) for batch in ids)

    def _was_published_before(self, settled: Publication, period: str) -> bool:
        """Whether the valid collection of a period, which made its lapses, was published before the settlement."""
        collection = self.collected[period, settled.plan_id]
        return self._at(collection) < self._at(settled)

    def _at(self, publication: Publication) -> datetime:
        p = publication
        return self._published_at[p.job, p.period, p.plan_id, p.revision]

    def _local_day(self, ended_at: datetime) -> date:
        return ended_at.astimezone(ZoneInfo(self.request.platform.time_zone)).date()


def _key(row: dict) -> tuple[str, str, int]:
    return row["period"], row["plan_id"], row["member_id"]


def _is_dated(held: dict) -> bool:
    """Whether a held row has a day of joining, perhaps one that Python cannot hold."""
    return held["joined_on"] is not None or "member_joined_on_out_of_range" in held["reasons"]


def _of_payer(rows: list[dict], assessment: dict | None) -> list[dict]:
    return [row for row in rows if assessment and row["payer_id"] == assessment["payer_id"]]


def _one(rows: list[dict]) -> dict | None:
    return rows[0] if rows else None


def plans_to_explain(plans: Iterable[MemberFacts]) -> list[MemberFacts]:
    """The plans in which the member has a membership, a row in quarantine, an assessment or a correction, or may have
    had a membership."""
    return [
        facts
        for facts in plans
        if facts.spells or facts.held or facts.assessment or facts.source_gone or facts.corrections
    ]
