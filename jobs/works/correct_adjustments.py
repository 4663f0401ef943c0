"""The rows of settled/adjustments: each difference of a corrected period, and which payer is asked or refunded."""

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.base.errors import Refused
from jobs.collection.set_off_and_lapse import LAPSED
from jobs.correction.additional_dues import WRITTEN_OFF as DUE_WRITTEN_OFF
from jobs.correction.dispositions import (
    ASKED,
    DISPOSITIONS,
    POOLED,
    REFUNDED,
    WRITTEN_OFF,
    disposition_columns,
    reason_column,
)
from jobs.register.publications import published, rows_of
from jobs.settlement.coverage import COVERED, lapsed_on
from jobs.spark.by_plan import by_plan, fen
from jobs.spark.id_filter import filter_of_ids, with_passed
from jobs.works.correct_differences import looked_up
from jobs.works.correct_pinning import PinnedCorrection
from jobs.works.corrections import ADJUSTMENTS, COLLECTIONS, KEY, REINSTATEMENTS
from jobs.works.cover import with_cover
from jobs.works.earlier_arrears import paid_by_later_aid


def effective_dues(pinned: PinnedCorrection) -> DataFrame:
    """One row per member assessed or corrected so far: plan_id, member_id, stored_payer, stored_tier, asked_payer,
    effective_due_fen, pooled_fen."""
    settled = [pinned.settled[p] for p in pinned.plan_ids]
    stored = rows_of(pinned.lake, "settled/assessments", settled).select(
        *KEY, F.col("payer_id").alias("stored_payer"), F.col("tier").alias("stored_tier"), "due_fen"
    )
    if not pinned.of_origin.publications:
        nothing = {"asked_payer": F.lit(None).cast("bigint"), "pooled_fen": fen(0)}
        return stored.withColumns(nothing).withColumnRenamed("due_fen", "effective_due_fen")
    is_pooled = F.col("disposition") == POOLED
    corrected = (
        pinned.of_origin.member_rows()
        .groupBy(*KEY)
        .agg(
            F.sum("delta_fen").alias("delta_fen"),
            F.sum(F.when(is_pooled, F.col("delta_fen")).otherwise(fen(0))).alias("pooled_fen"),
            F.max(F.when(~is_pooled, F.col("payer_id"))).alias("asked_payer"),
        )
    )
    effective_fen = F.coalesce("due_fen", fen(0)) + F.coalesce("delta_fen", fen(0))
    return stored.join(looked_up(corrected), list(KEY), "full_outer").select(
        *KEY, "stored_payer", "stored_tier", "asked_payer", effective_fen.alias("effective_due_fen"),
        F.coalesce("pooled_fen", fen(0)).alias("pooled_fen"),
    )  # fmt: skip


def open_write_offs(pinned: PinnedCorrection) -> DataFrame:
    """One row per member with a write-off of the period that is not taken back: plan_id, member_id, written_off_fen.

    Of his due, and of additional dues; less what corrections, reinstatements and later aid took back.
    """
    collected = rows_of(pinned.lake, "settled/collections", [pinned.collected[p] for p in pinned.plan_ids])
    part = lambda rows, amount: rows.select(*KEY, amount.alias("fen"))  # noqa: E731
    parts = part(collected.where(F.col("status") == LAPSED), F.col("due_fen") - F.col("collected_fen"))
    if pinned.of_origin.publications:
        of_origin = F.col("origin_period") == pinned.origin_name
        known = {p.period for p in pinned.of_origin.publications}
        closed = published(pinned.lake.small, "close")  # before it, an additional due may still be met
        later = [p for key, p in published(pinned.lake.small, "collect").items() if key[0] in known and key in closed]
        lost = rows_of(pinned.lake, COLLECTIONS, later).where(of_origin & (F.col("status") == DUE_WRITTEN_OFF))
        taken = pinned.of_origin.member_rows().where(F.col("disposition") == WRITTEN_OFF)
        void = rows_of(pinned.lake, REINSTATEMENTS, pinned.of_origin.publications)
        for rows, amount in ((lost, F.col("delta_fen")), (taken, F.col("delta_fen")), (void, -F.col("amount_fen"))):
            parts = parts.unionByName(part(rows, amount))
    paid = paid_by_later_aid(pinned.lake, pinned.request.platform.calendar, pinned.origin_name, pinned.plan_ids)
    if paid is not None:
        parts = parts.unionByName(paid.select(*KEY, (-F.col("fen")).alias("fen")))
    return parts.groupBy(*KEY).agg(F.sum("fen").alias("written_off_fen")).where("written_off_fen > 0")


def with_unbilled(pinned: PinnedCorrection, rows: DataFrame) -> DataFrame:
    """The rows (per member) with what earlier corrections of the period asked of him or refunded into the same open
    period: unbilled_asked_fen, asked_of; unbilled_refund_fen, refunded_to. Of several payers, the one with the most."""
    no_payer = F.lit(None).cast("bigint")
    into = pinned.of_origin.into(str(pinned.request.period))
    if not into.publications:
        nothing = {
            "unbilled_asked_fen": fen(0),
            "asked_of": no_payer,
            "unbilled_refund_fen": fen(0),
            "refunded_to": no_payer,
        }
        return rows.withColumns(nothing)
    by_payer = into.member_rows().groupBy(*KEY, "disposition", "payer_id").agg(F.sum("delta_fen").alias("fen"))
    is_asked, is_refunded = F.col("disposition") == ASKED, F.col("disposition") == REFUNDED
    most = by_payer.groupBy(*KEY).agg(
        F.max(F.when(is_asked, F.struct("fen", "payer_id"))).alias("asked"),
        F.max(F.when(is_refunded, F.struct((-F.col("fen")).alias("fen"), "payer_id"))).alias("refunded"),
    )
    return rows.join(most, list(KEY), "left").withColumns(
        {
            "unbilled_asked_fen": F.coalesce("asked.fen", fen(0)),
            "asked_of": F.col("asked.payer_id"),
            "unbilled_refund_fen": F.coalesce("refunded.fen", fen(0)),
            "refunded_to": F.col("refunded.payer_id"),
        }
    )


def check_refunds(pinned: PinnedCorrection, rows: DataFrame) -> None:
    """Raises Refused if a member would be refunded while an additional due of the same period may still be unmet.

    `rows`: of settled/adjustments. Otherwise he is paid for a due that he never meets and that is written off.
    """
    into, closed = str(pinned.request.period), published(pinned.lake.small, "close")
    open_acts = [
        act for act in pinned.of_origin.publications if act.period != into and (act.period, act.plan_id) not in closed
    ]
    if not open_acts:
        return
    dues = rows_of(pinned.lake, ADJUSTMENTS, open_acts)
    asked = dues.where((F.col("disposition") == ASKED) & (F.col("delta_fen") > 0)).select(*KEY).distinct()
    refunded = rows.where((F.col("disposition") == REFUNDED) & (F.col("delta_fen") < 0))
    count = refunded.join(asked, list(KEY), "left_semi").count()
    if count:
        periods = sorted({act.period for act in open_acts})
        raise Refused(
            f"Period {pinned.origin_name}: {count:,} members would be refunded, but what corrections asked of them in "
            f"{', '.join(periods)} may still be paid or not. Nothing was corrected. Collect it to the grace limit and "
            f"close it with `fentan close --period {periods[0]}`, then correct again."
        )


def covered_into(
    pinned: PinnedCorrection, spells: DataFrame, reinstated: DataFrame | None, of_several: DataFrame | None = None
) -> DataFrame:
    """One row per member covered on the open period's publicity day as known now: plan_id, member_id, payer_today.

    `spells`: sound spells, all of each member. `reinstated`: the members whose lapse this correction makes void.
    `of_several`: the spells of every member with several; if given, the spells of the others are not grouped.
    """
    day = pinned.request.publicity_on
    lapses = _lapses_until(pinned, reinstated)
    columns = (*KEY, "payer_id", "joined_on", "exited_on")
    covered = with_cover(spells.select(*columns), lapses, day).where(F.col("cover") == COVERED)
    if of_several is None:
        return _with_lowest_payer(covered)
    flagged = with_passed(covered, "member_id", filter_of_ids(of_several, "member_id"), "may_have_several")
    alone = flagged.where("not may_have_several").select(*KEY, F.col("payer_id").alias("payer_today"))
    return alone.unionByName(_with_lowest_payer(flagged.where("may_have_several")))


def _with_lowest_payer(covered: DataFrame) -> DataFrame:
    return covered.groupBy(*KEY).agg(F.min("payer_id").alias("payer_today"))


def adjustments(
    pinned: PinnedCorrection, differing: DataFrame, written_off: DataFrame, covered: DataFrame
) -> DataFrame:
    """The rows of settled/adjustments, without period and run. Key: plan_id, member_id, disposition.

    `differing`: from `differences`. `written_off`: from `open_write_offs`, less what this correction takes back by
    reinstatement. `covered`: from `covered_into`.
    """
    rows = (
        with_unbilled(pinned, differing)
        .join(written_off, list(KEY), "left")
        .join(covered, list(KEY), "left")
        .withColumns(
            {
                "written_off_fen": F.coalesce("written_off_fen", fen(0)),
                "is_covered": F.col("payer_today").isNotNull(),
                "reason": reason_column(),
            }
        )
    )
    charged_then = F.coalesce("stored_payer", "asked_payer", "payer_today", "payer_now")
    charged_now = F.coalesce("payer_today", "payer_now", "stored_payer", "asked_payer")
    parts = disposition_columns(pinned.request.platform.correction_threshold_fen)
    with_parts = rows.withColumns({name: part_fen.cast("bigint") for name, part_fen in parts.items()})
    split = with_parts.select(*KEY, "reason", charged_then.alias("then"), charged_now.alias("now"), "asked_of",
                              "refunded_to", F.explode(_parts()).alias("part"))  # fmt: skip
    disposition, is_less = F.col("part.disposition"), F.col("part.delta_fen") < 0
    payer = (
        F.when((disposition == ASKED) & is_less, F.col("asked_of"))
        .when((disposition == REFUNDED) & ~is_less, F.col("refunded_to"))
        .when(disposition.isin(REFUNDED, WRITTEN_OFF), F.col("then"))
        .otherwise(F.col("now"))
    )
    return split.where("part.delta_fen <> 0").select(
        "plan_id",
        F.lit(pinned.origin_name).alias("origin_period"),
        _revisions(pinned.revision).alias("revision"),
        "member_id",
        F.col("part.disposition").alias("disposition"),
        payer.alias("payer_id"),
        F.col("part.delta_fen").alias("delta_fen"),
        "reason",
    )


def _parts() -> Column:
    """The parts of a row with a column for each disposition, as an array. A row with one part, as nearly all have,
    gives only that, because four of each would take most of the time; one with several gives all, zeros included."""
    structs = {
        name: F.struct(F.lit(name).alias("disposition"), F.col(name).alias("delta_fen")) for name in DISPOSITIONS
    }
    count = reduce(Column.__add__, ((F.col(name) != 0).cast("int") for name in DISPOSITIONS))
    only = F.array(structs[POOLED])
    for name in (ASKED, REFUNDED, WRITTEN_OFF):
        only = F.when(F.col(name) != 0, F.array(structs[name])).otherwise(only)
    return F.when(count == 1, only).otherwise(F.array(*structs.values()))


def _revisions(revision: Mapping[str, int]) -> Column:
    return by_plan({p: F.lit(number) for p, number in revision.items()}, F.lit(None)).cast("int")


def _lapses_until(pinned: PinnedCorrection, reinstated: DataFrame | None) -> DataFrame | None:
    """The lapses that end cover by the open period's publicity day: plan_id, member_id, lapsed_on."""
    calendar = pinned.request.platform.calendar
    ended = [
        act
        for act in published(pinned.lake.small, "collect").values()
        if calendar.grace_ends_on(calendar.period(act.period)) <= pinned.request.publicity_on
    ]
    if not ended:
        return None
    rows = pinned.every.without_reinstated(rows_of(pinned.lake, "settled/lapses", ended))
    if reinstated is not None:
        void = reinstated.select(*KEY, F.lit(pinned.origin_name).alias("period"))
        rows = rows.join(F.broadcast(void), [*KEY, "period"], "left_anti")
    return rows.select(*KEY, lapsed_on(pinned.request.platform.time_zone))
