"""Other engines read the settled tables with the documented columns and can recompute the digest."""

import json
import struct

import duckdb
import polars as pl
import xxhash
from deltalake import DeltaTable

from schemas import TABLES
from tests.shown import FIRST, PLAN

WRITTEN = (
    "settled/benefits", "settled/pools", "settled/rates", "settled/assessments", "settled/bills", "ledger/journal",
    "ledger/fee", "ledger/balances", "settled/collections", "settled/lapses", "control/runs", "control/publications",
    "control/quality", "control/quarantine_members", "control/quarantine_receipts", "report/publicity",
    "report/period_summary", "report/ageing", "report/annual",
)  # fmt: skip


def test_delta_rs_duckdb_and_polars_read_every_table(shown):
    for name in WRITTEN:
        path = str(shown.folder / name)
        table = DeltaTable(path)
        assert table.protocol().min_reader_version == 1, name
        frame = pl.read_delta(path)
        assert set(frame.columns) == set(TABLES[name].column_names), name
        files = table.file_uris()
        query = f"select count(*) from read_parquet({files!r}, hive_partitioning = true)"
        assert duckdb.connect().execute(query).fetchall() == [(frame.height,)], name


def row_hash(row: dict) -> int:
    """Spark's xxhash64 as documented in jobs/spark/digest.py, by another implementation of XXH64."""
    seed = 42
    for column in TABLES["settled/bills"].digested_columns:
        seed = xxhash.xxh64_intdigest(struct.pack("<q", row[column.name]), seed)
    return seed


def test_another_program_recomputes_the_digest(shown):
    bills = pl.read_delta(str(shown.folder / "settled/bills")).filter(period=FIRST, plan_id=PLAN).to_dicts()
    hashes = [row_hash(row) for row in bills]
    xor = 0
    for value in hashes:
        xor ^= value
    (run,) = shown.rows("control/runs", job="settle")
    recorded = json.loads(run["digests"])[PLAN]["settled/bills"]
    assert recorded["rows"] == len(bills) == 38
    assert recorded["sums"] == {name: sum(row[name] for row in bills) for name in ("due_fen", "adjustment_fen")}
    assert recorded["hash"] == {
        "xor": xor - 2**64 if xor >= 2**63 else xor,
        "low": sum(value & 0xFFFFFFFF for value in hashes),
        "high": sum(value >> 32 for value in hashes),
    }
