"""The yearly cap: a member's headroom, the amount he may still be charged in the calendar year, over all his spells.

Source: rule `yearly_cap`, per member, plan and calendar year of the publicity day; the platform sponsors the excess,
which `jobs.settlement.assessments` cuts off.

What a member was charged this year normally follows from his spells alone: the shares of his tier in every period that
a spell covers. That saves a join with the year's assessments, up to 100 million rows per period. It is valid only if
1. every period charged all members of a tier the same amount (`PeriodOfYear.alike`), and
2. the spells in today's source are those that were assessed. Every settlement stores a fingerprint of the members it
   assessed (`fingerprint_measures`), and today's spells must reproduce it for every earlier period of the year.
Otherwise the caller joins the year's assessments (`headroom_from_assessments`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.rulebook.rules import SharingRules
from jobs.settlement.coverage import in_force_on
from jobs.settlement.one_fen_more import OneFenMore
from jobs.settlement.shares import Sharing
from jobs.spark.by_plan import by_plan, fen

Fingerprint = Mapping[str, int]
FINGERPRINT = ("members_rows", "members_low", "members_high")


@dataclass(frozen=True)
class PeriodOfYear:
    """What later periods of the year need of a settled period and plan; stored in the run's record under these names.

    `alike`: all members of a tier were charged the same: no waiver (rule `first_month_waiver`), no exemption of helped
    members (`helped_member_shares`), no extra fen (`rounding`). `borne_fen`: by tier, what a member below the cap was
    charged. `members`: the fingerprint of the assessed members and their tiers.
    """

    publicity_on: date
    cap_fen: int | None
    alike: bool
    borne_fen: Mapping[str, int]
    members: Fingerprint


def cap_may_bind(cap_fen: int, earlier_shares_fen: list[int], sharing: Sharing) -> bool:
    """Whether the cap can bind: whether a member charged the highest share of every period would exceed it.

    `earlier_shares_fen`: the highest share of each earlier period of the year, the extra fen of `exact` included.
    """
    extra_fen = 1 if sharing.shares.one_fen_more_count else 0
    highest_now_fen = max(sharing.shares.share_fen.values(), default=0) + extra_fen
    return sum(earlier_shares_fen) + highest_now_fen > cap_fen


def fingerprint_measures() -> list[Column]:
    """Aggregates over one plan's assessed members (member_id, tier): their fingerprint, independent of row order.

    All three are sums, so the fingerprints of disjoint groups of members can be added.
    """
    member_hash = F.xxhash64("member_id", "tier")
    measures = {
        "rows": F.count(member_hash),
        "low": F.sum(member_hash.bitwiseAND(F.lit(0xFFFFFFFF))),
        "high": F.sum(F.shiftrightunsigned(member_hash, 32)),
    }
    return [measure.alias(f"members_{name}") for name, measure in measures.items()]


def period_of_year(
    sharing: Sharing, rules: SharingRules, publicity_on: date, one_fen_more: OneFenMore | None, measured: Mapping
) -> PeriodOfYear:
    """What a settled period stores for the rest of its year; `measured`: the values of `fingerprint_measures`."""
    members = {name: measured.get(name) or 0 for name in FINGERPRINT}
    borne_fen = dict.fromkeys(sharing.shares.share_fen, 0) if rules.funded else dict(sharing.shares.share_fen)
    alike = one_fen_more is None and rules.waiver_joined_by is None and rules.helped_member_shares
    return PeriodOfYear(publicity_on, rules.yearly_cap_fen, alike or rules.funded, borne_fen, members)


def with_unlimited_headroom(covered: DataFrame) -> DataFrame:
    """The covered members with a null `headroom_fen`, for periods in which no yearly cap can bind."""
    return covered.withColumn("headroom_fen", fen(None))


def coverage_spans(spells: DataFrame, year: list[PeriodOfYear]) -> DataFrame:
    """One plan's spells grouped by the periods they cover, with the fingerprint of each group.

    One row per pair of `first` and `until`: the index in `year` of the first covered period, and of the one after the
    last. The fingerprint of a period is the sum over the spans that include it.
    """
    first, until = _span([period.publicity_on for period in year])
    spans = spells.select("member_id", "tier", first.alias("first"), until.alias("until")).where("first < until")
    return spans.groupBy("first", "until").agg(*fingerprint_measures())


def spans_match_assessed(spans: list, year: list[PeriodOfYear], cap_fen: int) -> bool:
    """Whether headroom may be computed from spells: both conditions of this module hold, and the cap did not change.

    `spans`: the collected rows of `coverage_spans`. `year`: the earlier periods of the year, in order.
    """
    uniform = all(period.alike and period.cap_fen in (None, cap_fen) for period in year)
    return uniform and all(_same_members(index, period.members, spans) for index, period in enumerate(year))


def borne_in_ended_spells(ended_spells: DataFrame, year: Mapping[str, list[PeriodOfYear]]) -> DataFrame:
    """One row per member charged in a spell that has ended: plan_id, member_id, before_fen.

    `ended_spells`: valid spells, no longer in force, of members who have several. `year`: by plan.
    """
    return (
        ended_spells.withColumn("fen", _borne_by_plan_fen(year))
        .where("fen > 0")
        .groupBy("plan_id", "member_id")
        .agg(F.sum("fen").alias("before_fen"))
    )


def headroom_from_spells(
    covered: DataFrame, before: DataFrame, year: Mapping[str, list[PeriodOfYear]], cap_fen: Mapping[str, int]
) -> DataFrame:
    """The covered members with `headroom_fen`, computed from their spells; null in plans that are not in `cap_fen`.

    `before`: from `borne_in_ended_spells`. `year` and `cap_fen`: by plan.
    """
    joined = covered.join(before, on=["plan_id", "member_id"], how="left")
    caps_fen = by_plan({plan_id: fen(cap) for plan_id, cap in cap_fen.items()}, fen(None))
    headroom_fen = caps_fen - _borne_by_plan_fen(year) - F.coalesce("before_fen", fen(0))
    return joined.withColumn("headroom_fen", headroom_fen).drop("before_fen")


def headroom_from_assessments(
    covered: DataFrame, earlier: Mapping[str, DataFrame], cap_fen: Mapping[str, int]
) -> DataFrame:
    """The covered members with `headroom_fen`, computed from assessments; null in plans that are not in `cap_fen`.

    `earlier`: by plan, the assessments of the year's earlier periods (plan_id, member_id, due_fen).
    """
    borne = None
    for frame in earlier.values():
        plan_borne = frame.groupBy("plan_id", "member_id").agg(F.sum("due_fen").alias("borne_fen"))
        borne = plan_borne if borne is None else borne.unionByName(plan_borne)
    joined = covered.withColumn("borne_fen", fen(0))
    if borne is not None:
        joined = covered.join(borne, on=["plan_id", "member_id"], how="left")
    caps_fen = by_plan({plan_id: fen(cap) for plan_id, cap in cap_fen.items()}, fen(None))
    headroom_fen = caps_fen - F.coalesce("borne_fen", fen(0))
    return joined.withColumn("headroom_fen", headroom_fen).drop("borne_fen")


def headroom_of(cap_fen: int | None, borne_fen: int) -> int | None:
    """The headroom of one member: `headroom_from_assessments` without Spark. None: no limit."""
    return None if cap_fen is None else cap_fen - borne_fen


def _span(days: list[date]) -> tuple[Column, Column]:
    """The index of the first publicity day on which a spell is in force, and the index after the last one.

    Computed as counts: of the days up to the day of joining, and of the days up to the day of exit.
    """
    zero = F.lit(0)
    first = sum((F.when(F.col("joined_on") >= F.lit(day), 1).otherwise(0) for day in days), zero)
    until = sum(
        (F.when(F.coalesce(F.col("exited_on") < F.lit(day), F.lit(False)), 0).otherwise(1) for day in days), zero
    )
    return first, until


def _same_members(index: int, members: Fingerprint, spans: list) -> bool:
    """Whether the spans that include the period with this index have the fingerprint of its assessed members."""
    including = [span for span in spans if span["first"] <= index < span["until"]]
    return all(sum(span[name] for span in including) == members[name] for name in FINGERPRINT)


def _borne_by_plan_fen(year: Mapping[str, list[PeriodOfYear]]) -> Column:
    return by_plan({plan_id: _borne_fen(periods) for plan_id, periods in year.items()}, fen(None))


def _borne_fen(periods: list[PeriodOfYear]) -> Column:
    """What a spell was charged in these periods if no cap had applied: its tier's share in each period it covers."""
    borne_fen = fen(0)
    for period in periods:
        share_fen = fen(0)
        for tier, tier_fen in period.borne_fen.items():
            share_fen = F.when(F.col("tier") == tier, fen(tier_fen)).otherwise(share_fen)
        is_covered = in_force_on(F.lit(period.publicity_on))
        borne_fen = borne_fen + F.when(is_covered, share_fen).otherwise(fen(0))
    return borne_fen
