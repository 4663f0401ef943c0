"""The roll of a settlement: its covered members, counted from source/members in two narrow passes.

A member is covered if a spell is in force on the publicity day and is neither in quarantine nor lapsed; these two
exceptions are few. The number of covered members must equal the published head count of every plan and tier. If it
differs (the quarantine is lost, or a rule exempts members), members are joined with the assessments instead,
which takes several times as long.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.base.progress import announce
from jobs.lake.lake import Lake
from jobs.register.inputs import versions_read
from jobs.register.publications import Publication, few_rows_of, published, rows_of
from jobs.reporting.people import counted, counted_by_plan, selected_spells
from jobs.reporting.rows import source_as_settled
from jobs.settlement.coverage import in_force_on, lapsed_on, with_member_since
from schemas import TABLES

HELD_MEMBERS, KEY = "control/quarantine_members", TABLES["source/members"].key
BEGINNING = date(1900, 1, 1)


@dataclass(frozen=True)
class Roll:
    """The members of one run of one period.

    `sound`: spells outside quarantine of claimants and of all who joined, left or lapsed; `left_out`: spells in force
    of members who do not share; `head_count`: as published, by (plan_id, tier).
    """

    plan_ids: Sequence[str]
    members: DataFrame
    sound: DataFrame
    left_out: DataFrame
    assessments: DataFrame
    head_count: Mapping[tuple[str, str], int]
    publicity_on: date

    def covered(self, by: Mapping[str, Column]) -> Counter:
        """The number of covered members by (plan_id, tier, *by)."""
        counts = counted_by_plan(self._in_force(self.members), by, self.plan_ids)
        counts.subtract(counted(self.left_out, by))
        if not self._equals_head_count(counts):
            announce("members in force differ from the members assessed: joining them with the assessments")
            assessed = self.assessments.select("plan_id", "member_id")
            spells = self._in_force(self.members).join(assessed, on=["plan_id", "member_id"], how="left_semi")
            counts = counted(spells, by)
        return Counter({key: count for key, count in counts.items() if count})

    def _in_force(self, spells: DataFrame) -> DataFrame:
        return spells.where(in_force_on(F.lit(self.publicity_on)))

    def _equals_head_count(self, counts: Counter) -> bool:
        by_tier: Counter = Counter()
        for (plan_id, tier, *_), count in counts.items():
            by_tier[plan_id, tier] += count
        return min(counts.values(), default=0) >= 0 and {k: n for k, n in by_tier.items() if n} == dict(self.head_count)


def roll_of(
    lake: Lake, publications: Collection[Publication], since_on: date | None, publicity_on: date, time_zone: str
) -> Roll:
    """The roll of the publications of one run. `since_on`: the previous publicity day, None if there is none."""
    plan_ids = sorted({p.plan_id for p in publications})
    (run_id,) = {p.run_id for p in publications}
    members = source_as_settled(lake, "source/members", versions_read(lake.small, run_id, ["source/members"]))
    members = members.where(F.col("plan_id").isin(*plan_ids))
    periods = sorted({p.period for p in publications})
    of_plans = F.col("held_in_period").isin(*periods) & F.col("plan_id").isin(*plan_ids)
    held = lake.read_or_empty(HELD_MEMBERS).where(of_plans).select(*KEY)
    lapses = _lapses(lake, plan_ids, time_zone)
    claimants = rows_of(lake, "settled/benefits", publications)
    ids = claimants.select("member_id").union(held.select("member_id")).union(lapses.select("member_id"))
    selected = selected_spells(members, ids, since_on or BEGINNING, publicity_on)
    same_row = [selected[name].eqNullSafe(held[name]) for name in KEY]
    sound = selected.join(held, on=same_row, how="left_anti")
    in_quarantine = selected.join(held, on=same_row, how="left_semi")
    lapsed = _lapsed(sound, lapses, publicity_on)
    left_out = in_quarantine.unionByName(lapsed).where(in_force_on(F.lit(publicity_on)))
    rates = few_rows_of(lake.small, "settled/rates", publications, "covered_count > 0")
    return Roll(
        plan_ids=plan_ids,
        members=members,
        sound=sound,
        left_out=left_out.localCheckpoint(),
        assessments=rows_of(lake, "settled/assessments", publications),
        head_count={(row["plan_id"], row["tier"]): row["covered_count"] for row in rates},
        publicity_on=publicity_on,
    )


def _lapses(lake: Lake, plan_ids: list[str], time_zone: str) -> DataFrame:
    """One row per lapse: plan_id, member_id, lapsed_on (the local day at 00:00 of which cover ended)."""
    collected = [p for p in published(lake.small, "collect").values() if p.plan_id in plan_ids]
    return rows_of(lake, "settled/lapses", collected).select("plan_id", "member_id", lapsed_on(time_zone))


def _lapsed(spells: DataFrame, lapses: DataFrame, publicity_on: date) -> DataFrame:
    """The spells of memberships that a lapse has ended, up to the publicity day."""
    by_member = lapses.where(F.col("lapsed_on") <= F.lit(publicity_on)).groupBy("plan_id", "member_id")
    last_lapses = by_member.agg(F.max("lapsed_on").alias("lapsed_on"))
    dated = spells.join(last_lapses, on=["plan_id", "member_id"], how="inner")
    return with_member_since(dated).where(F.col("member_since") < F.col("lapsed_on")).select(*spells.columns)
