"""Spark sessions: the only place where this program starts Spark."""

import os
import sys
import threading
from importlib.resources import as_file, files
from pathlib import Path

import pyspark
from py4j.java_gateway import JavaGateway
from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.base.environment import Environment
from jobs.base.errors import WrongUsage
from jobs.base.process import ends_with_interruption, keeping_signal_handler
from jobs.lake.java import (
    CLASSES,
    END_SECONDS,
    check_names,
    find_java,
    java_options,
    leave_connect_out,
    start_jvm,
    submitted_jvm,
)
from jobs.lake.native import (
    OFF_HEAP,
    PLUGIN,
    SET_BY_ENGINE,
    SETTINGS,
    WITH_ENGINE,
    native_jars,
    native_settings,
    with_native_memory,
)
from jobs.lake.object_stores import PAGE, S3, S3A_CLASS, scheme_of, spark_address, spark_settings
from jobs.lake.storage import is_local

DELTA_PACKAGE = "io.delta:delta-spark_4.1_2.13:4.4.0"
EXTENSIONS = "spark.sql.extensions"

# Results and readers depend on these: no conf may change them.
FIXED = {
    EXTENSIONS: "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.databricks.delta.properties.defaults.enableDeletionVectors": "false",
    "spark.databricks.delta.properties.defaults.minReaderVersion": "1",
    "spark.databricks.delta.properties.defaults.minWriterVersion": "2",
    "spark.databricks.delta.replaceWhere.dataColumns.enabled": "true",
    "spark.databricks.delta.replaceWhere.constraintCheck.enabled": "true",
    "spark.databricks.delta.schema.autoMerge.enabled": "false",
    "spark.databricks.delta.stats.collect": "true",
    "spark.sql.sources.partitionOverwriteMode": "STATIC",
    "spark.sql.storeAssignmentPolicy": "ANSI",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.caseSensitive": "false",
    "spark.sql.ansi.enforceReservedKeywords": "false",
    "spark.sql.ansi.doubleQuotedIdentifiers": "false",
}
TABLE_DEFAULTS = "spark.databricks.delta.properties.defaults."
# Of a site's spark-defaults.conf these are ignored: properties of new tables, which other programs must be able to
# read, and older meanings of SQL.
IGNORED_DEFAULTS = (TABLE_DEFAULTS, "spark.sql.legacy.")
CHECKED_IN_SESSION = ("spark.sql.session.timeZone", "spark.sql.ansi.enabled")
TUNED = {
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",  # other readers misread far years in the older form
    "spark.sql.maxConcurrentOutputFileWriters": "64",  # otherwise Delta sorts the rows by partition before it writes
    # Minimum and maximum of columns with one value in every row help no reader and take a quarter of a write's time.
    **{f"spark.hadoop.parquet.column.statistics.enabled#{name}": "false" for name in ("run_id", "tier", "marker")},
    "spark.hadoop.parquet.size.statistics.enabled": "false",
    "spark.databricks.delta.properties.defaults.writePartitionColumnsToParquet": "false",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.autoBroadcastJoinThreshold": "64m",
    "spark.sql.adaptive.autoBroadcastJoinThreshold": "64m",
    "spark.sql.codegen.cache.maxEntries": "5000",  # a settlement compiles more than Spark's default of 100
    "spark.executorEnv.LC_ALL": "C.UTF-8",  # executors name files in UTF-8
    "spark.python.sql.dataFrameDebugging.enabled": "false",  # it walks the Python stack at every column
}
# For few rows, planning and compiling a query takes more time than running it.
FEW_ROWS = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",  # paths: more are listed by a job
}
LOCAL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.submit.deployMode": "client",
    "spark.eventLog.enabled": "false",
}
LOCAL_FILES = {"spark.hadoop.fs.defaultFS": "file:///"}
JAVA_OPTIONS = "spark.driver.extraJavaOptions"
JARS_IN_CONF = {"spark.jars", "spark.jars.packages", "spark.driver.extraClassPath"}


def open_session(
    environment: Environment,
    app_name: str,
    few_rows: bool = False,
    lake_root: str = "",
    native: bool = False,
    compiles_well: bool = False,
) -> SparkSession:
    """The running session, or a new one with the settings that a settlement relies on; raises WrongUsage.

    With `few_rows` a new session plans and compiles quickly rather than well; it can reach the store of `lake_root`.
    With `native` it runs queries in the native engine, if that is installed; then Java compiles quickly too, unless
    `compiles_well` is set.
    """
    leave_connect_out()
    active = SparkSession.getActiveSession()
    spark = active or _start(environment, app_name, few_rows, lake_root, native, compiles_well)
    _check_fixed({key: spark.conf.get(key) for key in CHECKED_IN_SESSION}, "The Spark session")
    return spark


def _start(
    environment: Environment, app_name: str, few_rows: bool, lake_root: str, native: bool, compiles_well: bool
) -> SparkSession:
    conf_settings = {key: value for key, value in environment.spark.items() if key != "master"}
    _check_fixed(conf_settings, "The [spark] section of the conf")
    store = spark_settings(lake_root, environment.storage)
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        return _start_submitted({**store, **conf_settings}, app_name, lake_root, native)
    master = environment.spark.get("master")
    if master is None:
        raise WrongUsage(
            "The conf names no Spark master, and this was not started by spark-submit. Nothing was done. "
            "Start it as conf/deploy/settle.sh does, or set a master in [spark], e.g. local[*]."
        )
    java = find_java()
    conf_options = conf_settings.get(JAVA_OPTIONS, "")
    folder = Path(os.environ.get("FENTAN_JARS", Path(__file__).resolve().parents[2] / ".jars"))
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_HOME"] = str(Path(pyspark.__file__).parent)  # never another Spark of this machine
    native = native and master.startswith("local[") and not SET_BY_ENGINE & conf_settings.keys()
    engine = native_jars(folder) if native else []
    quick_compiler = few_rows or (bool(engine) and not compiles_well)
    archive = Path(engine[0]).with_name(CLASSES) if engine else folder / CLASSES  # fits one class path only
    with as_file(files("conf").joinpath("log4j2.properties")) as log_settings:
        settings = {
            **TUNED,
            **(FEW_ROWS if few_rows else {}),
            **(LOCAL if master.startswith("local") else {}),
            **(LOCAL_FILES if is_local(lake_root) and master.startswith("local") else {}),
            **(native_settings(*engine) if engine else {}),
            "spark.jars": ",".join([*_delta_jars(folder), *_store_jars(folder, lake_root, conf_settings), *engine]),
            **{key: value for key, value in conf_settings.items() if not (few_rows and key in FEW_ROWS)},
            **FIXED,
            EXTENSIONS: FIXED[EXTENSIONS] + (WITH_ENGINE if engine else ""),
            JAVA_OPTIONS: f"{java_options(archive, log_settings, quick_compiler)} {conf_options}".strip(),
            "spark.master": master,
            "spark.app.name": app_name,
        }
        if "FENTAN_DRIVER_MEMORY" in os.environ:
            settings["spark.driver.memory"] = os.environ["FENTAN_DRIVER_MEMORY"]
        if engine:
            settings = with_native_memory(settings)
        return _start_jvm_and_session(settings, store, java, lake_root)


def _start_jvm_and_session(settings: dict[str, str], store: dict[str, str], java: Path, lake_root: str) -> SparkSession:
    """`store`: settings that may hold credentials, so they are kept off the command line of the JVM."""
    try:
        gateway = start_jvm(settings, on_this_machine=LOCAL_FILES.keys() <= settings.keys())
        check_names(gateway, lake_root)
        conf = _site_conf(gateway).setAll(list({**store, **settings}.items()))
        with keeping_signal_handler():
            context = SparkContext(conf=conf, gateway=gateway)
        context.setLogLevel("ERROR")
        return SparkSession.builder.getOrCreate()
    except (PySparkException, Py4JError, OSError) as error:
        raise WrongUsage(
            f"Spark could not be started on {settings['spark.master']} with {java} ({type(error).__name__}). "
            "Nothing was done. Check the master, the memory and the [spark] settings of the conf, and the site's "
            "spark-defaults.conf, if SPARK_CONF_DIR is set."
        ) from error


def _start_submitted(conf_settings: dict[str, str], app_name: str, lake_root: str, native: bool) -> SparkSession:
    """A session in the JVM of spark-submit, with its master and JARs; submitted settings override those of the conf."""
    gateway = submitted_jvm()
    check_names(gateway, lake_root)
    submitted = _site_conf(gateway)
    is_loadable = gateway.jvm.org.apache.spark.util.Utils.classIsLoadable
    has_off_heap = OFF_HEAP in conf_settings or submitted.contains(OFF_HEAP)
    engine = SETTINGS if native and has_off_heap and is_loadable(PLUGIN) else {}
    all_settings = {**TUNED, **engine, **conf_settings}
    settings = {key: value for key, value in all_settings.items() if not submitted.contains(key)}
    if not is_loadable(FIXED[EXTENSIONS]):
        raise WrongUsage(
            "Delta is not on Spark's class path. Nothing was done. "
            f"Submit with `--packages {DELTA_PACKAGE}`, or with --jars and the two JARs that `make setup` fetches."
        )
    if _is_s3(lake_root) and not is_loadable(S3A_CLASS):
        raise WrongUsage(
            f"Hadoop's S3 client is not on Spark's class path, and the lake is {lake_root}. Nothing was done. "
            f"Submit with the JARs that conf/deploy/s3_jars.sh fetches ({PAGE})."
        )
    with keeping_signal_handler():
        fixed = {**FIXED, EXTENSIONS: FIXED[EXTENSIONS] + (WITH_ENGINE if engine else "")}
        conf = submitted.setAll(list({"spark.app.name": app_name, **settings, **fixed}.items()))
        context = SparkContext(conf=conf, gateway=gateway)
    ends_with_interruption(lambda: _stop(context))
    return SparkSession.builder.getOrCreate()


def _site_conf(gateway: JavaGateway) -> SparkConf:
    """The settings that the JVM was started with, those of a site's spark-defaults.conf included."""
    conf = SparkConf(_jvm=gateway.jvm)
    for key, _ in conf.getAll():
        if key.startswith(IGNORED_DEFAULTS):
            conf._jconf.remove(key)
    return conf


def _stop(context: SparkContext) -> None:
    """Stops Spark and its jobs. In a thread of its own: the connection of the main thread was interrupted in a call."""
    stopping = threading.Thread(target=context.stop, daemon=True)
    stopping.start()
    stopping.join(END_SECONDS)


def _check_fixed(settings: dict[str, str], place: str) -> None:
    for key, value in settings.items():
        if FIXED.get(key, value) != value:
            raise WrongUsage(f"{place} has {key} = {value}; it must be {FIXED[key]}. Nothing was done. Leave it out.")
        if key.startswith(TABLE_DEFAULTS) and key not in {**FIXED, **TUNED}:
            raise WrongUsage(
                f"{place} has {key}; the properties of tables are fixed, so that every reader can read them. Nothing "
                "was done. Leave it out."
            )


def _delta_jars(folder: Path) -> list[str]:
    versions = [sorted(folder.glob(f"*{name}*.jar")) for name in ("delta-spark", "delta-storage")]
    if not all(versions):
        raise WrongUsage(
            f"The Delta JARs are not in {folder}. Nothing was done. "
            "Run `make setup`, or set FENTAN_JARS to their folder."
        )
    return [str(jars[-1]) for jars in versions]


def _store_jars(folder: Path, lake_root: str, given: dict[str, str]) -> list[str]:
    """The JARs in the folder named after the scheme of the lake's address, such as .jars/s3a."""
    scheme = scheme_of(spark_address(lake_root))
    jars = sorted((folder / scheme).glob("*.jar")) if scheme else []
    if _is_s3(lake_root) and not jars and not JARS_IN_CONF & given.keys():
        raise WrongUsage(
            f"The JARs of Hadoop's S3 client are not in {folder / scheme}. Nothing was done. "
            f"Run conf/deploy/s3_jars.sh, or name them in the [spark] section of the conf ({PAGE})."
        )
    return [str(jar) for jar in jars]


def _is_s3(lake_root: str) -> bool:
    return scheme_of(lake_root) in S3
