"""The oracle's own rounding of exact fractions to whole fen."""

from fractions import Fraction
from math import floor


def half_up(amount: Fraction) -> int:
    return floor(amount + Fraction(1, 2))


def ceil_fen(amount: Fraction) -> int:
    return -floor(-amount)
