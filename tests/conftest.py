"""One Spark session for the whole test run: local and small, with settings for tiny frames.

With Spark's usual settings run the commands of the README, the cluster, and tests that ask for them.
"""

from importlib.resources import files

import pytest

from jobs.environment import load_environment
from jobs.lake.session import open_session
from jobs.rulebook import load_platform
from tests import spark_settings
from tests.lakes import LakeFolder


@pytest.fixture(scope="session")
def spark():
    environment = load_environment(None)
    environment.spark.update({"master": "local[2]", "spark.sql.shuffle.partitions": "2"})
    session = open_session(environment, "fentan tests")
    spark_settings.make_quick(session)
    yield session
    session.stop()


@pytest.fixture(autouse=True)
def forgotten(request):
    """Delta remembers each table it has met for an hour, and how to read it: hundreds of lakes would fill the heap."""
    yield
    if "spark" in request.fixturenames:
        request.getfixturevalue("spark")._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()


@pytest.fixture
def usual(spark):
    """The settings that a user's session has, while a test runs."""
    with spark_settings.usual(spark):
        yield


@pytest.fixture(scope="session")
def xianghubao():
    return load_platform("xianghubao")


@pytest.fixture
def lake(spark, tmp_path):
    """An empty lake with what tests do to it."""
    return LakeFolder(spark, tmp_path / "lake")


@pytest.fixture(scope="session")
def quick_conf(tmp_path_factory):
    """A conf with the same settings, for programs that a test starts: what is compiled anew in each takes half a
    minute."""
    settings = {**spark_settings.QUICK, **spark_settings.SHORT_LIVED}
    usual = files("conf").joinpath("local.toml").read_text(encoding="utf-8").splitlines()
    kept = [line for line in usual if "spark.sql.shuffle.partitions" not in line]
    place = kept.index("[spark]") + 1
    quick = [f'"{key}" = "{value}"' for key, value in settings.items()]
    file = tmp_path_factory.mktemp("conf") / "quick.toml"
    file.write_text("\n".join([*kept[:place], *quick, *kept[place:]]), encoding="utf-8")
    return file
