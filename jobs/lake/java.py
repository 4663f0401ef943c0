"""The Java below Spark: which one, and how it is started and ended on this machine."""

import contextlib
import locale
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from py4j.java_gateway import JavaGateway
from py4j.protocol import Py4JError
from pyspark import SparkConf
from pyspark.java_gateway import launch_gateway

from jobs.base.errors import WrongUsage
from jobs.base.logs import pass_on
from jobs.base.process import ends_with_interruption
from jobs.base.progress import LOGGER
from jobs.lake.java_names import remember_names
from jobs.lake.storage import is_local

VERSIONS = ("17", "21")
# Spark requests this module, and Java reports that at every start. Users can do nothing about it.
SUPPRESSED_LINE = b"WARNING: Using incubator modules: jdk.incubator.vector\n"
CLASSES = "classes.jsa"
END_SECONDS = 10
# Variables that change how Java and Spark start, after or in spite of the settings that we start them with.
IGNORED = (
    "PYSPARK_SUBMIT_ARGS", "SPARK_SUBMIT_OPTS", "SPARK_LAUNCHER_OPTS", "SPARK_JAVA_OPTS", "SPARK_CLASSPATH",
    "SPARK_DIST_CLASSPATH", "SPARK_PREPEND_CLASSES", "SPARK_TESTING", "SPARK_SQL_TESTING", "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS",
)  # fmt: skip
# A server of Spark Connect, instead of the JVM that we start.
CONNECT = ("SPARK_REMOTE", "SPARK_LOCAL_REMOTE", "SPARK_API_MODE", "SPARK_CONNECT_MODE", "SPARK_CONNECT_MODE_ENABLED")
HADOOP = ("HADOOP_CONF_DIR", "YARN_CONF_DIR")  # a cluster's own file system and logins: nothing for this machine
GATEWAY = ("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET")
QUIET_ENGINE = {"COMET_LOG_LEVEL": "error"}  # the native engine writes to stderr itself
UTF8_LOCALES = ("C.UTF-8", "C.utf8", "en_US.UTF-8")  # the first that this machine has is Java's


def find_java() -> Path:
    """The Java that Spark will start, by Spark's own order: JAVA_HOME, then PATH; raises WrongUsage."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else shutil.which("java")
    if java is None or not Path(java).is_file():
        reason = f"JAVA_HOME is {home}, which has no bin/java" if home else "Java was not found"
        raise WrongUsage(f"{reason}. Nothing was done. Install Java 17 or 21, or set JAVA_HOME to it.")
    with _java_variables():
        output = subprocess.run([java, "-version"], capture_output=True, errors="replace", check=False).stderr
    version = re.search(r'version "([0-9]+)', output)
    if version is None or version[1] not in VERSIONS:
        is_version = f"is Java {version[1]}" if version else "does not report its version"
        raise WrongUsage(f"{java} {is_version}; Spark needs 17 or 21. Nothing was done. Set JAVA_HOME to one of them.")
    return Path(java)


def java_options(archive: Path, log_settings: Path, quick_compiler: bool) -> str:
    """Options of the JVM: quiet logs, and the archive of loaded classes that set-up makes (it halves the start).

    With `quick_compiler` Java compiles quickly rather than well: for few rows, and where the native engine does the
    work. Spark makes one method of a whole stage; by default Java never compiles a method as long as the gate's.
    """
    options = [
        f"-Dlog4j2.configurationFile={log_settings.as_uri()}",
        "-XX:-DontCompileHugeMethods",
        "-Dfile.encoding=UTF-8",
    ]
    user_options = os.environ.get("FENTAN_JAVA_OPTIONS", "")
    has_collector = re.search(r"-XX:\+Use\w+GC", user_options)
    collector = "" if has_collector else "-XX:+UseParallelGC"  # the fastest for batch work
    compiler = "-XX:TieredStopAtLevel=1" if quick_compiler else ""
    options += ["-XX:ReservedCodeCacheSize=512m", collector, compiler, user_options]
    if archive.is_file() and not re.search(r"\s", str(archive)):
        # Java ignores an archive that no longer fits, but would report that on stdout.
        options += [f"-XX:SharedArchiveFile={archive}", "-Xlog:disable", "-Xlog:all=error:stderr"]
    return " ".join(options).strip()


def leave_connect_out() -> None:
    """Removes the variables of Spark Connect: PySpark reads them again at every expression."""
    _report_ignored(CONNECT)
    _set_variables(dict.fromkeys(CONNECT))


def _report_ignored(names: Iterable[str]) -> None:
    ignored = [name for name in names if name in os.environ]
    if ignored:
        LOGGER.warning(
            "%s ignored: Java and Spark are started with the section [spark] of the conf and FENTAN_JAVA_OPTIONS.",
            ", ".join(ignored),
        )


def start_jvm(settings: dict[str, str], on_this_machine: bool) -> JavaGateway:
    """Starts Spark's JVM with these settings. Its output is passed on to our stderr, except one line.

    Environment variables that would override the settings are ignored; `on_this_machine`: those of a cluster as well.
    It runs in a separate session, so that signals to our process group do not reach it; an interruption ends it.
    """
    _report_ignored(IGNORED)
    read_end, write_end = os.pipe()
    threading.Thread(target=_pass_on, args=(read_end,), daemon=True).start()
    options = {"stdout": write_end, "stderr": write_end, "start_new_session": True}
    try:
        with _java_variables(HADOOP if on_this_machine else ()):
            gateway = launch_gateway(SparkConf(loadDefaults=False).setAll(list(settings.items())), options)
    finally:
        os.close(write_end)
    ends_with_interruption(lambda: _end(gateway.proc))
    remember_names(gateway)
    return gateway


def submitted_jvm() -> JavaGateway:
    """The JVM of the spark-submit that started this program; raises WrongUsage if there is none."""
    try:
        gateway = launch_gateway()
        remember_names(gateway)
        return gateway
    except (KeyError, ValueError, OSError, Py4JError) as error:
        raise WrongUsage(
            f"{GATEWAY[0]} is set, but no Spark answers there: spark-submit did not start this program, or has ended. "
            f"Nothing was done. Unset {' and '.join(GATEWAY)}, or start the program by spark-submit."
        ) from error


def check_names(gateway: JavaGateway, lake_root: str) -> None:
    """Raises WrongUsage if this Java cannot express the path of a local lake: its locale decides that."""
    encoding = gateway.jvm.java.lang.System.getProperty("sun.jnu.encoding")
    if is_local(lake_root) and not lake_root.isascii() and encoding.upper() not in ("UTF-8", "UTF8"):
        raise WrongUsage(
            f"Lake {lake_root}: Java cannot read that name; its locale has the encoding {encoding}. Nothing was done. "
            f"Set LC_ALL to a locale of UTF-8, such as {UTF8_LOCALES[0]}, before Java starts."
        )


@contextlib.contextmanager
def _java_variables(others_ignored: Iterable[str] = ()) -> Iterator[None]:
    """The environment variables for Java: it names files in UTF-8, and finds none that is ignored."""
    utf8 = _utf8_locale()
    changed: dict[str, str | None] = dict.fromkeys((*IGNORED, *others_ignored))
    changed |= {**QUIET_ENGINE, **({"LC_ALL": utf8} if utf8 else {})}
    before = {name: os.environ.get(name) for name in changed}
    _set_variables(changed)
    try:
        yield
    finally:
        _set_variables(before)


def _set_variables(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _utf8_locale() -> str | None:
    own = locale.setlocale(locale.LC_CTYPE)
    try:
        for name in UTF8_LOCALES:
            with contextlib.suppress(locale.Error):
                return locale.setlocale(locale.LC_CTYPE, name)
        return None
    finally:
        locale.setlocale(locale.LC_CTYPE, own)


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
