"""Runs the kinds of queries that a settlement runs; Java archives the classes they load into the file ARGV[1].

With the word `native` as ARGV[2], in the native engine: its JAR is on the class path, which an archive must fit.
"""

import os
import sys
import tempfile

from jobs.base.environment import load_environment
from jobs.lake.session import open_session


def main(archive: str, engine: str = "") -> None:
    """Starts a session, writes, replaces, reads and joins small Delta tables, and waits for Java to end."""
    os.environ["FENTAN_JAVA_OPTIONS"] = (
        f"-XX:ArchiveClassesAtExit={os.path.abspath(archive)} -Xlog:cds=off -Xlog:cds+dynamic=off"
    )
    spark = open_session(load_environment(None), "fentan set-up", native=engine == "native")
    gateway = spark.sparkContext._gateway
    with tempfile.TemporaryDirectory() as folder:
        work(spark, folder)
    spark.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()  # Spark's JVM ends with its standard input
    gateway.proc.wait(timeout=300)


def work(spark, folder: str) -> None:
    """Runs one statement of each kind in a settlement."""
    from delta.tables import DeltaTable
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    rows = spark.createDataFrame(
        [(i, f"plan{i % 2}", i * 10) for i in range(100)], "id bigint, plan_id string, fen bigint"
    )
    path = f"{folder}/table"
    for mode, options in (("append", {}), ("overwrite", {"replaceWhere": "plan_id = 'plan1'"})):
        part = rows.where("plan_id = 'plan1'") if options else rows
        part.write.format("delta").mode(mode).options(**options).partitionBy("plan_id").save(path)
    table = spark.read.format("delta").load(path)
    sums = table.groupBy("plan_id").agg(F.count("*").alias("n"), F.sum("fen").alias("sum"), F.bit_or("id").alias("ids"))
    joined = table.join(F.broadcast(sums), "plan_id", how="left").join(rows.select("id"), "id", how="left_semi")
    ranked = joined.withColumn("rank", F.row_number().over(Window.partitionBy("plan_id").orderBy("id")))
    ranked.withColumn("hash", F.xxhash64("id", "fen")).where("rank < 10").orderBy("id").collect()
    DeltaTable.forPath(spark, path).history(1).collect()
    spark.read.format("delta").option("versionAsOf", 0).load(path).count()
    plain = spark.read.parquet(*table.inputFiles()).localCheckpoint()
    plain.groupBy("id").agg(F.sum("fen")).mapInArrow(lambda batches: batches, "id bigint, fen bigint").collect()


if __name__ == "__main__":
    main(*sys.argv[1:])
