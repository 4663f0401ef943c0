"""One assessment per covered member: his share of the pool, what the platform bears of it, what he owes."""

from collections.abc import Mapping
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.rulebook.rules import SharingRules
from jobs.settlement.one_fen_more import OneFenMore
from jobs.settlement.pool import Sharing
from jobs.spark.by_plan import by_plan, by_plan_and_tier, fen

FUNDED_PERIOD = "funded_period"
FIRST_MONTH_WAIVER = "first_month_waiver"
YEARLY_CAP = "yearly_cap"


def assessments(
    covered: DataFrame,
    sharing: Mapping[str, Sharing],
    rules: Mapping[str, SharingRules],
    one_fen_more: Mapping[str, OneFenMore],
) -> DataFrame:
    """One row per covered member and plan: share, sponsored part, due. Key: plan_id, member_id. Amounts in fen.

    `covered`: plan_id, member_id, payer_id, tier, member_since, and `room_fen` for members whose yearly cap may bind:
    what they may still be charged this year (null: no limit). The maps are by plan. Who bears a share, in this order:
    the platform for funded periods, for waived members, above the yearly cap; else the member.
    """
    share = covered.select(
        "plan_id",
        "member_id",
        "payer_id",
        "tier",
        "member_since",
        "room_fen",
        _share_fen(sharing, one_fen_more).alias("share_fen"),
    )
    funded = _for_plans(rules, lambda plan: F.lit(plan.funded))
    waived = _for_plans(rules, _is_waived)
    above_cap_fen = F.greatest(F.col("share_fen") - F.greatest("room_fen", F.lit(0)), F.lit(0)).cast("bigint")
    capped = F.col("room_fen").isNotNull() & (above_cap_fen > 0)
    bears_nothing = (F.col("share_fen") > 0) & (funded | waived)
    marker = (
        F.when(bears_nothing & funded, FUNDED_PERIOD)
        .when(bears_nothing & waived, FIRST_MONTH_WAIVER)
        .when(capped, YEARLY_CAP)
    )
    sponsored = F.when(funded | waived, F.col("share_fen")).when(capped, above_cap_fen).otherwise(fen(0))
    return share.select(
        "plan_id",
        "member_id",
        "payer_id",
        "tier",
        "share_fen",
        sponsored.alias("sponsored_fen"),
        marker.alias("marker"),
    ).select(
        "plan_id",
        "member_id",
        "payer_id",
        "tier",
        "share_fen",
        "sponsored_fen",
        (F.col("share_fen") - F.col("sponsored_fen")).alias("due_fen"),
        "marker",
    )


def borne_by_platform(
    share_fen: int, rules: SharingRules, member_since: date, room_fen: int | None
) -> tuple[int, str | None]:
    """What the platform bears of one member's share, and the marker: `assessments` for one member, without Spark."""
    waived = rules.waiver_joined_by is not None and member_since <= rules.waiver_joined_by
    if rules.funded or waived:
        marker = FUNDED_PERIOD if rules.funded else FIRST_MONTH_WAIVER
        return share_fen, marker if share_fen > 0 else None
    above_cap_fen = 0 if room_fen is None else max(share_fen - max(room_fen, 0), 0)
    return above_cap_fen, YEARLY_CAP if above_cap_fen > 0 else None


def _share_fen(sharing: Mapping[str, Sharing], one_fen_more: Mapping[str, OneFenMore]) -> Column:
    shares = {}
    for plan_id, plan_sharing in sharing.items():
        more = one_fen_more[plan_id].chosen().cast("bigint") if plan_id in one_fen_more else None
        for tier, share_fen in plan_sharing.shares.share_fen.items():
            shares[plan_id, tier] = fen(share_fen) if more is None else fen(share_fen) + more
    return by_plan_and_tier(shares, fen(None))


def _is_waived(rules: SharingRules) -> Column:
    if rules.waiver_joined_by is None:
        return F.lit(False)
    return F.col("member_since") <= F.lit(rules.waiver_joined_by)


def _for_plans(rules: Mapping[str, SharingRules], column_of) -> Column:
    """What the rules say of a member, by his plan; a constant no where no plan is funded or waives."""
    if not any(plan.funded or plan.waiver_joined_by for plan in rules.values()):
        return F.lit(False)
    return by_plan({plan_id: column_of(plan_rules) for plan_id, plan_rules in rules.items()}, F.lit(False))
