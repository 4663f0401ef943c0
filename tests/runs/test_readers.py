"""Readers of other kinds open what was settled, see the design's columns, and can recompute the digest."""

import json
import struct

import duckdb
import polars as pl
import pytest
import xxhash
from deltalake import DeltaTable

from schemas import TABLES
from tests.lakes import LakeFolder, claim, member

WRITTEN = (
    "settled/benefits", "settled/pools", "settled/rates", "settled/assessments", "settled/bills", "ledger/journal",
    "ledger/fee", "control/runs", "control/publications", "control/quality", "control/quarantine_members",
)  # fmt: skip


@pytest.fixture(scope="module")
def settled(spark, tmp_path_factory):
    lake, bad = LakeFolder(spark, tmp_path_factory.mktemp("read") / "lake"), member(99, tier="gold")
    lake.load([*(member(i) for i in range(1, 8)), bad], [claim(1, 1, approved_aid_fen=20)])
    assert lake.settle().exit_code == 0
    return lake


def test_delta_rs_duckdb_and_polars_read_every_table(settled):
    for name in WRITTEN:
        path = str(settled.folder / name)
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


def test_another_program_recomputes_the_digest(settled):
    bills = pl.read_delta(str(settled.folder / "settled/bills")).to_dicts()
    hashes = [row_hash(row) for row in bills]
    xor = 0
    for value in hashes:
        xor ^= value
    (run,) = settled.rows("control/runs")
    recorded = json.loads(run["digests"])["critical_illness"]["settled/bills"]
    assert recorded["rows"] == len(bills) == 7
    assert recorded["sums"] == {"due_fen": sum(row["due_fen"] for row in bills)}
    assert recorded["hash"] == {
        "xor": xor - 2**64 if xor >= 2**63 else xor,
        "low": sum(value & 0xFFFFFFFF for value in hashes),
        "high": sum(value >> 32 for value in hashes),
    }
