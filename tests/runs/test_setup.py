"""Set-up: idempotent, repeatable after an interruption, and one clear line for each missing requirement.

Python, pip and Spark are fakes that create the same files as the real ones; the real set-up runs before the tests.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.wheels import PROJECT

PYTHON = """#!/bin/bash
case "$*" in
    "-m venv .venv") mkdir -p .venv/bin .venv/lib/python3.11/site-packages/pyspark
        cp "$0" .venv/bin/python; cp "$(dirname "$0")/spark-submit" .venv/bin/ ;;
    *"pip install"*) cat ../pip-says 2>/dev/null && exit 1
        printf '#!%s/.venv/bin/python\\nprogram\\n' "$PWD" >.venv/bin/fentan ;;
    *warm_up.py*) echo classes >"$2" ;;
esac
"""
SPARK_SUBMIT = """#!/bin/bash
cat ../spark-says 2>/dev/null && exit 1
for word in "$@"; do case "$word" in spark.jars.ivy=*) ivy=${word#*=} ;; esac; done
mkdir -p "$ivy/jars"
cd "$ivy/jars" && touch io.delta_delta-spark_4.1_2.13-4.4.0.jar io.delta_delta-storage-4.4.0.jar other.jar \
    org.apache.datafusion_comet-spark-spark4.1_2.13-1.2.0.jar
"""
JAVA = """#!/bin/bash
echo "openjdk version \\"$(cat "$(dirname "$0")/version")\\" 2025-04-15" >&2
"""


class Machine:
    """A fresh clone on a machine with fake tools."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.clone = folder / "clone"
        self.tools = folder / "tools"
        (self.clone / ".ci").mkdir(parents=True)
        self.tools.mkdir()
        for name in ("pyproject.toml", ".ci/setup", ".ci/constraints.txt", ".ci/warm_up.py"):
            shutil.copy(PROJECT / name, self.clone / name)
        for name, text in (("python3.11", PYTHON), ("spark-submit", SPARK_SUBMIT), ("java", JAVA)):
            self.tool(name, text)
        (self.tools / "version").write_text("17.0.15")

    def tool(self, name: str, text: str) -> None:
        (self.tools / name).write_text(text)
        (self.tools / name).chmod(0o755)

    def set_up(self, *words: str, **variables: str) -> subprocess.CompletedProcess:
        environment = {"PATH": f"{self.tools}:/usr/bin:/bin", **variables}
        return subprocess.run(
            ["bash", ".ci/setup", *words], cwd=self.clone, env=environment, capture_output=True, text=True
        )

    def stop(self, **variables: str) -> str:
        """The one line that a failing set-up prints."""
        ended = self.set_up(**variables)
        assert ended.returncode == 2, ended
        (line,) = ended.stderr.splitlines()
        assert line.startswith("set-up: ")
        return line


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_it_prints_its_steps_and_a_second_set_up_does_nothing(machine):
    first = machine.set_up()
    assert first.returncode == 0, first.stderr
    assert [line.split(":")[0] for line in first.stdout.splitlines()] == ["set-up"] * 3
    assert sorted(f.name for f in (machine.clone / ".jars").glob("*.jar")) == [
        "io.delta_delta-spark_4.1_2.13-4.4.0.jar",
        "io.delta_delta-storage-4.4.0.jar",
    ]
    assert (machine.clone / ".jars" / "classes.jsa").exists()
    program = (machine.clone / ".venv" / "bin" / "fentan").read_text()
    assert program == f"#!{machine.clone}/.venv/bin/python -E\nprogram\n", "variables of another Python reach it"
    again = machine.set_up()
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_an_interrupted_installation_is_made_again(machine):
    machine.set_up()
    (machine.clone / ".venv" / "stamp").unlink()
    (machine.clone / ".venv" / "unfinished").touch()
    (machine.clone / ".venv" / "half").touch()
    assert machine.set_up().returncode == 0
    assert not (machine.clone / ".venv" / "half").exists()
    assert not (machine.clone / ".venv" / "unfinished").exists()


def test_new_pins_are_installed_into_the_existing_environment(machine):
    machine.set_up()
    (machine.clone / ".venv" / "mine").touch()
    with (machine.clone / ".ci" / "constraints.txt").open("a") as pins:
        pins.write("another==1.0\n")
    assert "making the Python environment" in machine.set_up().stdout
    assert (machine.clone / ".venv" / "mine").exists()


def test_incomplete_jars_are_fetched_again(machine):
    machine.set_up()
    jars = machine.clone / ".jars"
    (jars / "io.delta_delta-storage-4.4.0.jar").unlink()
    assert "fetching the Delta JARs" in machine.set_up().stdout
    (jars / "stamp").unlink()
    assert "fetching the Delta JARs" in machine.set_up().stdout
    assert len(list(jars.glob("*.jar"))) == 2


def test_a_failing_class_archive_does_not_fail_the_set_up(machine):
    machine.tool("python3.11", PYTHON.replace('echo classes >"$2"', "exit 1"))
    ended = machine.set_up()
    assert ended.returncode == 0
    assert "commands will start in 5 seconds" in ended.stdout
    assert machine.set_up().stdout == ""


@pytest.mark.parametrize("version", ["11.0.2", "1.8.0_302", "25"])
def test_the_wrong_java(machine, version):
    (machine.tools / "version").write_text(version)
    number = version.removeprefix("1.").split(".")[0]
    assert f"Java {number} was found, but Spark needs Java 17 or 21" in machine.stop()
    assert not (machine.clone / ".venv").exists()


def test_no_java(machine):
    machine.tool("java", "#!/bin/bash\nexit 127\n")
    assert "Java was not found. Install Java 17" in machine.stop()
    assert f"JAVA_HOME is {machine.folder}, which has no bin/java" in machine.stop(JAVA_HOME=str(machine.folder))


def test_java_home_has_priority_over_the_path(machine):
    home = machine.folder / "jdk" / "bin"
    home.mkdir(parents=True)
    shutil.copy(machine.tools / "java", home)
    (home / "version").write_text("11.0.2")
    assert "Java 11 was found" in machine.stop(JAVA_HOME=str(home.parent))


def test_the_wrong_python(machine):
    for name in ("python3.11", "python3.12", "python3.13", "python3", "python", "old"):
        machine.tool(name, "#!/bin/bash\nexit 1\n")
    assert "no Python 3.11 to 3.14 with venv was found" in machine.stop()
    assert "PYTHON=old is not a Python 3.11" in machine.stop(PYTHON="old")


def test_a_full_disk(machine):
    machine.tool("df", "#!/bin/bash\necho header; echo /dev/sda 1000 900 100 90% /\n")
    assert "only 100 MiB of disk are free here, 2000 are needed" in machine.stop()


@pytest.mark.parametrize(
    ("pip_output", "message"),
    [
        (
            "ERROR: No matching distribution found for setuptools",
            "the package registry could not be reached. Check the network",
        ),
        ("OSError: [Errno 28] No space left on device", "the disk is full. Make room"),
        ("something else", ".venv/pip.log has the reason"),
    ],
)
def test_packages_that_cannot_be_installed(machine, pip_output, message):
    (machine.folder / "pip-says").write_text(pip_output)
    assert message in machine.stop()
    (machine.folder / "pip-says").unlink()
    assert machine.set_up().returncode == 0


def test_jars_that_cannot_be_fetched(machine):
    (machine.folder / "spark-says").write_text(
        "RuntimeException: [unresolved dependency: io.delta#delta-spark;4.4.0: not found]"
    )
    assert "the Delta JARs could not be fetched: the package registry could not be reached" in machine.stop()
    assert not list((machine.clone / ".jars").glob("*.jar"))
    (machine.folder / "spark-says").unlink()
    assert machine.set_up().returncode == 0


def test_the_native_engine_is_fetched_on_request_only(machine):
    """`make native`; a download that fails leaves the Delta JARs as they are."""
    assert machine.set_up().returncode == 0
    native = machine.clone / ".jars" / "native"
    assert not native.exists()
    (machine.folder / "spark-says").write_text("unresolved dependency: org.apache.datafusion#comet: not found")
    failed = machine.set_up("native")
    assert failed.returncode == 2 and "the native engine could not be fetched: the package registry" in failed.stderr
    (machine.folder / "spark-says").unlink()
    assert "fetching the native engine into .jars/native" in machine.set_up("native").stdout
    assert [jar.name for jar in native.glob("*.jar")] == ["org.apache.datafusion_comet-spark-spark4.1_2.13-1.2.0.jar"]
    assert len(list((machine.clone / ".jars").glob("*.jar"))) == 2
    again = machine.set_up("native")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_the_demo_goes_on_without_the_native_engine_if_it_cannot_be_fetched(machine):
    machine.tool("uname", "#!/bin/bash\necho Linux\n")
    assert machine.set_up().returncode == 0
    (machine.folder / "spark-says").write_text("unresolved dependency: org.apache.datafusion#comet: not found")
    without = machine.set_up("try-native")
    assert without.returncode == 0 and "Going on without it: large lakes take longer." in without.stdout
    (machine.folder / "spark-says").unlink()
    assert machine.set_up("try-native").returncode == 0
    assert (machine.clone / ".jars" / "native" / "classes.jsa").exists()


def test_elsewhere_than_on_linux_there_is_no_native_engine(machine):
    machine.tool("uname", "#!/bin/bash\necho Darwin\n")
    assert "it runs on Linux only. Going on without it" in machine.set_up("try-native").stdout
    asked = machine.set_up("native")
    assert asked.returncode == 2 and "could not be fetched: it runs on Linux only." in asked.stderr
