"""Spark's xxhash64 of many BIGINTs at once, in NumPy; `explain` ranks a member among all members of a plan by it."""

import numpy as np

# The five primes of the XXH64 algorithm.
P1, P2, P3, P4, P5 = (
    np.uint64(prime)
    for prime in (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
)


def hashes_of_numbers(numbers: np.ndarray, seed: int) -> np.ndarray:
    """The signed XXH64 hash of each int64, over its eight bytes, with this seed."""
    with np.errstate(over="ignore"):
        lane = _rotated(numbers.view(np.uint64) * P2, 31) * P1
        start = np.uint64(seed) + P5 + np.uint64(8)
        state = _rotated(start ^ lane, 27) * P1 + P4
        state = (state ^ (state >> np.uint64(33))) * P2
        state = (state ^ (state >> np.uint64(29))) * P3
        return (state ^ (state >> np.uint64(32))).view(np.int64)


def _rotated(values: np.ndarray, bit_count: int) -> np.ndarray:
    return (values << np.uint64(bit_count)) | (values >> np.uint64(64 - bit_count))
