"""The native engine's settings: its JAR, its memory, and the conf key that turns it off."""

from dataclasses import replace
from types import SimpleNamespace

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from jobs.base.environment import load_environment
from jobs.lake import opening, session
from jobs.lake.native import (
    PACKAGE,
    PLUGIN,
    SWITCH,
    compiled_by_spark,
    is_native,
    native_jars,
    native_settings,
    with_native_memory,
)
from tests.confs import write_conf
from tests.wheels import PROJECT


@pytest.mark.parametrize(
    ("memory", "half"), [("2g", "1024m"), ("10G", "5120m"), ("3000m", "1500m"), ("1t", "524288m"), ("2gb", "1024m")]
)
def test_the_memory_is_half_heap_and_half_off_heap(memory, half):
    settings = with_native_memory({"spark.driver.memory": memory, "other": "1"})
    assert settings == {"spark.driver.memory": half, "spark.memory.offHeap.size": half, "other": "1"}


def test_a_conf_decides_about_the_memory_itself():
    for settings in ({"spark.driver.memory": "8g", "spark.memory.offHeap.size": "3g"}, {"spark.driver.memory": "many"}):
        assert with_native_memory(settings) == settings
    assert with_native_memory({}) == {"spark.driver.memory": "512m", "spark.memory.offHeap.size": "512m"}


def test_the_jar_is_that_of_set_up(tmp_path):
    assert native_jars(tmp_path) == []
    (tmp_path / "native").mkdir()
    jar = tmp_path / "native" / "org.apache.datafusion_comet-spark-spark4.1_2.13-1.2.0.jar"
    jar.touch()
    assert native_jars(tmp_path) == [str(jar)]
    assert native_settings(str(jar))["spark.driver.extraClassPath"] == str(jar)
    assert f"native={PACKAGE}\n" in (PROJECT / ".ci" / "setup").read_text()


def settings_of_session(tmp_path, monkeypatch, master: str, **options) -> dict[str, str]:
    """The settings of a new session on a machine that has the engine's JAR."""
    for name in ("delta-spark", "delta-storage", "native/comet-spark"):
        (tmp_path / name).with_suffix(".jar").parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.jar").touch()
    monkeypatch.setenv("FENTAN_JARS", str(tmp_path))
    monkeypatch.setattr(session.SparkSession, "getActiveSession", staticmethod(lambda: None))
    monkeypatch.setattr(session, "find_java", lambda: tmp_path)
    monkeypatch.setattr(session, "_check_fixed", lambda settings, place: None)
    started = []
    monkeypatch.setattr(session, "_start_jvm_and_session", lambda settings, *_: started.append(settings))
    with pytest.raises(AttributeError):  # there is no session to check
        session.open_session(replace(load_environment(None), spark={"master": master}), "a test", **options)
    return started[0]


@pytest.mark.parametrize(
    ("master", "native", "is_native"),
    [("local[*]", True, True), ("local[*]", False, False), ("local-cluster[2,1,700]", True, False)],
)
def test_which_sessions_are_native(tmp_path, monkeypatch, master, native, is_native):
    """Sessions on one machine, where a command wants it."""
    settings = settings_of_session(tmp_path, monkeypatch, master, native=native)
    assert (PLUGIN in settings.get("spark.plugins", "")) == is_native
    assert ("Comet" in settings["spark.sql.extensions"]) == is_native
    assert ("comet-spark.jar" in settings["spark.jars"]) == is_native
    assert ("spark.memory.offHeap.size" in settings) == is_native


@pytest.mark.parametrize(
    ("options", "is_quick"),
    [
        ({}, False),
        ({"few_rows": True}, True),
        ({"native": True}, True),
        ({"native": True, "compiles_well": True}, False),
    ],
)
def test_java_compiles_quickly_where_it_computes_little(tmp_path, monkeypatch, options, is_quick):
    """Sample rows are made by Spark's own engine, in a session with the native one as well."""
    settings = settings_of_session(tmp_path, monkeypatch, "local[*]", **options)
    assert ("TieredStopAtLevel=1" in settings[session.JAVA_OPTIONS]) == is_quick


def test_the_conf_turns_it_off(tmp_path):
    assert load_environment(None).native
    assert not load_environment(str(write_conf(tmp_path / "env.toml", native=False))).native


@pytest.mark.parametrize(
    ("few_rows_most", "conf", "members", "is_native"),
    [(2, True, 3, True), (3, True, 3, False), (2, False, 3, False), (2, True, 0, False)],
)
def test_which_lakes_want_it(tmp_path, monkeypatch, few_rows_most, conf, members, is_native):
    """Lakes of more than `few_rows_most` rows, unless the conf says no. A lake without sources is about to be made."""
    if members:
        write_deltalake(tmp_path / "source/members", pa.table({"member_id": range(members)}))
    opened = []
    monkeypatch.setattr(opening, "open_session", lambda *_, **named: opened.append(named))
    environment = replace(load_environment(None), few_rows_most=few_rows_most, native=conf)
    assert opening.open_lake(environment, str(tmp_path), "a test").spark is None
    assert opened[0]["native"] == is_native


@pytest.mark.parametrize("settings", [{"spark.plugins": PLUGIN, SWITCH: "true"}, {"spark.plugins": "another"}, {}])
def test_spark_itself_runs_what_it_compiles_and_then_the_engine_again(settings):
    conf = Conf(settings)
    session = SimpleNamespace(conf=conf)
    with pytest.raises(ValueError), compiled_by_spark(session):
        assert not is_native(session)
        raise ValueError("a query failed")
    assert conf == settings


class Conf(dict):
    """The settings of a session."""

    def set(self, key, value):
        self[key] = value
