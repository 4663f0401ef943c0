"""Headroom of members below the yearly cap, from what they bore earlier in the calendar year."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.base.progress import announce
from jobs.gate.members import MembershipGate
from jobs.register.runs import totals_of
from jobs.rulebook.calendar import Calendar, Period
from jobs.rulebook.rules import SharingRules
from jobs.settlement.coverage import COVERED, cut_by_lapses
from jobs.settlement.shares import Sharing
from jobs.settlement.yearly_cap import (
    PeriodOfYear,
    borne_in_ended_spells,
    cap_may_bind,
    coverage_spans,
    headroom_from_assessments,
    headroom_from_spells,
    spans_match_assessed,
    with_unlimited_headroom,
)
from jobs.spark.broadcasting import broadcast_if_few
from jobs.spark.computed import computed_once
from jobs.works.history import History

YEAR_RECORD = "standing"  # key in the totals of control/runs; existing lakes have it


class YearlyHeadroom:
    """Headroom below the yearly cap for the members of one period, from the earlier periods of its calendar year."""

    def __init__(
        self,
        history: History,
        members: MembershipGate,
        calendar: Calendar,
        period: Period,
        lapses: DataFrame | None,
    ):
        self._history, self._members, self._lapses = history, members, lapses
        self._earlier = calendar.earlier_in_year(period)

    def with_headroom(
        self, covered: DataFrame, sharing: Mapping[str, Sharing], rules: Mapping[str, SharingRules]
    ) -> DataFrame:
        """One row per covered member with `headroom_fen`; null if the cap of the plan cannot bind."""
        caps = {plan_id: rules[plan_id].yearly_cap_fen for plan_id in rules}
        corrected = self._history.corrections_of(list(caps), self._earlier).charged_dues(list(caps))
        binding = {
            plan_id: cap
            for plan_id, cap in caps.items()
            if cap is not None
            and (plan_id in corrected or cap_may_bind(cap, self._highest_shares_fen(plan_id), sharing[plan_id]))
        }
        if not binding:
            return with_unlimited_headroom(covered)
        announce(f"yearly cap: what members of {', '.join(sorted(binding))} bore this year")
        year = {plan_id: self._year_records(plan_id) for plan_id in binding}
        of_spells = not corrected.keys() & binding.keys()  # what corrections charged does not follow from spells
        if of_spells and all(self._follows_from_spells(p, year[p], cap) for p, cap in binding.items()):
            ended = cut_by_lapses(self._members.kept_good.where(F.col("cover") != COVERED), self._lapses)
            return with_headroom_from_spells(covered, ended, year, binding)
        announce("yearly cap: the current spells are not those assessed: joining the year's assessments")
        earlier = {p: self._dues_of(p, corrected.get(p)) for p in binding}
        return headroom_from_assessments(covered, earlier, binding)

    def _dues_of(self, plan_id: str, corrected: DataFrame | None) -> DataFrame:
        """The plan's dues in the earlier periods of the year, with what corrections charged or refunded since."""
        rows = self._history.rows_of_plan("settled/assessments", plan_id, self._earlier)
        dues = rows.select("plan_id", "member_id", "due_fen")
        return dues if corrected is None else dues.unionByName(corrected)

    def _follows_from_spells(self, plan_id: str, year: list[PeriodOfYear] | None, cap_fen: int) -> bool:
        if year is None:
            return False
        spells = cut_by_lapses(self._members.good.where(F.col("plan_id") == plan_id), self._lapses)
        return follows_from_spells(spells, year, cap_fen)

    def _year_records(self, plan_id: str) -> list[PeriodOfYear] | None:
        """The record of each earlier period of the year; None if a run has none."""
        names = {str(period) for period in self._earlier}
        run_ids = [p.run_id for p in self._history.publications.get(plan_id, ()) if p.period in names]
        totals = totals_of(self._history.lake.small, run_ids) if run_ids else {}
        documents = [totals.get(run_id, {}).get(plan_id, {}).get(YEAR_RECORD) for run_id in run_ids]
        return None if None in documents else [from_document(document) for document in documents]

    def _highest_shares_fen(self, plan_id: str) -> list[int]:
        """The highest share of any tier in each earlier period of the year."""
        highest: dict[str, int] = {}
        for row in self._history.few_rows("settled/rates", [plan_id], self._earlier):
            # Under exact rounding share_fen is the lower of the two shares.
            pay_one_fen_more = row["billed_fen"] > row["share_fen"] * row["covered_count"]
            share_fen = row["share_fen"] + (1 if pay_one_fen_more else 0)
            highest[row["period"]] = max(highest.get(row["period"], 0), share_fen)
        return list(highest.values())


def follows_from_spells(spells: DataFrame, year: list[PeriodOfYear], cap_fen: int) -> bool:
    """Whether one plan's current spells are exactly those assessed in every earlier period of the year (one pass)."""
    return spans_match_assessed(coverage_spans(spells, year).collect(), year, cap_fen)


def with_headroom_from_spells(
    covered: DataFrame, ended_spells: DataFrame, year: Mapping[str, list[PeriodOfYear]], cap_fen: Mapping[str, int]
) -> DataFrame:
    """One row per covered member with `headroom_fen`, from the spells alone. Arguments as for `borne_in_ended_spells`
    and `headroom_from_spells`."""
    before = computed_once(borne_in_ended_spells(ended_spells, year))
    return headroom_from_spells(covered, broadcast_if_few(before, before.count()), year, cap_fen)


def as_document(period: PeriodOfYear) -> dict:
    """A period's year record as the totals of its run keep it."""
    return {**asdict(period), "publicity_on": period.publicity_on.isoformat()}


def from_document(document: dict) -> PeriodOfYear:
    """A period's year record from the totals of its run."""
    return PeriodOfYear(**{**document, "publicity_on": date.fromisoformat(document["publicity_on"])})
