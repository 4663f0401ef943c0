"""One Spark session for the whole test run: local and small, with room for the code that many queries compile to."""

from importlib.resources import files

import pytest

from jobs.environment import load_environment
from jobs.lake.session import open_session
from jobs.rulebook import load_platform
from tests.lakes import LakeFolder

# Tiny frames: what costs is planning and compiling a query, not running it.
QUICK = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.databricks.delta.writeChecksumFile.enabled": "false",
}


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


@pytest.fixture(scope="session")
def quick_conf(tmp_path_factory):
    """A conf with the same settings, for programs that a test starts: what is compiled anew in each takes half a
    minute."""
    usual = files("conf").joinpath("local.toml").read_text(encoding="utf-8").splitlines()
    kept = [line for line in usual if "spark.sql.shuffle.partitions" not in line]
    place = kept.index("[spark]") + 1
    quick = [f'"{key}" = "{value}"' for key, value in QUICK.items()]
    file = tmp_path_factory.mktemp("conf") / "quick.toml"
    file.write_text("\n".join([*kept[:place], *quick, *kept[place:]]), encoding="utf-8")
    return file


@pytest.fixture
def quick(spark):
    """The session with settings for tiny frames, put back afterwards."""
    before = {key: spark.conf.get(key, None) for key in QUICK}
    for key, value in QUICK.items():
        spark.conf.set(key, value)
    yield
    for key, value in before.items():
        spark.conf.unset(key) if value is None else spark.conf.set(key, value)
