"""A real HDFS on this machine: a name node and a data node on loopback, of the installed Spark's Hadoop."""

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from jobs.lake.java import find_java
from tests.clusters import SPARK, STARTED_WITHIN_SECONDS, UNTIL_STDIN_ENDS
from tests.spark_settings import SHORT_LIVED_JVM
from tests.wheels import PROJECT

JARS = PROJECT / ".jars" / "hdfs"
COORDINATES = (
    "org.apache.hadoop:hadoop-client-minicluster:3.4.2",
    "junit:junit:4.13.2",
    "org.hamcrest:hamcrest-core:1.3",
)
# Dependencies of the first that Spark already has.
IN_SPARK = "org.apache.hadoop:hadoop-client-api,org.apache.hadoop:hadoop-client-runtime"


@contextmanager
def hdfs_on_loopback(folder: Path) -> Iterator[str]:
    """Starts an HDFS with its files in the folder (no spaces in its path), gives its root URL and ends it."""
    details, log = folder / "hdfs.json", folder / "hdfs.log"
    details.unlink(missing_ok=True)
    with log.open("w") as out:
        nodes = subprocess.Popen(
            ["bash", "-c", UNTIL_STDIN_ENDS, "hdfs", *_nodes(folder, details)],
            cwd=folder, stdin=subprocess.PIPE, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        yield f"hdfs://127.0.0.1:{_port(details, log)}"
    finally:
        nodes.stdin.close()
        nodes.wait(timeout=60)


def minicluster_jars() -> list[Path]:
    """The JARs that an HDFS needs in addition to those of Spark; fetched once into `.jars/hdfs`."""
    jars = [JARS / "{}_{}-{}.jar".format(*coordinate.split(":")) for coordinate in COORDINATES]
    JARS.mkdir(parents=True, exist_ok=True)
    with (JARS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not all(jar.exists() for jar in jars):
            _fetch(jars)
    return jars


def _fetch(jars: list[Path]) -> None:
    with TemporaryDirectory(dir=JARS) as ivy:
        script = Path(ivy, "nothing.py")
        script.write_text("pass\n")
        packages = ["--packages", ",".join(COORDINATES), "--exclude-packages", IN_SPARK]
        line = [str(SPARK / "bin" / "spark-submit"), "--master", "local[1]", "--conf", f"spark.jars.ivy={ivy}"]
        spark = {"SPARK_HOME": str(SPARK), "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
        fetched = subprocess.run(
            [*line, *packages, str(script)], env={**os.environ, **spark}, capture_output=True, text=True
        )
        assert fetched.returncode == 0, f"the JARs of HDFS could not be fetched:\n{fetched.stderr}"
        for jar in jars:
            Path(ivy, "jars", jar.name).rename(jar)


def _nodes(folder: Path, details: Path) -> list[str]:
    """The line that starts both nodes on free ports."""
    settings = [SHORT_LIVED_JVM, "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Xmx512m", f"-Djava.io.tmpdir={folder}"]
    classes = ":".join(str(place) for place in (*minicluster_jars(), SPARK / "jars" / "*"))
    words = ["-format", "-datanodes", "1", "-nnport", "0", "-httpport", "0", "-writeDetails", str(details)]
    return [str(find_java()), *settings, "-cp", classes, "org.apache.hadoop.test.MiniDFSClusterManager", *words]


def _port(details: Path, log: Path) -> int:
    """The name node's port, from the details, which are written once the data node has registered."""
    deadline = time.monotonic() + STARTED_WITHIN_SECONDS
    while not (details.exists() and details.read_text().endswith("}")):
        assert time.monotonic() < deadline, f"no HDFS within {STARTED_WITHIN_SECONDS} seconds:\n{log.read_text()}"
        time.sleep(0.2)
    return json.loads(details.read_text())["namenode_port"]
