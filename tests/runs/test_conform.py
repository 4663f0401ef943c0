"""A settled lake conforms to the data dictionary; each broken table is reported, and no other."""

import pytest
from pyspark.sql import functions as F


@pytest.fixture(scope="module")
def broken(spark, shown, tmp_path_factory):
    """The shown lake, which conforms; then four of its tables are broken in different ways."""
    lake = shown.copied(tmp_path_factory.mktemp("conform") / "lake")
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


def test_every_table_of_a_settled_lake_conforms(broken):
    assert broken.whole.exit_code == 0, broken.whole.err
    states = {name: table["state"] for name, table in broken.whole.document["tables"].items()}
    written = {name for name in states if broken.exists(name)}
    assert {"settled/assessments", "settled/collections", "control/quarantine_members", "report/annual"} <= written
    assert states == {name: "conforms" if name in written else "absent" for name in states}
    assert "absent" in states.values(), "nothing was ever held of the claims"


@pytest.mark.parametrize("table, differences", [
    ("settled/bills", ["4 keys (period, plan_id, payer_id) are those of several rows"]),
    ("settled/pools", ["column note is not in the dictionary"]),
    ("settled/rates", ["column share_fen is string, not bigint", "is partitioned by period, not by period, plan_id"]),
    ("settled/benefits", ["asks for a Delta reader of version 2, not 1",
                          "uses columnMapping, which plain readers do not know"]),
    ("settled/assessments", []),
])  # fmt: skip
def test_each_broken_table_is_reported_with_its_differences(broken, table, differences):
    assert broken.after.exit_code == 6
    assert broken.after.document["tables"][table]["differences"] == differences
