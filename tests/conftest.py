"""One Spark session for the whole test run: local and small, with room for the code that many queries compile to."""

import pytest

from jobs.environment import load_environment
from jobs.lake.session import open_session
from jobs.rulebook import load_platform
from tests.lakes import LakeFolder


@pytest.fixture(scope="session")
def spark():
    environment = load_environment(None)
    environment.spark.update({"master": "local[2]", "spark.sql.shuffle.partitions": "2"})
    session = open_session(environment, "fentan tests")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def xianghubao():
    return load_platform("xianghubao")


@pytest.fixture
def lake(spark, tmp_path):
    """An empty lake with what tests do to it."""
    return LakeFolder(spark, tmp_path / "lake")
