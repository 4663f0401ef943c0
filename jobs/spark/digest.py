"""Digests: the same rows give the same digest, whatever their order, files, partitioning or the cluster.

The digest of one plan's rows of one table in one period, so that another program can recompute it:
- `rows`: how many;
- `sums`: of every `_fen` column;
- `hash`: each row is hashed by Spark's xxhash64 (seed 42; each column's hash seeds the next; null leaves it unchanged)
  over the business columns in the order of the data dictionary: not run_id, not instants (`_at`), not the partition
  columns. `xor` is the xor of the row hashes, `low` and `high` the sums of their unsigned 32-bit halves.
The digest of a plan is the SHA-256 of the canonical JSON (sorted keys, no spaces) of its tables' digests.

Each rule stands here twice: in Spark for frames, and in plain Python (`digest_of_rows`) for rows on the driver.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import xxhash
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.canonical import canonical_json
from schemas import Table

ROW_HASH = "__row_hash"
SEED = 42
LOW = 0xFFFFFFFF
EPOCH = date(1970, 1, 1)


def with_row_hash(frame: DataFrame, table: Table) -> DataFrame:
    """The frame with the hash of each row, named ROW_HASH."""
    return frame.withColumn(ROW_HASH, F.xxhash64(*(F.col(column.name) for column in table.digested_columns)))


def digest_measures(table: Table) -> list[Column]:
    """The aggregates that make up a digest."""
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
    """The digest, from the values of `digest_measures`; of no rows where nothing was measured."""
    value = lambda name: measured.get(name) or 0  # noqa: E731
    return {
        "rows": value("rows"),
        "sums": {name: value(name) for name in table.amount_columns},
        "hash": {name: value(name) for name in ("xor", "low", "high")},
    }


def digest_of_rows(rows: Iterable[Mapping[str, Any]], table: Table) -> dict:
    """The digest of rows on the driver: the same as Spark's of the same rows."""
    whole = digest_of({}, table)
    for row in rows:
        row_hash = plain_hash((row[column.name], column.type) for column in table.digested_columns)
        whole["rows"] += 1
        for name in table.amount_columns:
            whole["sums"][name] += row[name] or 0
        whole["hash"]["xor"] ^= signed(row_hash)
        whole["hash"]["low"] += row_hash & LOW
        whole["hash"]["high"] += row_hash >> 32
    return whole


def plain_hash(values: Iterable[tuple[Any, str]]) -> int:
    """Spark's xxhash64 of values, each with its type, as a number without sign: each value's hash seeds the next."""
    row_hash = SEED
    for value, kind in values:
        for part in value if isinstance(value, (list, tuple)) else [value]:
            if part is not None:
                row_hash = xxhash.xxh64_intdigest(_bytes(part, kind), row_hash)
    return row_hash


def signed(row_hash: int) -> int:
    """The hash as Spark's BIGINT, which has a sign."""
    return row_hash - (1 << 64) if row_hash >> 63 else row_hash


def _bytes(value: Any, kind: str) -> bytes:
    """A value as Spark hashes it: whole numbers of 8 or 4 bytes, days since 1970, texts in UTF-8."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, date):
        return (value - EPOCH).days.to_bytes(4, "little", signed=True)
    return int(value).to_bytes(8 if kind == "BIGINT" else 4, "little", signed=True)


def digest_of_all(digests: Iterable[dict], table: Table) -> dict:
    """The digest of several plans' rows together."""
    whole = digest_of({}, table)
    for digest in digests:
        whole = {
            "rows": whole["rows"] + digest["rows"],
            "sums": {name: whole["sums"][name] + fen for name, fen in digest["sums"].items()},
            "hash": {
                "xor": whole["hash"]["xor"] ^ digest["hash"]["xor"],
                **{half: whole["hash"][half] + digest["hash"][half] for half in ("low", "high")},
            },
        }
    return whole


def plan_digest(tables: dict[str, dict]) -> str:
    """The digest of a plan over all its tables."""
    return hashlib.sha256(canonical_json(tables).encode()).hexdigest()
