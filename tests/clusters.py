"""A real standalone cluster on this machine: a master and two workers with one core each, of the installed Spark."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyspark

from tests.spark_settings import SHORT_LIVED, SHORT_LIVED_JVM

SPARK = Path(pyspark.__file__).parent
STARTED_WITHIN_SECONDS = 60
# A part ends when its starting process ends, even if that one is killed.
UNTIL_STDIN_ENDS = '"$@" & cat >/dev/null; kill $!; wait $!'


@dataclass(frozen=True)
class Cluster:
    """A running cluster. `folder` holds the logs of its parts."""

    master: str
    folder: Path

    def submit(self, *words: str) -> subprocess.CompletedProcess:
        """`spark-submit --master MASTER WORDS`, from a folder outside the project."""
        settings = [word for key, value in SHORT_LIVED.items() for word in ("--conf", f"{key}={value}")]
        line = [str(SPARK / "bin" / "spark-submit"), "--master", self.master, *settings, *words]
        return subprocess.run(line, env=_environment(self.folder), cwd=self.folder, capture_output=True, text=True)


@contextmanager
def standalone_cluster(folder: Path, worker_memory: str = "1g") -> Iterator[Cluster]:
    """Starts the cluster and ends what it started."""
    port = _free_port()
    cluster = Cluster(f"spark://127.0.0.1:{port}", folder)
    master = ["master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"]
    worker = [
        "worker.Worker",
        "--host",
        "127.0.0.1",
        "--webui-port",
        "0",
        "-c",
        "1",
        "-m",
        worker_memory,
        cluster.master,
    ]
    with ExitStack() as parts:
        parts.enter_context(_part(folder, "master", master))
        _wait_for(folder / "master.log", "I have been elected leader", 1)
        for name in ("worker-1", "worker-2"):
            parts.enter_context(_part(folder, name, worker))
        _wait_for(folder / "master.log", "Registering worker", 2)
        yield cluster


@contextmanager
def _part(folder: Path, name: str, words: list[str]) -> Iterator[None]:
    line = [str(SPARK / "bin" / "spark-class"), f"org.apache.spark.deploy.{words[0]}", *words[1:]]
    with (folder / f"{name}.log").open("w") as log:
        part = subprocess.Popen(
            ["bash", "-c", UNTIL_STDIN_ENDS, "part", *line],
            env=_environment(folder), cwd=folder, stdin=subprocess.PIPE, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            yield
        finally:
            part.stdin.close()
            part.wait(timeout=60)


def _environment(folder: Path) -> dict[str, str]:
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith(("PYSPARK_", "PYTHON"))},
        "SPARK_HOME": str(SPARK),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_JAVA_OPTS": SHORT_LIVED_JVM,
        "SPARK_WORKER_DIR": str(folder / "work"),
        "SPARK_LOG_DIR": str(folder / "logs"),
        "PYSPARK_PYTHON": sys.executable,
    }


def _wait_for(log: Path, line: str, times: int) -> None:
    deadline = time.monotonic() + STARTED_WITHIN_SECONDS
    while len(re.findall(line, log.read_text())) < times:
        assert time.monotonic() < deadline, (
            f"{log}: no {line!r} within {STARTED_WITHIN_SECONDS} seconds:\n{log.read_text()}"
        )
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
