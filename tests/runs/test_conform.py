"""A settled lake is what the data dictionary says; whatever is broken in it is told, and nothing else."""

import pytest
from pyspark.sql import functions as F

from tests.lakes import LakeFolder, claim, member


@pytest.fixture(scope="module")
def broken(spark, tmp_path_factory):
    """A lake that conformed once it was settled; then four of its tables were broken, each in its own way."""
    lake = LakeFolder(spark, tmp_path_factory.mktemp("conform") / "lake")
    lake.load([*(member(i) for i in range(1, 6)), member(9), member(9)], [claim(1, 1, approved_aid_fen=40)])
    assert lake.settle().exit_code == 0
    lake.whole = lake.run("conform", "--rows")
    path = lambda name: str(lake.folder / name)  # noqa: E731
    read = lambda name: spark.read.format("delta").load(path(name))  # noqa: E731
    read("settled/bills").where("payer_id = 1").write.format("delta").mode("append").save(path("settled/bills"))
    more = read("settled/pools").withColumn("note", F.lit("x"))
    more.write.format("delta").mode("append").option("mergeSchema", "true").save(path("settled/pools"))
    text = read("settled/rates").withColumn("share_fen", F.col("share_fen").cast("string"))
    text.write.format("delta").mode("overwrite").option("overwriteSchema", "true").partitionBy("period").save(
        path("settled/rates")
    )
    spark.sql(f"alter table delta.`{path('settled/benefits')}` set tblproperties ('delta.minReaderVersion' = '2', "
              "'delta.minWriterVersion' = '5')")  # fmt: skip
    lake.after = lake.run("conform", "--rows")
    return lake


def test_a_settled_lake_conforms_to_the_last_row(broken):
    assert broken.whole.exit_code == 0, broken.whole.err
    states = {name: told["state"] for name, told in broken.whole.document["tables"].items()}
    assert states["settled/assessments"] == states["control/quarantine_members"] == "conforms"
    assert states["settled/collections"] == "absent"


@pytest.mark.parametrize("table, told", [
    ("settled/bills", ["1 keys (period, plan_id, payer_id) are those of several rows"]),
    ("settled/pools", ["column note is not in the dictionary"]),
    ("settled/rates", ["column share_fen is string, not bigint", "is partitioned by period, not by period, plan_id"]),
    ("settled/benefits", ["asks for a Delta reader of version 2, not 1",
                          "uses columnMapping, which plain readers do not know"]),
    ("settled/assessments", []),
])  # fmt: skip
def test_what_is_broken_is_told(broken, table, told):
    assert broken.after.exit_code == 6
    assert broken.after.document["tables"][table]["differences"] == told
