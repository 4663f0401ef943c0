"""The Java below Spark: which one, and how it is started and ended on this machine."""

import os
import re
import shutil
import subprocess
import threading
from pathlib import Path

from py4j.java_gateway import JavaGateway
from pyspark import SparkConf
from pyspark.java_gateway import launch_gateway

from jobs.errors import WrongUsage
from jobs.process import ends_with_interruption
from jobs.progress.logs import pass_on

VERSIONS = ("17", "21")
# Spark requests this module, and Java reports that at every start. Users can do nothing about it.
SUPPRESSED_LINE = b"WARNING: Using incubator modules: jdk.incubator.vector\n"
CLASSES = "classes.jsa"
END_SECONDS = 10


def find_java() -> Path:
    """The Java that Spark will start, by Spark's own order: JAVA_HOME, then PATH; raises WrongUsage."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else shutil.which("java")
    if java is None or not Path(java).is_file():
        reason = f"JAVA_HOME is {home}, which has no bin/java" if home else "Java was not found"
        raise WrongUsage(f"{reason}. Nothing was done. Install Java 17 or 21, or set JAVA_HOME to it.")
    output = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "([0-9]+)', output)
    if version is None or version[1] not in VERSIONS:
        is_version = f"is Java {version[1]}" if version else "does not report its version"
        raise WrongUsage(f"{java} {is_version}; Spark needs 17 or 21. Nothing was done. Set JAVA_HOME to one of them.")
    return Path(java)


def java_options(folder: Path, log_settings: Path, few_rows: bool) -> str:
    """Options of the JVM: quiet logs, and the archive of loaded classes that set-up makes (it halves the start).

    With `few_rows` Java compiles quickly rather than well. Spark makes one method of a whole stage; by default Java
    never compiles a method as long as the gate's.
    """
    options = [f"-Dlog4j2.configurationFile={log_settings.as_uri()}", "-XX:-DontCompileHugeMethods"]
    user_options = os.environ.get("FENTAN_JAVA_OPTIONS", "")
    has_collector = re.search(r"-XX:\+Use\w+GC", user_options)
    collector = "" if has_collector else "-XX:+UseParallelGC"  # the fastest for batch work
    compiler = "-XX:TieredStopAtLevel=1" if few_rows else ""
    options += ["-XX:ReservedCodeCacheSize=512m", collector, compiler, user_options]
    archive = folder / CLASSES
    if archive.is_file() and not re.search(r"\s", str(archive)):
        # Java ignores an archive that no longer fits, but would report that on stdout.
        options += [f"-XX:SharedArchiveFile={archive}", "-Xlog:disable", "-Xlog:all=error:stderr"]
    return " ".join(options).strip()


def start_jvm(settings: dict[str, str]) -> JavaGateway:
    """Starts Spark's JVM with these settings. Its output is passed on to our stderr, except one line.

    It has a session of its own, so that signals to our process group do not reach it: an interruption ends it.
    """
    read_end, write_end = os.pipe()
    threading.Thread(target=_pass_on, args=(read_end,), daemon=True).start()
    options = {"stdout": write_end, "stderr": write_end, "start_new_session": True}
    try:
        gateway = launch_gateway(SparkConf(loadDefaults=False).setAll(list(settings.items())), options)
    finally:
        os.close(write_end)
    ends_with_interruption(lambda: _end(gateway.proc))
    return gateway


def _end(jvm: subprocess.Popen) -> None:
    """Ends the JVM and every Spark job in it; SIGTERM lets it remove its temporary files."""
    jvm.terminate()
    try:
        jvm.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        jvm.kill()
        jvm.wait()


def _pass_on(read_end: int) -> None:
    with os.fdopen(read_end, "rb") as lines:
        for line in lines:
            if line != SUPPRESSED_LINE:
                pass_on(line)
