"""All division and rounding of money: whole fen in, whole fen out.

`SHARE_ROUNDING` holds the rounding policies that the rule `rounding` of a plan can name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

PPM = 1_000_000


def floor(numerator: int, denominator: int) -> int:
    """Rounded down, towards minus infinity (-1 / 2 is -1)."""
    return numerator // denominator


def ceil_fen(numerator: int, denominator: int) -> int:
    """Rounded up to the fen: a fraction of a fen is charged as one fen."""
    return -(-numerator // denominator)


def half_up(numerator: int, denominator: int) -> int:
    """Rounded to the nearest fen; half a fen is rounded up."""
    return (2 * numerator + denominator) // (2 * denominator)


SHARE_ROUNDING = {"ceil_fen": ceil_fen, "half_up": half_up, "exact": floor}


@dataclass(frozen=True)
class Apportionment:
    """A pool divided over tiers.

    `share_fen`: by tier, the share of one member. `billed_by_tier_fen`: by tier, share x covered members.
    `one_fen_more_count`: how many members of the plan pay one fen in addition (`exact` rounding only).
    """

    share_fen: Mapping[str, int]
    billed_by_tier_fen: Mapping[str, int]
    one_fen_more_count: int

    @property
    def billed_fen(self) -> int:
        """The sum of all members' shares."""
        return sum(self.billed_by_tier_fen.values()) + self.one_fen_more_count


def fee_on(benefit_fen: int, rate_ppm: int) -> int:
    """The administration fee on benefits, rounded half up. Source: rule `fee_rate`."""
    return half_up(benefit_fen * rate_ppm, PPM)


def fee_on_case(benefit_fen: int, rate_ppm: int) -> int:
    """The fee on one case, rounded up to the fen: only the rule `per_case_cap` counts it, no account holds it."""
    return ceil_fen(benefit_fen * rate_ppm, PPM)


def fee_on_case_column(benefit_fen: Column, rate_ppm: int) -> Column:
    """`fee_on_case` for a column. Benefits must not be negative."""
    numerator = benefit_fen * F.lit(rate_ppm).cast("bigint") + F.lit(PPM - 1).cast("bigint")
    # `div` on BIGINT is exact, and in ANSI mode an overflow of the product raises; `/` would give a DOUBLE.
    return F.call_function("div", numerator, F.lit(PPM).cast("bigint"))


def case_allowance(cap_fen: int, covered_count: Mapping[str, int], weight_ppm: Mapping[str, int]) -> int:
    """What one case may cost all members together: cap x sum(covered x weight), rounded down. Maps are by tier.

    It is counted by weight, as the shares are: a member of weight 1 pays no more than the cap for one case, and a
    member of a lighter tier no more than his part of it.
    """
    return floor(cap_fen * sum(count * weight_ppm[tier] for tier, count in covered_count.items()), PPM)


def above_allowance(benefit_fen: int, rate_ppm: int, allowance_fen: int) -> int:
    """The part of one case, benefit and fee, that the platform sponsors. Source: rule `per_case_cap`."""
    return max(benefit_fen + fee_on_case(benefit_fen, rate_ppm) - allowance_fen, 0)


def in_yuan(fen: int) -> str:
    """An amount in yuan as text: 4.83 for 483 fen."""
    sign, rest = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{rest // 100:,}.{rest % 100:02d}"


def in_percent(part: int, whole: int) -> str:
    """A part of a whole in per cent with one decimal, rounded half up: 33.3% for 1 of 3. The whole must be positive."""
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
    """How many rows a ceiling allows: its fraction of the rows, rounded down, but never less than the floor."""
    return max(floor_rows, floor(row_count * ceiling_ppm, PPM))


def apportion(
    pool_fen: int, covered_count: Mapping[str, int], weight_ppm: Mapping[str, int], rounding: str
) -> Apportionment:
    """Divides a pool over the covered members of each tier. Rules: `tier_weights` and `rounding`.

    share(tier) = pool x weight / sum(covered x weight). A pool of zero or less gives shares of zero. Under `exact`
    every share is rounded down and `one_fen_more_count` members pay one fen more: the shares add up to the pool.
    """
    total_weight = sum(covered_count[tier] * weight_ppm[tier] for tier in covered_count)
    to_divide_fen = max(pool_fen, 0)
    if total_weight == 0:
        return Apportionment(dict.fromkeys(covered_count, 0), dict.fromkeys(covered_count, 0), 0)
    divide = SHARE_ROUNDING[rounding]
    share_fen = {tier: divide(to_divide_fen * weight_ppm[tier], total_weight) for tier in covered_count}
    billed_fen = {tier: share_fen[tier] * covered_count[tier] for tier in covered_count}
    # One fen per member: what rounding down left undivided is less than the number of members.
    undivided_fen = to_divide_fen - sum(billed_fen.values()) if rounding == "exact" else 0
    return Apportionment(share_fen, billed_fen, one_fen_more_count=undivided_fen)


def fee_part(share_fen: int, fee_fen: int, benefit_fen: int) -> int:
    """The part of a share that is reported as fee: share x fee / (benefit + fee), rounded half up."""
    return half_up(share_fen * fee_fen, benefit_fen + fee_fen) if benefit_fen + fee_fen else 0


def pro_rata(fee_fen: int, part_fen: int, whole_fen: int) -> int:
    """The part of a fee in proportion to a part of the money: fee x part / whole, rounded down.

    A negative residual brought forward can make the part larger than the whole; the result is then the whole fee.
    """
    return floor(fee_fen * min(part_fen, whole_fen), whole_fen) if whole_fen > 0 else 0


def split(amount_fen: int, weights: Mapping[str, int]) -> dict[str, int]:
    """An amount divided over names by weight; the parts add up to the amount exactly.

    Each cumulative amount is rounded down, in alphabetical order of the names; a part is the difference of two of them.
    If all weights are zero, the first name gets everything.
    """
    parts, weight_so_far, assigned_fen = {}, 0, 0
    total_weight = sum(weights.values())
    for name in sorted(weights):
        weight_so_far += weights[name]
        cumulative_fen = floor(amount_fen * weight_so_far, total_weight) if total_weight else amount_fen
        parts[name] = cumulative_fen - assigned_fen
        assigned_fen = cumulative_fen
    return parts
