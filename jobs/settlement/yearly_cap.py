"""The yearly cap: what a member may still be charged in a calendar year, over all his spells in the plan.

Source: yearly cap per member and calendar year, the excess borne by the platform. The year is that of the publicity day.
"""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.settlement.pool import Sharing
from jobs.settlement.rules import SharingRules


def may_bind(cap_fen: int, earlier_shares_fen: list[int], sharing: Sharing) -> bool:
    """Whether any member can reach the cap: nobody bore more than the dearest share of every period of the year.

    `earlier_shares_fen`: of each earlier period of the year, the dearest tier's share, one fen more under exact rounding.
    """
    now_fen = max(sharing.shares.share_fen.values(), default=0) + (1 if sharing.shares.one_fen_more_count else 0)
    return sum(earlier_shares_fen) + now_fen > cap_fen


def without_room(covered: DataFrame) -> DataFrame:
    """One row per covered member, as given, where no yearly cap can bind."""
    return covered.withColumn("room_fen", F.lit(None).cast("bigint"))


def with_room_by_assessments(
    covered: DataFrame, earlier: Mapping[str, DataFrame], rules: Mapping[str, SharingRules]
) -> DataFrame:
    """One row per covered member with `room_fen`, from the year's earlier assessments of the plans whose cap may bind.

    `earlier`: by plan, the assessments of the year's earlier periods (plan_id, member_id, due_fen).
    """
    borne = None
    for frame in earlier.values():
        of_plan = frame.groupBy("plan_id", "member_id").agg(F.sum("due_fen").alias("borne_fen"))
        borne = of_plan if borne is None else borne.unionByName(of_plan)
    joined = covered.withColumn("borne_fen", F.lit(0).cast("bigint"))
    if borne is not None:
        joined = covered.join(borne, on=["plan_id", "member_id"], how="left")
    room = F.lit(None).cast("bigint")
    for plan_id, plan_rules in rules.items():
        left_fen = F.lit(plan_rules.yearly_cap_fen).cast("bigint") - F.coalesce("borne_fen", F.lit(0).cast("bigint"))
        room = F.when(F.col("plan_id") == plan_id, left_fen).otherwise(room)
    return joined.withColumn("room_fen", room).drop("borne_fen")
