"""The same settlement as a user of DuckDB or Polars would write it: the baselines of the settlement's benchmark.

Each engine checks the members (conditions on single rows, exact uniqueness of the key, head counts), writes one
assessment per covered member as plain Parquet, reads the assessments back and sums them, and does the same with one
bill per payer. Neither has a digest, a quarantine, a ledger, or a table format with commits.
"""

import json
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deltalake import DeltaTable

PUBLICITY_ON = "2020-12-07"
SHARE_FEN = 251
CHECKS = (
    "member_id IS NULL", "payer_id IS NULL", "birth_date IS NULL", "joined_on IS NULL", "waiting_ends_on IS NULL",
    "sex IS NULL OR sex NOT IN ('F', 'M')", "tier IS NULL OR tier NOT IN ('standard', 'basic')",
    "city_tier IS NULL OR city_tier NOT BETWEEN 1 AND 6", "province_code IS NULL OR length(province_code) <> 2",
    "birth_date >= joined_on", "waiting_ends_on < joined_on", "exited_on < joined_on",
    "(exited_on IS NULL) <> (exit_reason IS NULL)",
)  # fmt: skip
KEY = ["plan_id", "member_id", "joined_on"]


def main() -> None:
    engine, lake = sys.argv[1], Path(sys.argv[2])
    out = lake / f"by-{engine}"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    seconds = {"duckdb": duckdb_seconds, "polars": polars_seconds}[engine](lake, out)
    shutil.rmtree(out)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    print(json.dumps({**seconds, "all": sum(seconds.values()), "peak GiB": peak}))


@contextmanager
def timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    seconds[part] = time.monotonic() - began


def duckdb_seconds(lake: Path, out: Path) -> dict[str, float]:
    import duckdb

    engine, seconds = duckdb.connect(config={"preserve_insertion_order": False}), {}
    files = [uri.removeprefix("file://") for uri in DeltaTable(str(lake / "source/members")).file_uris()]
    engine.execute(f"CREATE VIEW members AS SELECT * FROM read_parquet({files}, hive_partitioning = true)")
    covered = f"joined_on < DATE '{PUBLICITY_ON}' AND (exited_on IS NULL OR exited_on >= DATE '{PUBLICITY_ON}')"
    counts = ", ".join(f"count_if({condition})" for condition in CHECKS)

    def rows(sql: str) -> list[tuple]:
        return engine.execute(sql).fetchall()

    with timed(seconds, "check"):
        rows(f"SELECT {counts} FROM members")
        rows(f"SELECT plan_id, tier, count(*) FROM members WHERE {covered} GROUP BY ALL")
        _expect_none(rows(f"SELECT {', '.join(KEY)} FROM members GROUP BY ALL HAVING count(*) > 1"))
    assessments = f"SELECT plan_id, member_id, payer_id, tier, {SHARE_FEN}::BIGINT AS share_fen, 0::BIGINT AS "
    assessments += f"sponsored_fen, {SHARE_FEN}::BIGINT AS due_fen FROM members WHERE {covered}"
    bills = "SELECT plan_id, payer_id, count(*) AS member_count, sum(due_fen)::BIGINT AS due_fen "
    bills += f"FROM read_parquet('{out}/assessments/*/*.parquet', hive_partitioning = true) GROUP BY ALL"
    for name, sql in (("assessments", assessments), ("bills", bills)):
        with timed(seconds, f"{name}: write"):
            rows(f"COPY ({sql}) TO '{out}/{name}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (plan_id))")
        with timed(seconds, f"{name}: read back"):
            read = f"read_parquet('{out}/{name}/*/*.parquet', hive_partitioning = true)"
            rows(f"SELECT plan_id, count(*), sum(payer_id::HUGEINT), sum(due_fen) FROM {read} GROUP BY ALL")
    return seconds


def polars_seconds(lake: Path, out: Path) -> dict[str, float]:
    import polars as pl

    seconds: dict[str, float] = {}
    files = [uri.removeprefix("file://") for uri in DeltaTable(str(lake / "source/members")).file_uris()]
    members = pl.scan_parquet(files, hive_partitioning=True)
    day = pl.date(*map(int, PUBLICITY_ON.split("-")))
    covered = (pl.col("joined_on") < day) & (pl.col("exited_on").is_null() | (pl.col("exited_on") >= day))
    checks = [pl.sql_expr(f"({condition})").sum().alias(str(i)) for i, condition in enumerate(CHECKS)]

    def rows(frame: pl.LazyFrame) -> list[tuple]:
        return frame.collect(engine="streaming").rows()

    with timed(seconds, "check"):
        rows(members.select(checks))
        rows(members.filter(covered).group_by("plan_id", "tier").len())
        _expect_none(rows(members.group_by(KEY).len().filter(pl.col("len") > 1)))
    fen: Callable[[int], pl.Expr] = lambda value: pl.lit(value, pl.Int64)  # noqa: E731
    assessments = members.filter(covered).select(
        "plan_id", "member_id", "payer_id", "tier",
        share_fen=fen(SHARE_FEN), sponsored_fen=fen(0), due_fen=fen(SHARE_FEN),
    )  # fmt: skip
    stored = pl.scan_parquet(out / "assessments", hive_partitioning=True)
    bills = stored.group_by("plan_id", "payer_id").agg(pl.len().alias("member_count"), pl.col("due_fen").sum())
    for name, frame in (("assessments", assessments), ("bills", bills)):
        with timed(seconds, f"{name}: write"):
            frame.sink_parquet(pl.PartitionBy(out / name, key="plan_id"), compression="zstd", mkdir=True)
        with timed(seconds, f"{name}: read back"):
            read = pl.scan_parquet(out / name, hive_partitioning=True)
            rows(read.group_by("plan_id").agg(pl.len(), pl.col("payer_id").sum(), pl.col("due_fen").sum()))
    return seconds


def _expect_none(rows: list[tuple]) -> None:
    if rows:
        raise SystemExit(f"{len(rows):,} keys are not unique, e.g. {rows[0]}")


if __name__ == "__main__":
    main()
