"""P2: the same inputs, rules and code give the same digests, independent of files, order, query plans and executors."""

import json
import os
import shutil
import subprocess
import sys
from datetime import date

import pytest
from chispa import assert_df_equality
from pyspark.sql import functions as F

from tests.confs import write_conf
from tests.lakes import PERIOD, LakeFolder, claim, member
from tests.spark_settings import SHORT_LIVED, settings, usual
from tests.wheels import PROJECT

EXACT = "senior_cancer"
LOCAL_CLUSTER = {
    "master": "local-cluster[2,1,700]",
    "spark.executor.memory": "700m",
    "spark.driver.memory": "1g",
    "spark.sql.shuffle.partitions": "3",
    **SHORT_LIVED,
}
COMPARED = (
    "settled/benefits", "settled/pools", "settled/rates", "settled/assessments", "settled/bills", "ledger/journal",
)  # fmt: skip

MEMBERS = [
    # families of four: the first pays for the others; every third member is basic
    *(member(n, tier="basic" if n % 3 == 0 else "standard", payer_id=n - (n - 1) % 4) for n in range(1, 301)),
    # parents, paid for by their children
    *(member(n, EXACT, tier="basic" if n % 5 == 0 else "standard", payer_id=n - 400) for n in range(401, 521)),
    *(member(n, tier="gold") for n in (901, 902)),
    *(member(n, joined_on=date(2020, 11, n - 900)) for n in range(911, 921)),
]
CLAIMS = [
    *(claim(n, n, tier=MEMBERS[n - 1]["tier"], approved_aid_fen=997 * n) for n in range(1, 13)),
    *(claim(n, 400 + n, EXACT, approved_aid_fen=1_009 * n) for n in (21, 22, 23, 24)),
    claim(31, 31, objection="pending"),
    claim(32, 32, approved_aid_fen=-1),
]


@pytest.fixture(scope="module")
def conf(tmp_path_factory):
    """The reference platform, but with exact rounding in one of its plans."""
    folder = tmp_path_factory.mktemp("conf")
    shutil.copytree(PROJECT / "conf" / "platforms", folder / "platforms")
    rounding = folder / "platforms" / "xianghubao" / "plans" / EXACT / "rounding.yaml"
    rounding.write_text(rounding.read_text().replace("value: ceil_fen", "value: exact"))
    return write_conf(folder / "env.toml", platforms="platforms")


@pytest.fixture(scope="module")
def settled(spark, conf, tmp_path_factory):
    """The world in one file per plan, settled with the settings of a user (with adaptive execution) and the file access
    of a large lake."""
    lake = LakeFolder(spark, tmp_path_factory.mktemp("few") / "lake").load(MEMBERS, CLAIMS)
    large = write_conf(conf.with_name("large.toml"), platforms="platforms", few_rows_most=0)
    with usual(spark):
        assert spark.conf.get("spark.sql.adaptive.enabled") == "true"
        ended = lake.settle(PERIOD, "--conf", str(large))
    assert ended.exit_code == 0, ended.err
    return lake, digests(ended.document)


@pytest.fixture(scope="module")
def many_files(spark, settled, tmp_path_factory):
    """The same rows in many small files, in another order, members in finer partitions."""
    lake = LakeFolder(spark, tmp_path_factory.mktemp("many") / "lake")
    for table, key, partitions in (
        ("source/members", "member_id", ("plan_id", "city_tier", "tier")),
        ("source/approved_claims", "claim_id", ("publicity_period",)),
    ):
        rows = spark.read.format("delta").load(str(settled[0].folder / table))
        shuffled = rows.repartition(13, F.xxhash64(F.lit(7), key)).sortWithinPartitions(F.xxhash64(F.lit(8), key))
        path = str(lake.folder / table)
        shuffled.write.format("delta").partitionBy(*partitions).save(path)
        assert len(spark.read.format("delta").load(path).inputFiles()) > 8
    return lake


def digests(document: dict) -> dict[str, str]:
    return {plan_id: plan["digest"] for plan_id, plan in document["plans"].items()}


def test_the_world_has_every_feature_that_could_change_a_digest(settled):
    """Families, both tiers, two plans, held rows, and members who pay one fen more under exact rounding."""
    lake, plan_digests = settled
    assert set(plan_digests) == {"critical_illness", EXACT}
    assert {(r["plan_id"], r["tier"]) for r in lake.rows("settled/rates")} == {
        (plan_id, tier) for plan_id in plan_digests for tier in ("standard", "basic")
    }
    assert {row["rounding"] for row in lake.rows("settled/pools", plan_id=EXACT)} == {"exact"}
    shares = {row["share_fen"] for row in lake.rows("settled/assessments", plan_id=EXACT, tier="standard")}
    assert len(shares) == 2
    assert max(row["member_count"] for row in lake.rows("settled/bills")) == 4
    assert len(lake.rows("control/quarantine_members")) == 2


def test_sources_in_many_files_and_another_order(settled, many_files, conf):
    ended = many_files.run("preview", "--period", PERIOD, "--conf", str(conf))
    assert ended.exit_code == 0, ended.err
    assert digests(ended.document) == settled[1]


def test_without_adaptive_execution_and_with_other_partitions(spark, settled, many_files, conf):
    lake, expected = settled
    other = {
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.shuffle.partitions": "7",
        "spark.sql.autoBroadcastJoinThreshold": "-1",
        "spark.sql.files.maxPartitionBytes": "4096",
    }
    with settings(spark, other):
        ended = many_files.settle(PERIOD, "--conf", str(conf))
    assert ended.exit_code == 0, ended.err
    assert digests(ended.document) == expected
    for table in COMPARED:
        frames = [
            spark.read.format("delta").load(str(folder / table)).drop("run_id")
            for folder in (many_files.folder, lake.folder)
        ]
        assert_df_equality(*frames, ignore_row_order=True)


@pytest.mark.slow
def test_on_separate_executors(settled, many_files, conf):
    """Two executors as separate processes: rows cross process borders and are hashed in other JVMs."""
    file = write_conf(conf.with_name("local_cluster.toml"), spark=LOCAL_CLUSTER, platforms="platforms")
    words = ["preview", "--lake", str(many_files.folder), "--period", PERIOD, "--conf", str(file), "--json"]
    ended = subprocess.run(
        [sys.executable, "-m", "jobs.cli", *words], capture_output=True, text=True, cwd=PROJECT, env=os.environ.copy()
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    assert digests(json.loads(ended.stdout)) == settled[1]
