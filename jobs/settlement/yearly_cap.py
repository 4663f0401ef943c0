"""The yearly cap: what a member may still be charged in a calendar year, over all his spells in the plan.

Source: yearly cap per member and calendar year, the excess borne by the platform. The year is that of the publicity
day.

What a member bore this year follows from the days his spells began and ended and from the shares since: no look at the
year's assessments is needed, as long as the spells known today are those that were assessed. That is proven, not
assumed: every settlement leaves a fingerprint of the members it assessed in each tier, and the spells of today must
give the fingerprint of every earlier period of the year. Where one differs, or a period charged members of one tier
differently, the year's assessments are joined instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.rulebook.rules import SharingRules
from jobs.settlement.coverage import in_force_on
from jobs.settlement.one_fen_more import OneFenMore
from jobs.settlement.pool import Sharing
from jobs.spark.by_plan import by_plan, fen

Fingerprint = Mapping[str, int]
FINGERPRINT = ("members_rows", "members_low", "members_high")


@dataclass(frozen=True)
class PeriodOfYear:
    """What a settled period left for the rest of its year, for one plan.

    `borne_fen`: by tier, what a member below the cap bore. `members`: the fingerprint of who was assessed, in which
    tier. `alike`: every member of a tier was charged by the same rule: nobody was waived, exempt, or paid one fen
    more.
    """

    publicity_on: date
    cap_fen: int | None
    alike: bool
    borne_fen: Mapping[str, int]
    members: Fingerprint


def may_bind(cap_fen: int, earlier_shares_fen: list[int], sharing: Sharing) -> bool:
    """Whether any member can reach the cap: nobody bore more than the dearest share of every period of the year.

    `earlier_shares_fen`: of each earlier period of the year, the dearest tier's share, one fen more under exact
    rounding.
    """
    now_fen = max(sharing.shares.share_fen.values(), default=0) + (1 if sharing.shares.one_fen_more_count else 0)
    return sum(earlier_shares_fen) + now_fen > cap_fen


def fingerprint_measures() -> list[Column]:
    """Aggregates over one plan's members (member_id, tier) that make their fingerprint: the same in any order."""
    member_hash = F.xxhash64("member_id", "tier")
    measures = {
        "rows": F.count(member_hash),
        "low": F.sum(member_hash.bitwiseAND(F.lit(0xFFFFFFFF))),
        "high": F.sum(F.shiftrightunsigned(member_hash, 32)),
    }
    return [measure.alias(f"members_{name}") for name, measure in measures.items()]


def period_of_year(
    sharing: Sharing, rules: SharingRules, publicity_on: date, more: OneFenMore | None, measured: Mapping
) -> PeriodOfYear:
    """What a settled period leaves; `measured` holds `fingerprint_measures`."""
    members = {name: measured.get(name) or 0 for name in FINGERPRINT}
    borne_fen = dict.fromkeys(sharing.shares.share_fen, 0) if rules.funded else dict(sharing.shares.share_fen)
    alike = more is None and rules.waiver_joined_by is None and rules.helped_member_shares
    return PeriodOfYear(publicity_on, rules.yearly_cap_fen, alike or rules.funded, borne_fen, members)


def without_room(covered: DataFrame) -> DataFrame:
    """One row per covered member, as given, where no yearly cap can bind."""
    return covered.withColumn("room_fen", fen(None))


def spans_of(spells: DataFrame, year: list[PeriodOfYear]) -> DataFrame:
    """One row per first and last period that spells were covered in: `first`, `until`, and their fingerprint.

    `spells`: of one plan. A period's fingerprint is the sum over the spans that hold it.
    """
    first, until = _span([s.publicity_on for s in year])
    spans = spells.select("member_id", "tier", first.alias("first"), until.alias("until")).where("first < until")
    return spans.groupBy("first", "until").agg(*fingerprint_measures())


def are_those_assessed(spans: list, year: list[PeriodOfYear], cap_fen: int) -> bool:
    """Whether spells (their `spans_of`) are exactly those assessed in every earlier period of the year."""
    alike = all(s.alike and s.cap_fen in (None, cap_fen) for s in year)
    return alike and all(_same_members(place, s.members, spans) for place, s in enumerate(year))


def borne_before(ended_spells: DataFrame, year: Mapping[str, list[PeriodOfYear]]) -> DataFrame:
    """One row per member who bore something in spells that ended: plan_id, member_id, before_fen.

    `ended_spells`: the good spells, no longer in force, of members who have several. `year` is by plan.
    """
    return (
        ended_spells.withColumn("fen", _borne_by_plan_fen(year))
        .where("fen > 0")
        .groupBy("plan_id", "member_id")
        .agg(F.sum("fen").alias("before_fen"))
    )


def room_by_spells(
    covered: DataFrame, before: DataFrame, year: Mapping[str, list[PeriodOfYear]], cap_fen: Mapping[str, int]
) -> DataFrame:
    """One row per covered member with `room_fen`, for the plans in `cap_fen`; others have no limit.

    `before`: from `borne_before`. Maps are by plan.
    """
    joined = covered.join(before, on=["plan_id", "member_id"], how="left")
    caps = by_plan({plan_id: fen(cap) for plan_id, cap in cap_fen.items()}, fen(None))
    room = caps - _borne_by_plan_fen(year) - F.coalesce("before_fen", fen(0))
    return joined.withColumn("room_fen", room).drop("before_fen")


def with_room_by_assessments(
    covered: DataFrame, earlier: Mapping[str, DataFrame], cap_fen: Mapping[str, int]
) -> DataFrame:
    """One row per covered member with `room_fen`, from the year's earlier assessments of the plans in `cap_fen`.

    `earlier`: by plan, the assessments of the year's earlier periods (plan_id, member_id, due_fen).
    """
    borne = None
    for frame in earlier.values():
        of_plan = frame.groupBy("plan_id", "member_id").agg(F.sum("due_fen").alias("borne_fen"))
        borne = of_plan if borne is None else borne.unionByName(of_plan)
    joined = covered.withColumn("borne_fen", fen(0))
    if borne is not None:
        joined = covered.join(borne, on=["plan_id", "member_id"], how="left")
    cap = by_plan({plan_id: fen(cap) for plan_id, cap in cap_fen.items()}, fen(None))
    room = cap - F.coalesce("borne_fen", fen(0))
    return joined.withColumn("room_fen", room).drop("borne_fen")


def room_of(cap_fen: int | None, borne_fen: int) -> int | None:
    """What one member may still be charged: `with_room_by_assessments` for one member, without Spark."""
    return None if cap_fen is None else cap_fen - borne_fen


def _span(days: list[date]) -> tuple[Column, Column]:
    """The place of the first period a spell is covered in, and the place after the last one."""
    none = F.lit(0)
    first = sum((F.when(F.col("joined_on") >= F.lit(day), 1).otherwise(0) for day in days), none)
    until = sum(
        (F.when(F.coalesce(F.col("exited_on") < F.lit(day), F.lit(False)), 0).otherwise(1) for day in days), none
    )
    return first, until


def _same_members(place: int, members: Fingerprint, groups: list) -> bool:
    covered = [group for group in groups if group["first"] <= place < group["until"]]
    return all(sum(group[name] for group in covered) == members[name] for name in FINGERPRINT)


def _borne_by_plan_fen(year: Mapping[str, list[PeriodOfYear]]) -> Column:
    return by_plan({plan_id: _borne_fen(of_plan) for plan_id, of_plan in year.items()}, fen(None))


def _borne_fen(year: list[PeriodOfYear]) -> Column:
    """What a spell bore in the year, were there no cap: the shares of its tier from its first period to its last."""
    borne = fen(0)
    for period in year:
        day = F.lit(period.publicity_on)
        covered = in_force_on(day)
        share = fen(0)
        for tier, tier_fen in period.borne_fen.items():
            share = F.when(F.col("tier") == tier, fen(tier_fen)).otherwise(share)
        borne = borne + F.when(covered, share).otherwise(fen(0))
    return borne
