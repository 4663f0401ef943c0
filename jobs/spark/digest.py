"""Digests of stored rows: equal rows give the same digest, independent of order, files, partitioning and cluster.

The digest of one plan's rows of one table in one period has three parts, which another program can recompute:
- `rows`: the row count;
- `sums`: the sum of every `_fen` column;
- `hash`: each row is hashed by Spark's xxhash64 (seed 42; each column's hash seeds the next; a null leaves it as it
  is) over the business columns in the order of the data dictionary, without run_id, instants (`_at`) and partition
  columns. `xor` is the xor of the row hashes; `low` and `high` are the sums of their unsigned 32-bit halves.
The digest of a plan is the SHA-256 of the canonical JSON (sorted keys, no spaces) of its tables' digests.

The algorithm is written twice: in Spark for frames, and in Python (`digest_of_rows`) for rows on the driver.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import xxhash
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.base.canonical import canonical_json
from schemas import Table

ROW_HASH = "__row_hash"
SEED = 42
LOW = 0xFFFFFFFF
EPOCH = date(1970, 1, 1)


def with_row_hash(frame: DataFrame, table: Table) -> DataFrame:
    """The frame with each row's hash in a column named ROW_HASH."""
    return frame.withColumn(ROW_HASH, F.xxhash64(*(F.col(column.name) for column in table.digested_columns)))


def digest_measures(table: Table) -> list[Column]:
    """The aggregates over rows with ROW_HASH that make up a digest."""
    row_hash = F.col(ROW_HASH)
    measures = {
        "rows": F.count(row_hash),
        "xor": F.bit_xor(row_hash),
        "low": F.sum(row_hash.bitwiseAND(F.lit(LOW))),
        "high": F.sum(F.shiftrightunsigned(row_hash, 32)),
        **{name: F.sum(name) for name in table.amount_columns},
    }
    return [measure.alias(name) for name, measure in measures.items()]


def digest_of(measured: Mapping[str, int | None], table: Table) -> dict:
    """The digest from the values of `digest_measures`; missing or null values count as zero."""
    value = lambda name: measured.get(name) or 0  # noqa: E731
    return {
        "rows": value("rows"),
        "sums": {name: value(name) for name in table.amount_columns},
        "hash": {name: value(name) for name in ("xor", "low", "high")},
    }


def digest_of_rows(rows: Iterable[Mapping[str, Any]], table: Table) -> dict:
    """The digest of rows on the driver; equal to the digest of a frame with the same rows."""
    total = digest_of({}, table)
    for row in rows:
        row_hash = plain_hash((row[column.name], column.type) for column in table.digested_columns)
        total["rows"] += 1
        for name in table.amount_columns:
            total["sums"][name] += row[name] or 0
        total["hash"]["xor"] ^= signed(row_hash)
        total["hash"]["low"] += row_hash & LOW
        total["hash"]["high"] += row_hash >> 32
    return total


def plain_hash(values: Iterable[tuple[Any, str]]) -> int:
    """Spark's xxhash64 of (value, type) pairs as an unsigned number: each value's hash seeds the next.

    A list is hashed element by element; a null leaves the hash as it is.
    """
    row_hash = SEED
    for value, column_type in values:
        for part in value if isinstance(value, (list, tuple)) else [value]:
            if part is not None:
                row_hash = xxhash.xxh64_intdigest(_bytes(part, column_type), row_hash)
    return row_hash


def signed(row_hash: int) -> int:
    """An unsigned 64-bit hash as a signed BIGINT, the form Spark uses."""
    return row_hash - (1 << 64) if row_hash >> 63 else row_hash


def _bytes(value: Any, column_type: str) -> bytes:
    """The bytes that Spark hashes: integers as 8 or 4 bytes, dates as days since 1970, strings in UTF-8."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, date):
        return (value - EPOCH).days.to_bytes(4, "little", signed=True)
    return int(value).to_bytes(8 if column_type == "BIGINT" else 4, "little", signed=True)


def digest_of_all(digests: Iterable[dict], table: Table) -> dict:
    """The digest of several plans' rows of one table, from the digests of the plans."""
    total = digest_of({}, table)
    for digest in digests:
        total = {
            "rows": total["rows"] + digest["rows"],
            "sums": {name: total["sums"][name] + fen for name, fen in digest["sums"].items()},
            "hash": {
                "xor": total["hash"]["xor"] ^ digest["hash"]["xor"],
                **{half: total["hash"][half] + digest["hash"][half] for half in ("low", "high")},
            },
        }
    return total


def plan_digest(tables: Mapping[str, dict]) -> str:
    """The digest of a plan, from its digests by table."""
    return hashlib.sha256(canonical_json(tables).encode()).hexdigest()
