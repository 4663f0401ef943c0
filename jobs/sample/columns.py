"""The column expressions of the sample tables: fields of a hash, straight lines between knots, look-up tables.

All are integer expressions of an id and a seed, so that a row does not depend on where and when it is computed.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise

from pyspark.sql import Column
from pyspark.sql import functions as F

Knots = Sequence[tuple[int, int]]
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def day_number(day: date) -> int:
    """Days since 1970-01-01, Spark's own count of a DATE."""
    return day.toordinal() - EPOCH_ORDINAL


def to_date(day: Column) -> Column:
    """The DATE of a day number."""
    return F.date_from_unix_date(day.cast("int"))


def big(value: int) -> Column:
    """A BIGINT literal, in one call to the JVM: a world has thousands of them."""
    return F.expr(f"{value}L")


def div(numerator: Column, denominator: int) -> Column:
    """The whole quotient; `/` would give a DOUBLE."""
    return F.call_function("div", numerator, big(denominator))


def bits(draw: str, from_bit: int, width: int) -> Column:
    """A field of `width` bits of a 64-bit hash, as a number from 0 to 2^width - 1."""
    return F.shiftrightunsigned(F.col(draw), from_bit).bitwiseAND(big((1 << width) - 1))


def scaled(field: Column, width: int, count: Column | int) -> Column:
    """A field of `width` bits scaled to 0 .. count - 1."""
    return F.shiftright(field * (big(count) if isinstance(count, int) else count), width)


def interpolate(x: Column, knots: Knots) -> Column:
    """The value at x of the line through the knots (whole numbers, x ascending); beyond the last knot, its y."""
    value = None
    for (x0, y0), (x1, y1) in pairwise(knots):
        on_the_line = big(y0) + div((x - big(x0)) * big(y1 - y0), x1 - x0)
        value = F.when(x < x1, on_the_line) if value is None else value.when(x < x1, on_the_line)
    return value.otherwise(big(knots[-1][1]))


def interpolate_value(x: int, knots: Knots) -> int:
    """The value at one number of the same line, which is constant before the first knot and after the last."""
    if x <= knots[0][0]:
        return knots[0][1]
    for (x0, y0), (x1, y1) in pairwise(knots):
        if x < x1:
            return y0 + (x - x0) * (y1 - y0) // (x1 - x0)
    return knots[-1][1]


def spread(weights: Mapping, places: int) -> list:
    """A look-up table: a list of `places` keys, each as often as its weight requires (largest remainders)."""
    total = sum(weights.values())
    counts = {key: weight * places // total for key, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda key: (-(weights[key] * places % total), str(key)))
    for key in by_remainder[: places - sum(counts.values())]:
        counts[key] += 1
    return [key for key, count in counts.items() for _ in range(count)]


def pick(index: Column, values: Sequence, sql_type: str) -> Column:
    """The value at an index (from 0) of a constant list; null outside the list.

    The list is one literal that the optimizer splits once: one literal per value would take seconds to plan.
    """
    listed = F.split(F.lit(",".join(str(value) for value in values)), ",", -1).cast(f"array<{sql_type}>")
    return F.get(listed, index.cast("int"))
