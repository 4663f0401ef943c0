"""One assessment per covered member: his share of the pool, its sponsored part, and his due."""

from collections.abc import Callable, Mapping
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.rulebook.rules import SharingRules
from jobs.settlement.one_fen_more import OneFenMore
from jobs.settlement.shares import Sharing
from jobs.spark.by_plan import by_plan, by_plan_and_tier, fen

FUNDED_PERIOD = "funded_period"
FIRST_MONTH_WAIVER = "first_month_waiver"
YEARLY_CAP = "yearly_cap"
IDENTITY = ("plan_id", "member_id", "payer_id", "tier")


def assessments(
    covered: DataFrame,
    sharing: Mapping[str, Sharing],
    rules: Mapping[str, SharingRules],
    one_fen_more: Mapping[str, OneFenMore],
) -> DataFrame:
    """The rows of settled/assessments: one row per covered member and plan. Key: plan_id, member_id.

    `covered`: IDENTITY, `member_since`, and `headroom_fen`, what the member may still be charged in the calendar year
    (null: no limit). The other inputs are by plan. The platform sponsors, in this order: every share of a funded period
    (rule `funded_periods`), the shares of waived members (`first_month_waiver`), and the part above the `yearly_cap`.
    The marker names the rule.
    """
    shares = covered.select(
        *IDENTITY, "member_since", "headroom_fen", _share_fen(sharing, one_fen_more).alias("share_fen")
    )
    sponsored_fen, marker = _sponsorship(rules)
    due_fen = F.col("share_fen") - F.col("sponsored_fen")
    return shares.select(*IDENTITY, "share_fen", sponsored_fen.alias("sponsored_fen"), marker.alias("marker")).select(
        *IDENTITY, "share_fen", "sponsored_fen", due_fen.alias("due_fen"), "marker"
    )


def sponsored_part(
    share_fen: int, rules: SharingRules, member_since: date, headroom_fen: int | None
) -> tuple[int, str | None]:
    """The sponsored part of one member's share and its marker: the rules of `assessments`, without Spark."""
    waived = rules.waiver_joined_by is not None and member_since <= rules.waiver_joined_by
    if rules.funded or waived:
        marker = FUNDED_PERIOD if rules.funded else FIRST_MONTH_WAIVER
        return share_fen, marker if share_fen > 0 else None
    above_cap_fen = 0 if headroom_fen is None else max(share_fen - max(headroom_fen, 0), 0)
    return above_cap_fen, YEARLY_CAP if above_cap_fen > 0 else None


def _sponsorship(rules: Mapping[str, SharingRules]) -> tuple[Column, Column]:
    """The sponsored part of a share in fen, and the marker; on rows with share_fen, headroom_fen and member_since."""
    share_fen = F.col("share_fen")
    funded = _for_plans(rules, lambda plan_rules: F.lit(plan_rules.funded))
    waived = _for_plans(rules, _is_waived)
    # Headroom can be negative: the shares of the year so far may exceed the cap.
    above_cap_fen = F.greatest(share_fen - F.greatest("headroom_fen", F.lit(0)), F.lit(0)).cast("bigint")
    capped = F.col("headroom_fen").isNotNull() & (above_cap_fen > 0)
    fully_sponsored = (share_fen > 0) & (funded | waived)
    marker = (
        F.when(fully_sponsored & funded, FUNDED_PERIOD)
        .when(fully_sponsored & waived, FIRST_MONTH_WAIVER)
        .when(capped, YEARLY_CAP)
    )
    return F.when(funded | waived, share_fen).when(capped, above_cap_fen).otherwise(fen(0)), marker


def _share_fen(sharing: Mapping[str, Sharing], one_fen_more: Mapping[str, OneFenMore]) -> Column:
    """The share by plan and tier; one fen more for the members chosen under exact rounding."""
    shares = {}
    for plan_id, plan_sharing in sharing.items():
        extra_fen = one_fen_more[plan_id].chosen().cast("bigint") if plan_id in one_fen_more else None
        for tier, share_fen in plan_sharing.shares.share_fen.items():
            shares[plan_id, tier] = fen(share_fen) if extra_fen is None else fen(share_fen) + extra_fen
    return by_plan_and_tier(shares, fen(None))


def _is_waived(rules: SharingRules) -> Column:
    if rules.waiver_joined_by is None:
        return F.lit(False)
    return F.col("member_since") <= F.lit(rules.waiver_joined_by)


def _for_plans(rules: Mapping[str, SharingRules], condition: Callable[[SharingRules], Column]) -> Column:
    """A condition by plan. Constant false if no plan is funded or waives, which keeps the common query simple."""
    if not any(plan_rules.funded or plan_rules.waiver_joined_by for plan_rules in rules.values()):
        return F.lit(False)
    return by_plan({plan_id: condition(plan_rules) for plan_id, plan_rules in rules.items()}, F.lit(False))
