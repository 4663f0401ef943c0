"""The one place where money is divided and rounded. Whole fen in, whole fen out; every rounding has a name."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

PPM = 1_000_000


def floor(numerator: int, denominator: int) -> int:
    """Rounded down: towards minus infinity, also below zero."""
    return numerator // denominator


def ceil_fen(numerator: int, denominator: int) -> int:
    """Rounded up to the fen: what is less than one fen is charged as one fen."""
    return -(-numerator // denominator)


def half_up(numerator: int, denominator: int) -> int:
    """Rounded to the nearest fen, a half upwards."""
    return (2 * numerator + denominator) // (2 * denominator)


SHARE_ROUNDING = {"ceil_fen": ceil_fen, "half_up": half_up, "exact": floor}


@dataclass(frozen=True)
class Apportionment:
    """A pool divided over tiers: the share of one member of each tier, and how many members pay one fen more.

    `share_fen[tier] * covered + one_fen_more_count` summed over the tiers is `billed_fen`.
    """

    share_fen: Mapping[str, int]
    billed_by_tier_fen: Mapping[str, int]
    one_fen_more_count: int

    @property
    def billed_fen(self) -> int:
        return sum(self.billed_by_tier_fen.values()) + self.one_fen_more_count


def fee_on(benefit_fen: int, rate_ppm: int) -> int:
    """The administration fee on benefits, half up to the fen."""
    return half_up(benefit_fen * rate_ppm, PPM)


def fee_on_case(benefit_fen: Column, rate_ppm: int) -> Column:
    """The fee on one case, half up to the fen: the same rule as `fee_on`, for a column of benefits of at least zero."""
    numerator = benefit_fen * F.lit(rate_ppm).cast("bigint") + F.lit(PPM // 2).cast("bigint")
    # `div` on BIGINT is exact and, under ANSI, raises when the product overflows; a quotient by `/` would be a DOUBLE.
    return F.call_function("div", numerator, F.lit(PPM).cast("bigint"))


def in_yuan(fen: int) -> str:
    """An amount as people write it: 4.83 for 483 fen."""
    sign, rest = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{rest // 100:,}.{rest % 100:02d}"


def in_percent(part: int, whole: int) -> str:
    """A part of a whole above zero in per cent with one decimal, half up: 33.3% for 1 of 3."""
    tenths = half_up(1_000 * part, whole)
    return f"{tenths // 10}.{tenths % 10}%"


def ppm_in_percent(ppm: int) -> str:
    """A rate in per cent with one decimal, rounded down: 46.1% for 461,538 ppm."""
    tenths = floor(ppm, 1_000)
    return f"{tenths // 10}.{tenths % 10}%"


def whole_percent(ppm: int) -> str:
    """A rate in whole per cent, rounded down: 8% for 80,000 ppm."""
    return f"{floor(ppm * 100, PPM)}%"


def ceiling_count(row_count: int, ceiling_ppm: int, floor_rows: int) -> int:
    """So many of the rows are within a ceiling: its part of them rounded down, and at least the floor."""
    return max(floor_rows, floor(row_count * ceiling_ppm, PPM))


def apportion(
    pool_fen: int, covered_count: Mapping[str, int], weight_ppm: Mapping[str, int], rounding: str
) -> Apportionment:
    """Divides a pool over the covered members of each tier by weight, under a named rounding policy.

    share(tier) = pool x weight / sum(covered x weight). A pool of zero or less charges nobody. Under `exact` every
    share is rounded down and `one_fen_more_count` members pay one fen more, so that the shares are the pool.
    """
    basis = sum(covered_count[tier] * weight_ppm[tier] for tier in covered_count)
    divided_fen = max(pool_fen, 0)
    if basis == 0:
        return Apportionment(dict.fromkeys(covered_count, 0), dict.fromkeys(covered_count, 0), 0)
    divide = SHARE_ROUNDING[rounding]
    share_fen = {tier: divide(divided_fen * weight_ppm[tier], basis) for tier in covered_count}
    billed_fen = {tier: share_fen[tier] * covered_count[tier] for tier in covered_count}
    missing_fen = divided_fen - sum(billed_fen.values()) if rounding == "exact" else 0
    return Apportionment(share_fen, billed_fen, missing_fen)


def fee_part(share_fen: int, fee_fen: int, benefit_fen: int) -> int:
    """The part of a share that is fee, as it is shown: share x fee / (benefit + fee), half up."""
    return half_up(share_fen * fee_fen, benefit_fen + fee_fen) if benefit_fen + fee_fen else 0


def pro_rata(fee_fen: int, part_fen: int, whole_fen: int) -> int:
    """The part of the fee that goes with a part of the money, rounded down; all of it once the part is the whole.

    A part can be more than the whole where less than nothing was brought forward; the fee is all there is then.
    """
    return floor(fee_fen * min(part_fen, whole_fen), whole_fen) if whole_fen > 0 else 0


def split(amount_fen: int, weights: Mapping[str, int]) -> dict[str, int]:
    """An amount divided over names by weight, to the fen: each gets the difference of two totals rounded down.

    Without any weight everything goes to the first name. Names are taken in order, so the same amount and weights
    always split alike.
    """
    parts, weight_so_far, given_fen = {}, 0, 0
    whole = sum(weights.values())
    for name in sorted(weights):
        weight_so_far += weights[name]
        until_fen = floor(amount_fen * weight_so_far, whole) if whole else amount_fen
        parts[name] = until_fen - given_fen
        given_fen = until_fen
    return parts
