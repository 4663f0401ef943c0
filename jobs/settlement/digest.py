"""Digests: the same rows give the same digest, whatever their order, files, partitioning or the cluster.

The digest of one plan's rows of one table in one period, so that another program can recompute it:
- `rows`: how many;
- `sums`: of every `_fen` column;
- `hash`: each row is hashed by Spark's xxhash64 (seed 42; each column's hash seeds the next; null leaves it unchanged)
  over the business columns in the order of the data dictionary: not run_id, not instants (`_at`), not the partition
  columns. `xor` is the xor of the row hashes, `low` and `high` the sums of their unsigned 32-bit halves.
The digest of a plan is the SHA-256 of the canonical JSON (sorted keys, no spaces) of its tables' digests.
"""

import hashlib
import json
from collections.abc import Iterable

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from schemas import Table

ROW_HASH = "__row_hash"


def with_row_hash(frame: DataFrame, table: Table) -> DataFrame:
    """The frame with the hash of each row, named ROW_HASH."""
    return frame.withColumn(ROW_HASH, F.xxhash64(*(F.col(column.name) for column in table.digested_columns)))


def digest_measures(table: Table, plan_id: str, row_filter: Column) -> list[Column]:
    """The aggregates that make up the digest of one plan's rows, named <plan>|<measure>."""
    row_hash = F.when(row_filter, F.col(ROW_HASH))
    measures = {
        "rows": F.count(row_hash),
        "xor": F.bit_xor(row_hash),
        "low": F.sum(row_hash.bitwiseAND(F.lit(0xFFFFFFFF))),
        "high": F.sum(F.shiftrightunsigned(row_hash, 32)),
        **{name: F.sum(F.when(row_filter, F.col(name))) for name in _amounts(table)},
    }
    return [measure.alias(f"{plan_id}|{name}") for name, measure in measures.items()]


def digests_of(measured: Row | dict, table: Table, plan_ids: Iterable[str]) -> dict[str, dict]:
    """The digests by plan, from one row of `digest_measures` of every plan."""
    values = measured if isinstance(measured, dict) else measured.asDict()
    return {plan_id: _digest(values, table, plan_id) for plan_id in plan_ids}


def plan_digest(tables: dict[str, dict]) -> str:
    """The digest of a plan over all its tables."""
    canonical = json.dumps(tables, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _digest(values: dict, table: Table, plan_id: str) -> dict:
    value = lambda name: values[f"{plan_id}|{name}"] or 0  # noqa: E731
    return {
        "rows": value("rows"),
        "sums": {name: value(name) for name in _amounts(table)},
        "hash": {"xor": value("xor"), "low": value("low"), "high": value("high")},
    }


def _amounts(table: Table) -> tuple[str, ...]:
    return table.amount_columns
