"""How long a settlement takes, as ratios to a bare Spark-Delta copy of the same assessments.

    python -m tests.benchmarks.settle --members 10m 100m --rounds 3 --folder /tmp/fentan-bench

For each size: `fentan generate` once (an existing folder is used again), then in every round `fentan settle` into
an empty lake and the copy (default settings of Spark and Delta, `partitionBy` period and plan). Sessions' starts are
not counted, on either side. The memory is FENTAN_DRIVER_MEMORY (10g; with the native engine half of it is heap); no
job may bring more than 256 MB to the driver. Shown last: operators that the native engine did not take.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from jobs.pipeline.amounts import table_text
from tests.benchmarks.operators import newest_log, operators_text, settings_of_event_log

PERIOD = "2020-12-P1"
STAGE = re.compile(r"\[\s*([0-9.]+)s\] (.+)")
OUTPUTS = ("settled", "ledger", "control")
# The stages of a settlement in the order they are announced, and the part of the work each belongs to.
PARTS = (
    ("pinning source versions", "check"),
    ("settling", "benefits"),
    ("writing settled/assessments", "assessments: apportion and write"),
    ("reading back settled/assessments", "assessments: read back"),
    ("writing settled/bills", "bills: group and write"),
    ("reading back settled/bills", "bills: read back"),
    ("writing settled/pools", "pools, rates, journal, fee"),
    ("proving", "proof"),
    ("holding bad rows", "quarantine, quality"),
    ("publishing", "publish"),
)
BEYOND_CORE = ("bills: group and write", "bills: read back", "quarantine, quality")
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


def main() -> None:
    parser = size_parser(__doc__, "10m")
    parser.add_argument("--defects", default="0", help="rate of bad rows of each kind, e.g. 0.0001")
    parser.add_argument("--copy", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.copy:
        print(json.dumps(copy_seconds(Path(args.copy))))
        return
    conf = begin(args)
    whole_seconds = {}
    for size in args.members:
        lake = args.folder / f"lake-{size}"
        generated_seconds = generate(lake, size, args.defects)
        rounds = [one_round(lake, conf) for _ in range(args.rounds)]
        print(operators_text(newest_log(events_of(args.folder))), flush=True)
        whole_seconds[size] = show(size, generated_seconds, rounds)
    if len(args.members) > 1:
        first, last = args.members[0], args.members[-1]
        print(f"{first} -> {last} members: time grows {whole_seconds[last] / whole_seconds[first]:.2f} times")


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
        stages_of(["settle", "--lake", str(lake), "--period", PERIOD, "--conf", str(conf)])


def generate(lake: Path, size: str, defects: str) -> float | None:
    """Seconds without the session's start; None if the lake already exists."""
    if (lake / "source").exists():
        return None
    words = ["generate", "--lake", str(lake), "--members", size, "--periods", f"{PERIOD}..{PERIOD}", "--seed", "1"]
    stages, ended = stages_of([*words, "--defects", defects])
    return ended - next(at for at, stage in stages if stage.startswith("writing"))


def one_round(lake: Path, conf: Path) -> dict[str, float]:
    """Seconds of every part of one settlement, and of the copy."""
    for folder in OUTPUTS:
        shutil.rmtree(lake / folder, ignore_errors=True)
    stages, ended = stages_of(["settle", "--lake", str(lake), "--period", PERIOD, "--conf", str(conf)])
    starts = [next(at for at, stage in stages if stage == name) for name, _ in PARTS]
    seconds = {part: until - at for (_, part), at, until in zip(PARTS, starts, [*starts[1:], ended], strict=True)}
    copied = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.settle", "--copy", str(lake)],
        capture_output=True,
        text=True,
        check=True,
    )
    return seconds | json.loads(copied.stdout.splitlines()[-1])


def stages_of(words: list[str]) -> tuple[list[tuple[float, str]], float]:
    """The announced stages of a command with their start seconds, and the second of its end."""
    began = time.monotonic()
    environment = {"FENTAN_DRIVER_MEMORY": heap(), **os.environ}
    ended = subprocess.run([sys.executable, "-m", "jobs.cli", *words], capture_output=True, text=True, env=environment)
    elapsed = time.monotonic() - began
    if ended.returncode:
        raise SystemExit(f"fentan {' '.join(words)} ended with {ended.returncode}:\n{ended.stderr[-3000:]}")
    stages = [(float(match[1]), match[2]) for match in map(STAGE.match, ended.stderr.splitlines()) if match]
    return stages, elapsed


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


def copy_seconds(lake: Path) -> dict[str, float]:
    """Seconds of a copy of the assessments with Spark's and Delta's defaults, in a separate session."""
    spark = bare_session()
    spark.range(10).write.format("delta").mode("overwrite").save(str(lake / "copy-warm-up"))
    target = lake / "copy"
    shutil.rmtree(target, ignore_errors=True)
    began = time.monotonic()
    rows = spark.read.format("delta").load(str(lake / "settled/assessments"))
    rows.write.format("delta").partitionBy("period", "plan_id").save(str(target))
    elapsed = time.monotonic() - began
    row_count = rows.count()
    spark.stop()
    shutil.rmtree(target)
    return {"bare copy": elapsed, "rows": row_count}


def show(size: str, generated_seconds: float | None, rounds: list[dict[str, float]]) -> float:
    """Prints one size's medians and ratios; returns the seconds of the whole settlement."""
    seconds = {part: median(one[part] for one in rounds) for part in rounds[0]}
    copy = seconds["bare copy"]
    parts = [part for _, part in PARTS]
    core = median(sum(one[part] for part in parts if part not in BEYOND_CORE) / one["bare copy"] for one in rounds)
    whole = median(sum(one[part] for part in parts) / one["bare copy"] for one in rounds)
    rows = [[part, f"{seconds[part]:.1f}", f"{seconds[part] / copy:.2f}"] for part in parts]
    rows += [["check + apportion + write + read back", "", f"{core:.2f}"], ["whole settlement", "", f"{whole:.2f}"]]
    if generated_seconds is not None:
        rows.append(["generate", f"{generated_seconds:.1f}", f"{generated_seconds / copy:.2f}"])
    rows.append(["bare copy", f"{copy:.1f}", "1.00"])
    title = f"{size} members, {int(seconds['rows']):,} assessments"
    print(table_text(title, ["part", "seconds", "ratio to the copy"], rows), flush=True)
    return median(sum(one[part] for part in parts) for one in rounds)


def heap() -> str:
    return os.environ.get("FENTAN_DRIVER_MEMORY", "10g")


if __name__ == "__main__":
    main()
