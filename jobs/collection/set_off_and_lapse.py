"""What became of each due: paid, set off from the member's aid, waived, or lapsed at the grace limit.

A set-off has the grace limit as `collected_on`. Cash that meets a share comes before that day. Arrears of
earlier periods: `jobs.collection.beneficiary_arrears`.
"""

from collections.abc import Mapping
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.collection.days import CollectionDays
from jobs.spark.by_plan import fen

# Published statuses of settled/collections.
COLLECTED, IN_GRACE, LAPSED, NETTED, WAIVED = "collected", "in_grace", "lapsed", "netted", "waived"


def collections(shares: DataFrame, helped: DataFrame, days: CollectionDays) -> DataFrame:
    """The rows of settled/collections: one row per assessment. Key: plan_id, member_id.

    `shares`: assessments with `collected_fen` and `collected_on`. `helped`: one row per plan and beneficiary with
    `aid_fen`. At the grace limit, a share of which nothing was collected is set off from the member's aid, up to that
    aid (source: quotes of the rules): NETTED if the aid covers it. Any other unmet share lapses, with what was set off
    as collected. A due of zero is WAIVED if the share was sponsored. Only set-offs are collected on the grace limit.
    """
    is_met = (F.col("due_fen") == 0) | (F.col("collected_fen") == F.col("due_fen"))
    may_set_off = F.lit(days.is_final) & ~is_met & (F.col("collected_fen") == 0) & (F.col("aid_fen") > 0)
    set_off_fen = F.when(may_set_off, F.least("aid_fen", "due_fen")).otherwise(fen(0))
    status = (
        F.when((F.col("due_fen") == 0) & (F.col("sponsored_fen") > 0), WAIVED)
        .when(is_met, COLLECTED)
        .when(set_off_fen == F.col("due_fen"), NETTED)
        .otherwise(LAPSED if days.is_final else IN_GRACE)
    )
    return (
        shares.join(F.broadcast(helped), on=["plan_id", "member_id"], how="left")
        .withColumns({"status": status, "set_off_fen": set_off_fen})
        .select(
            "plan_id",
            "member_id",
            "due_fen",
            (F.col("collected_fen") + F.col("set_off_fen")).alias("collected_fen"),
            "status",
            F.when(F.col("set_off_fen") > 0, F.lit(days.grace_ends_on))
            .otherwise(F.col("collected_on"))
            .alias("collected_on"),
        )
    )


def lapses(collected: DataFrame, already_ended: DataFrame) -> DataFrame:
    """The memberships that end for arrears: plan_id, member_id.

    `collected`: settled/collections. `already_ended`: members whose cover ended since the publicity day for the arrears
    of an earlier period; they do not lapse twice.
    """
    unpaid = collected.where(F.col("status") == LAPSED).select("plan_id", "member_id")
    return unpaid.join(already_ended, on=["plan_id", "member_id"], how="left_anti")


def is_set_off(grace_ends_on: date) -> Column:
    """Whether a row of settled/collections was set off; null where nothing was collected."""
    return F.col("collected_on") == F.lit(grace_ends_on)


def set_off_part_fen(grace_ends_on: date) -> Column:
    """The part of a row's `collected_fen` that was set off."""
    return F.when(is_set_off(grace_ends_on), F.col("collected_fen")).otherwise(fen(0))


def set_off_fen_of(row: Mapping | None, grace_ends_on: date) -> int:
    """The same of one row on the driver; 0 without a row."""
    return row["collected_fen"] if row is not None and row["collected_on"] == grace_ends_on else 0
