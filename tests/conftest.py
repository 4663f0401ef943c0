"""One Spark session for the whole test run: local and small, with settings for tiny frames.

The README commands, the cluster and tests with the fixture `usual` run with Spark's usual settings.
"""

import fcntl
import os

import pytest
from hypothesis import settings

from jobs.base.environment import load_environment
from jobs.lake.session import open_session
from jobs.rulebook import load_platform
from tests import spark_settings
from tests.confs import write_conf
from tests.lakes import LakeFolder
from tests.wheels import build_wheel

QUICK_PROGRAM = {**spark_settings.QUICK, **spark_settings.SHORT_LIVED}
# No deadline per example: a busy machine must not fail a test.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def spark():
    environment = load_environment(None)
    # One core for each of the two workers; the cost of a command is the driver's planning, not the tasks.
    # Nor would the JVM's second compiler gain anything on tables of ten rows: it takes a quarter of the processor time.
    quick_compiler = {"spark.driver.extraJavaOptions": spark_settings.SHORT_LIVED_JVM}
    environment.spark.update({"master": "local[1]", "spark.sql.shuffle.partitions": "2", **quick_compiler})
    session = open_session(environment, "fentan tests")
    spark_settings.make_quick(session)
    yield session
    session.stop()


def pytest_collection_modifyitems(items):
    """Runs files with Spark first, so that the many small files without it balance the workers at the end."""
    with_spark = {item.path for item in items if "spark" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: item.path not in with_spark)


@pytest.fixture(autouse=True)
def forgotten(request):
    """Clears caches of Delta, which keep each table for an hour: hundreds of lakes would fill the heap."""
    yield
    if "spark" in request.fixturenames:
        request.getfixturevalue("spark")._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()


@pytest.fixture
def usual(spark):
    """The settings of a user's session, during one test."""
    with spark_settings.usual(spark):
        yield


@pytest.fixture(scope="session")
def xianghubao():
    return load_platform("xianghubao")


@pytest.fixture
def lake(spark, tmp_path):
    """An empty lake with helpers for tests."""
    return LakeFolder(spark, tmp_path / "lake")


@pytest.fixture(scope="session")
def quick_conf(tmp_path_factory):
    """A conf for programs that a test starts, with little compilation, which would take half a minute each."""
    return write_conf(tmp_path_factory.mktemp("conf") / "quick.toml", spark=QUICK_PROGRAM)


@pytest.fixture(scope="session")
def large_conf(tmp_path_factory):
    """`quick_conf` for programs that treat the lake like a large one; commands in the tests' own session do not."""
    return write_conf(tmp_path_factory.mktemp("conf") / "large.toml", spark=QUICK_PROGRAM, few_rows_most=0)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The wheel, built once for all workers of a run."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with (shared / "wheel.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (shared / "wheel").mkdir(exist_ok=True)
        built = list((shared / "wheel").glob("fentan-*.whl"))
        return built[0] if built else build_wheel(shared / "wheel")
