"""The disposition of a member's difference: charged (ASKED), refunded, taken from a write-off, or pooled.

Which payer is asked or refunded: `jobs.works.correct_adjustments`.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.spark.by_plan import fen

# Published dispositions and reasons of settled/adjustments.
ASKED, REFUNDED, WRITTEN_OFF, POOLED = "asked", "refunded", "written_off", "pooled"
DISPOSITIONS = (ASKED, REFUNDED, WRITTEN_OFF, POOLED)
NOT_COVERED, NEWLY_COVERED, OTHER_TIER, OTHER_SHARE = "not_covered", "newly_covered", "tier", "share"


def dispositions(
    difference_fen: int,
    pooled_fen: int,
    written_off_fen: int,
    is_covered: bool,
    threshold_fen: int,
    unbilled_asked_fen: int = 0,
    unbilled_refund_fen: int = 0,
) -> dict[str, int]:
    """The parts of one member's difference by disposition, in fen; they add up to it, and none is zero.

    `pooled_fen`: the sum of his pooled differences of the same origin so far. `written_off_fen`: what is written off of
    his dues and additional dues of that origin, and not taken back. `is_covered`: on the publicity day of the open
    period, as known now. `threshold_fen`: amounts below it are pooled. `unbilled_asked_fen`, `unbilled_refund_fen`:
    what corrections of that origin into the same open period asked of him, or refunded: no bill has it yet. In order:
    1. what was pooled with the other sign is pooled back first: an amount that nobody paid is not refunded, and one
       that was not refunded is not asked;
    2. what is asked but not billed yet is asked no more (a negative part), and a refund that is not paid out yet is
       refunded no more (a positive part): nobody is paid for a due that he may never meet;
    3. a refund takes back his write-off;
    4. a rest below the threshold is pooled, and a rest to ask of a member without cover;
    5. the rest is asked, or refunded.
    """
    sign = 1 if difference_fen > 0 else -1
    size_fen = abs(difference_fen)
    pooled_back_fen = min(size_fen, max(-sign * pooled_fen, 0))
    left_fen = size_fen - pooled_back_fen
    cancelled_fen = min(left_fen, max(unbilled_refund_fen if sign > 0 else unbilled_asked_fen, 0))
    left_fen -= cancelled_fen
    taken_fen = min(left_fen, max(written_off_fen, 0)) if sign < 0 else 0
    left_fen -= taken_fen
    is_pooled = left_fen < threshold_fen or (sign > 0 and not is_covered)
    parts = {
        ASKED: (0 if is_pooled else left_fen) if sign > 0 else -cancelled_fen,
        REFUNDED: (0 if is_pooled else -left_fen) if sign < 0 else cancelled_fen,
        WRITTEN_OFF: -taken_fen,
        POOLED: sign * (pooled_back_fen + (left_fen if is_pooled else 0)),
    }
    return {name: part_fen for name, part_fen in parts.items() if part_fen}


def disposition_columns(threshold_fen: int) -> dict[str, Column]:
    """`dispositions` for rows with its arguments as columns; 0 for absent parts."""
    zero = fen(0)
    difference_fen = F.col("difference_fen")
    is_more = difference_fen > 0
    size_fen = F.abs(difference_fen)
    other_sign_fen = F.when(is_more, -F.col("pooled_fen")).otherwise(F.col("pooled_fen"))
    pooled_back_fen = F.least(size_fen, F.greatest(other_sign_fen, zero))
    after_pooled_fen = size_fen - pooled_back_fen
    unbilled_fen = F.when(is_more, F.col("unbilled_refund_fen")).otherwise(F.col("unbilled_asked_fen"))
    cancelled_fen = F.least(after_pooled_fen, F.greatest(unbilled_fen, zero))
    after_cancelled_fen = after_pooled_fen - cancelled_fen
    taken_fen = F.when(is_more, zero).otherwise(F.least(after_cancelled_fen, F.greatest("written_off_fen", zero)))
    left_fen = after_cancelled_fen - taken_fen
    is_pooled = (left_fen < F.lit(threshold_fen)) | (is_more & ~F.col("is_covered"))
    pooled_size_fen = pooled_back_fen + F.when(is_pooled, left_fen).otherwise(zero)
    return {
        ASKED: F.when(is_more, F.when(is_pooled, zero).otherwise(left_fen)).otherwise(-cancelled_fen),
        REFUNDED: F.when(is_more, cancelled_fen).otherwise(F.when(is_pooled, zero).otherwise(-left_fen)),
        WRITTEN_OFF: -taken_fen,
        POOLED: F.when(is_more, pooled_size_fen).otherwise(-pooled_size_fen),
    }


def reason_of(stored_tier: str | None, tier: str | None, effective_due_fen: int) -> str:
    """Why a member's due differs. Tiers: in the closed period and recomputed; None: not assessed."""
    if tier is None:
        return NOT_COVERED
    if stored_tier is None:
        return OTHER_SHARE if effective_due_fen else NEWLY_COVERED
    return OTHER_TIER if stored_tier != tier else OTHER_SHARE


def reason_column() -> Column:
    """`reason_of` for rows with stored_tier, tier and effective_due_fen."""
    stored_tier, tier = F.col("stored_tier"), F.col("tier")
    return (
        F.when(tier.isNull(), NOT_COVERED)
        .when(stored_tier.isNull(), F.when(F.col("effective_due_fen") != 0, OTHER_SHARE).otherwise(NEWLY_COVERED))
        .when(stored_tier != tier, OTHER_TIER)
        .otherwise(OTHER_SHARE)
    )
