"""Sessions: their settings, and the one-line message if Spark cannot start."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from pyspark.sql import SparkSession

from jobs.base.environment import load_environment
from jobs.base.errors import WrongUsage
from jobs.lake.session import _site_conf, open_session


@pytest.fixture
def no_session(monkeypatch):
    """As at the start of a command: no Spark runs yet."""
    monkeypatch.setattr(SparkSession, "getActiveSession", staticmethod(lambda: None))


@pytest.fixture
def java_of(tmp_path, monkeypatch):
    """Sets JAVA_HOME to a Java that reports this version."""

    def install(version: str) -> Path:
        java = tmp_path / "jdk" / "bin" / "java"
        java.parent.mkdir(parents=True)
        java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
        java.chmod(0o755)
        monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
        return java

    return install


def start_failure(environment) -> str:
    with pytest.raises(WrongUsage) as stop:
        open_session(environment, "test")
    message = str(stop.value)
    assert "Nothing was done" in message
    assert "\n" not in message
    return message


def test_a_session_computes_in_utc_and_refuses_to_overflow(spark):
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    with pytest.raises(Exception, match="ARITHMETIC_OVERFLOW"):
        spark.sql("select 9223372036854775807L + id from range(1, 2)").collect()


def test_a_class_and_its_method_are_looked_up_once(spark):
    jvm = spark._jvm
    assert jvm.functions is jvm.functions and jvm.functions.col is jvm.functions.col
    assert jvm.java.lang.System.nanoTime() < jvm.java.lang.System.nanoTime(), "values are not kept"


def test_the_running_session_is_used(spark):
    assert open_session(load_environment(None), "another") is spark


def test_a_running_session_that_overflows_silently_is_refused(spark):
    spark.conf.set("spark.sql.ansi.enabled", "false")
    try:
        assert "spark.sql.ansi.enabled" in start_failure(load_environment(None))
    finally:
        spark.conf.set("spark.sql.ansi.enabled", "true")


def test_tables_are_for_readers_of_version_1(spark, tmp_path):
    spark.range(3).write.format("delta").save(str(tmp_path / "table"))
    log = (tmp_path / "table" / "_delta_log" / "00000000000000000000.json").read_text()
    assert '"minReaderVersion":1' in log
    assert "deletionVectors" not in log
    assert "columnMapping" not in log
    assert list((tmp_path / "table").glob("*.zstd.parquet"))


@pytest.mark.parametrize(
    ("key", "value"), [("spark.sql.ansi.enabled", "false"), ("spark.sql.session.timeZone", "Asia/Shanghai")]
)
def test_a_conf_cannot_change_settings_that_affect_results(no_session, key, value):
    message = start_failure(replace(load_environment(None), spark={"master": "local[1]", key: value}))
    assert f"{key} = {value}" in message


@pytest.mark.parametrize("name", ["columnMapping.mode", "checkpointPolicy", "feature.deletionVectors"])
def test_a_conf_cannot_change_how_tables_are_stored(no_session, name):
    key = f"spark.databricks.delta.properties.defaults.{name}"
    message = start_failure(replace(load_environment(None), spark={"master": "local[1]", key: "anything"}))
    assert f"{key}; the properties of tables are fixed" in message


class JavaConf(dict):
    """Java's SparkConf, with the methods used here."""

    def getAll(self):
        return [SimpleNamespace(_1=lambda k=key: k, _2=lambda v=value: v) for key, value in self.items()]

    def remove(self, key: str):
        del self[key]


def test_site_defaults_for_new_tables_and_legacy_sql_are_removed():
    site = JavaConf(
        {
            "spark.databricks.delta.properties.defaults.columnMapping.mode": "name",
            "spark.databricks.delta.properties.defaults.feature.v2Checkpoint": "supported",
            "spark.sql.legacy.timeParserPolicy": "LEGACY",
            "spark.hadoop.fs.s3a.endpoint": "http://store:9000",
        }
    )
    _site_conf(SimpleNamespace(jvm=SimpleNamespace(SparkConf=lambda _: site)))
    assert dict(site) == {"spark.hadoop.fs.s3a.endpoint": "http://store:9000"}


def test_missing_java(no_session, monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert "has no bin/java" in start_failure(load_environment(None))
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "Java was not found" in start_failure(load_environment(None))


@pytest.mark.parametrize(
    ("version", "message"), [("1.8.0_302", "is Java 1"), ("11.0.2", "is Java 11"), ("25", "is Java 25")]
)
def test_the_wrong_java(no_session, java_of, version, message):
    java = java_of(version)
    assert f"{java} {message}; Spark needs 17 or 21" in start_failure(load_environment(None))


def test_without_the_jars_the_next_step_is_make_setup(no_session, java_of, monkeypatch, tmp_path):
    java_of("17.0.15")
    monkeypatch.setenv("FENTAN_JARS", str(tmp_path))
    assert "Run `make setup`" in start_failure(load_environment(None))


def test_a_conf_without_a_master_belongs_to_spark_submit(no_session):
    assert "spark-submit" in start_failure(load_environment("conf/cluster.toml"))
