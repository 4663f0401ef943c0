"""What all benchmarks share: their arguments and conf, sample lakes, commands with their stages and memory."""

import argparse
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.operators import settings_of_event_log

PERIOD = "2020-12-P1"
STAGE = re.compile(r"\[\s*([0-9.]+)s\] (.+)")
SAMPLED_EVERY_SECONDS = 0.5
CONF = """
platform = "xianghubao"
[spark]
master = "local[*]"
"spark.sql.shuffle.partitions" = "16"
"spark.driver.maxResultSize" = "256m"
EVENT_LOG
[quality]
quarantine_ceiling_members_ppm = 10000
quarantine_ceiling_claims_ppm = 50000
quarantine_ceiling_floor_rows = 20
[lock]
lease_seconds = 600
"""


class Ran(NamedTuple):
    """A command that ended: the announced stages with their start seconds, the second of its end, its peak memory."""

    stages: list[tuple[float, str]]
    ended: float
    peak_gib: float


def size_parser(doc: str, default_size: str) -> argparse.ArgumentParser:
    """The arguments of every benchmark."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", nargs="+", default=[default_size], help="sizes, as `fentan generate` takes them")
    parser.add_argument("--rounds", type=int, default=1, help="the medians are of so many rounds")
    parser.add_argument("--folder", type=Path, default=Path("bench"), help="where the lakes are made")
    return parser


def begin(args: argparse.Namespace) -> Path:
    """Makes the folder, prints cores and memory, and returns the conf of the commands."""
    args.folder.mkdir(parents=True, exist_ok=True)
    conf = args.folder / "bench.toml"
    conf.write_text(CONF.replace("EVENT_LOG\n", settings_of_event_log(events_of(args.folder))))
    print(f"{os.cpu_count()} cores, memory {heap()}, medians of {args.rounds}", flush=True)
    return conf


def events_of(folder: Path) -> Path:
    """Where the commands log Spark's events."""
    return folder / "events"


def settled_lake(lake: Path, size: str, conf: Path) -> None:
    """A lake with the settled period; an existing one is used again."""
    generate(lake, size, "0")
    if not (lake / "settled/assessments").exists():
        ran(["settle", "--lake", str(lake), "--period", PERIOD, "--conf", str(conf)])


def generate(lake: Path, size: str, defects: str) -> float | None:
    """Seconds without the session's start; None if the lake already exists."""
    if (lake / "source").exists():
        return None
    words = ["generate", "--lake", str(lake), "--members", size, "--periods", f"{PERIOD}..{PERIOD}", "--seed", "1"]
    run = ran([*words, "--defects", defects])
    return run.ended - next(
        at for at, stage in run.stages if stage.startswith("generating") or stage.startswith("writing")
    )


def ran(words: Sequence[str], memory: str | None = None) -> Ran:
    """Carries out a command of the program; ends the benchmark if it fails. `memory`: another than that of `heap`."""
    began = time.monotonic()
    environment = {**os.environ, "FENTAN_DRIVER_MEMORY": memory or heap()}
    command = [sys.executable, "-m", "jobs.cli", *words]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    ) as run:
        memory = PeakMemory(run.pid)
        _, errors = run.communicate()
        elapsed, peak_gib = time.monotonic() - began, memory.stop()
    if run.returncode:
        raise SystemExit(f"fentan {' '.join(words)} ended with {run.returncode}:\n{errors[-3000:]}")
    return Ran(stages_in(errors), elapsed, peak_gib)


def stages_in(text: str) -> list[tuple[float, str]]:
    """The stages that a command announced, with their seconds."""
    return [(float(match[1]), match[2]) for match in map(STAGE.match, text.splitlines()) if match]


class PeakMemory:
    """Samples the resident memory of a process and its descendants, the JVM and Python workers included (Linux)."""

    def __init__(self, pid: int):
        self._pid, self._peak_kib, self._ended = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """The peak in GiB."""
        self._ended.set()
        self._thread.join()
        return self._peak_kib / (1 << 20)

    def _sample(self) -> None:
        while not self._ended.wait(SAMPLED_EVERY_SECONDS):
            self._peak_kib = max(self._peak_kib, _resident_kib(self._pid))


def _resident_kib(pid: int) -> int:
    """The resident memory of a process and its descendants."""
    rows = subprocess.run(["ps", "-eo", "pid=,ppid=,rss="], capture_output=True, text=True).stdout
    processes = [tuple(map(int, row.split())) for row in rows.splitlines()]
    family, is_growing = {pid}, True
    while is_growing:
        children = {child for child, parent, _ in processes if parent in family}
        is_growing = not children <= family
        family |= children
    return sum(kib for process, _, kib in processes if process in family)


def bare_session():
    """A session with Spark's and Delta's defaults."""
    from pyspark.sql import SparkSession

    jars = Path(os.environ.get("FENTAN_JARS", Path(__file__).resolve().parents[2] / ".jars"))
    delta_jars = [str(sorted(jars.glob(f"*{name}*.jar"))[-1]) for name in ("delta-spark", "delta-storage")]
    return (
        SparkSession.builder.master("local[*]")
        .config("spark.jars", ",".join(delta_jars))
        .config("spark.driver.memory", heap())
        .config("spark.ui.enabled", "false")
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .getOrCreate()
    )


def heap() -> str:
    return os.environ.get("FENTAN_DRIVER_MEMORY", "10g")
