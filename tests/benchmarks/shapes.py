"""Skewed worlds: copies of the sources of a sample lake in which one province, payer or plan has most rows."""

import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from tests.benchmarks.running import PERIOD, bare_session
from tests.worlds_rows import claim

CLAIMS = "source/approved_claims"
PLAN = "critical_illness"
PAYER = 29_999_999_999
FAMILY_MEMBERS = 50_000
CASES = 4_000
APPROVED_ON = date(2020, 11, 25)  # before the period is public
JOINED_BEFORE = date(2020, 1, 1)  # the waiting period is over
CLAIMANT = ["member_id", "birth_date", "sex", "province_code", "tier"]


def one_province(members: DataFrame) -> DataFrame:
    """Every member lives in one province."""
    return members.withColumn("province_code", F.lit("33"))


def one_payer(members: DataFrame) -> DataFrame:
    """50,000 members have one payer."""
    ids = members.where(F.col("plan_id") == PLAN).select("member_id").orderBy("member_id").limit(FAMILY_MEMBERS)
    last_id = ids.agg(F.max("member_id")).first()[0]
    is_theirs = (F.col("plan_id") == PLAN) & (F.col("member_id") <= last_id)
    return members.withColumn("payer_id", F.when(is_theirs, F.lit(PAYER)).otherwise(F.col("payer_id")))


def one_plan(members: DataFrame) -> DataFrame:
    """99% of the members are in one plan: of the others most are left out."""
    others = members.where(F.col("plan_id") != PLAN).count()
    of_plan = members.count() - others
    every = max(1, round(others * 99 / of_plan))
    return members.where((F.col("plan_id") == PLAN) | (F.col("member_id") % every == 0))


SHAPES: dict[str, Callable[[DataFrame], DataFrame]] = {
    "one province": one_province,
    "one payer of 50,000 members": one_payer,
    "one plan with 99%": one_plan,
}
MANY_CASES = "4,000 cases more"


def make_shapes(lake: Path) -> dict[str, Path]:
    """The skewed worlds beside the lake, each with its own sources; those that exist are kept."""
    plain = {name: re.sub(r"[^0-9a-z]+", "-", name) for name in (*SHAPES, MANY_CASES)}
    folders = {name: lake.with_name(f"{lake.name}-{slug}") for name, slug in plain.items()}
    missing = {name: folder for name, folder in folders.items() if not folder.exists()}
    for folder in missing.values():
        shutil.copytree(lake / "source", folder / "source")
    reshaped = missing.keys() & SHAPES.keys()
    if reshaped:
        spark = bare_session()
        members = spark.read.format("delta").load(str(lake / "source/members"))
        for name in sorted(reshaped):
            rows = SHAPES[name](members).write.format("delta").mode("overwrite").partitionBy("plan_id")
            rows.save(str(folders[name] / "source/members"))
            keep_claims_of_members(spark, lake, folders[name])
        spark.stop()
    if MANY_CASES in missing:
        add_cases(folders[MANY_CASES])
    return folders


def keep_claims_of_members(spark: SparkSession, lake: Path, shaped: Path) -> None:
    """Leaves out the claims of those who are no members of the skewed world."""
    read, key = spark.read.format("delta"), ["plan_id", "member_id"]
    claims, members = read.load(str(lake / CLAIMS)), read.load(str(shaped / "source/members"))
    kept = claims.join(members.select(*key), key, "left_semi").select(*claims.columns)
    kept.write.format("delta").mode("overwrite").partitionBy("publicity_period").save(str(shaped / CLAIMS))


def add_cases(lake: Path) -> None:
    """Adds claims of the period, of members without a claim."""
    claims = DeltaTable(lake / CLAIMS)
    claimed = set(claims.to_pyarrow_table(columns=["member_id"]).column("member_id").to_pylist())
    has_waited = (pc.field("plan_id") == PLAN) & (pc.field("joined_on") < JOINED_BEFORE)
    has_waited &= pc.field("exited_on").is_null()
    members = DeltaTable(lake / "source/members").to_pyarrow_dataset()
    found = members.head(CASES + len(claimed), columns=CLAIMANT, filter=has_waited).to_pylist()
    claimants = [row for row in found if row["member_id"] not in claimed][:CASES]
    rows = [
        claim(9_000_000_000 + n, plan_id=PLAN, publicity_period=PERIOD, approved_on=APPROVED_ON, **claimant)
        for n, claimant in enumerate(claimants)
    ]
    write_deltalake(claims, pa.Table.from_pylist(rows, pa.schema(claims.schema().to_arrow())), mode="append")
