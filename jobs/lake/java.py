"""The Java below Spark: which one, and how it is started on this machine."""

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

VERSIONS = ("17", "21")
# Spark asks for this module and Java says so at every start: nobody can act on it.
UNHEARD = b"WARNING: Using incubator modules: jdk.incubator.vector\n"
CLASSES = "classes.jsa"


def find_java() -> Path:
    """The Java that Spark will start, found as Spark finds it: JAVA_HOME, then PATH; raises WrongUsage."""
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home, "bin", "java")) if home else shutil.which("java")
    if found is None or not Path(found).is_file():
        where = f"JAVA_HOME is {home}, which has no bin/java" if home else "Java was not found"
        raise WrongUsage(f"{where}. Nothing was done. Install Java 17 or 21, or set JAVA_HOME to it.")
    told = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "([0-9]+)', told)
    if version is None or version[1] not in VERSIONS:
        is_version = f"is Java {version[1]}" if version else "does not say its version"
        raise WrongUsage(f"{found} {is_version}; Spark needs 17 or 21. Nothing was done. Set JAVA_HOME to one of them.")
    return Path(found)


def java_options(folder: Path, log_settings: Path, few_rows: bool) -> str:
    """Options of the JVM: quiet logs, and the archive of loaded classes that set-up leaves (it halves the start).

    `few_rows`: Java compiles quickly rather than well. Spark makes one method of a whole stage; by default Java never
    compiles a method as long as the gate's.
    """
    options = [f"-Dlog4j2.configurationFile={log_settings.as_uri()}", "-XX:-DontCompileHugeMethods"]
    given = os.environ.get("FENTAN_JAVA_OPTIONS", "")
    collector = "" if re.search(r"-XX:\+Use\w+GC", given) else "-XX:+UseParallelGC"  # the quickest for batches
    options += ["-XX:ReservedCodeCacheSize=512m", collector, "-XX:TieredStopAtLevel=1" if few_rows else "", given]
    archive = folder / CLASSES
    if archive.is_file() and not re.search(r"\s", str(archive)):
        # Java leaves out an archive that does not fit any more, but would say so on stdout.
        options += [f"-XX:SharedArchiveFile={archive}", "-Xlog:disable", "-Xlog:all=error:stderr"]
    return " ".join(options).strip()


def start_jvm(settings: dict[str, str]) -> JavaGateway:
    """Starts Spark's JVM with these settings; its stderr goes to ours, but for one notice."""
    read_end, write_end = os.pipe()
    threading.Thread(target=_forward, args=(read_end,), daemon=True).start()
    try:
        return launch_gateway(SparkConf(loadDefaults=False).setAll(settings.items()), {"stderr": write_end})
    finally:
        os.close(write_end)


def _forward(read_end: int) -> None:
    with os.fdopen(read_end, "rb") as lines:
        for line in lines:
            if line != UNHEARD:
                os.write(2, line)
