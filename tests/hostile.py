"""Environments with other software: packages with the names of ours, a site's Spark and Hadoop, Java options."""

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
# As the installed command starts: Python's path decides where its modules come from.
INSTALLED = (sys.executable, "-c", "import sys; from start_fentan import main; sys.exit(main())")
TABLE_DEFAULTS = {
    "columnMapping.mode": "name", "checkpointPolicy": "v2", "enableDeletionVectors": "true", "minReaderVersion": "3",
    "minWriterVersion": "7", "feature.v2Checkpoint": "supported", "enableRowTracking": "true",
    "enableChangeDataFeed": "true", "enableInCommitTimestamps": "true", "appendOnly": "true",
}  # fmt: skip
SPARK_DEFAULTS = {
    **{f"spark.databricks.delta.properties.defaults.{name}": value for name, value in TABLE_DEFAULTS.items()},
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.caseSensitive": "true",
    "spark.sql.storeAssignmentPolicy": "LEGACY",
    "spark.sql.sources.partitionOverwriteMode": "dynamic",
    "spark.databricks.delta.replaceWhere.dataColumns.enabled": "false",
    "spark.submit.deployMode": "cluster",
    "spark.eventLog.enabled": "true",
    "spark.eventLog.dir": "hdfs://127.0.0.1:1/events",
    "spark.hadoop.fs.defaultFS": "hdfs://127.0.0.1:1",
}
CORE_SITE = """<configuration>
  <property><name>fs.defaultFS</name><value>hdfs://127.0.0.1:1</value></property>
  <property><name>hadoop.security.authentication</name><value>kerberos</value></property>
</configuration>
"""


def foreign_packages(folder: Path) -> Path:
    """A folder for PYTHONPATH with packages named like ours."""
    for name in ("jobs", "schemas", "expectations", "conf"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(f"raise RuntimeError('this is another {name}')\n")
    return folder


def site(folder: Path) -> dict[str, str]:
    """The variables of a site with its own Spark, Hadoop and Java; their files are written to the folder."""
    spark, hadoop = folder / "spark", folder / "hadoop"
    for each in (folder, spark, hadoop):
        each.mkdir()
    defaults = "".join(f"{key} {value}\n" for key, value in SPARK_DEFAULTS.items())
    (spark / "spark-defaults.conf").write_text(defaults)
    (hadoop / "core-site.xml").write_text(CORE_SITE)
    return {
        "SPARK_CONF_DIR": str(spark),
        "HADOOP_CONF_DIR": str(hadoop),
        "SPARK_HOME": "/nowhere",
        "SPARK_REMOTE": "sc://127.0.0.1:1",
        "SPARK_TESTING": "1",
        "PYSPARK_SUBMIT_ARGS": "--conf spark.sql.session.timeZone=Asia/Tokyo --master yarn pyspark-shell",
        "JAVA_TOOL_OPTIONS": "-XX:+NoSuchOption",
        "_JAVA_OPTIONS": "-XX:+UseSerialGC",
        "JDK_JAVA_OPTIONS": "-Dfile.encoding=ISO-8859-1",
    }
