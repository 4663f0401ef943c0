"""How long the report of a period takes, as a ratio to one full scan of the same assessments and members.

    python -m tests.benchmarks.report --members 10m 100m --rounds 3 --folder /tmp/fentan-bench

For each size: `fentan generate` and `fentan settle` once (an existing folder, also that of the settlement's benchmark,
is used again), then in every round `fentan report` and the scan: Spark reads every column of both tables (`noop`) with
default settings in a separate session. Session starts are not counted.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from jobs.pipeline.amounts import table_text
from tests.benchmarks.operators import newest_log, operators_text
from tests.benchmarks.running import PERIOD, bare_session, begin, events_of, ran, settled_lake, size_parser

FIRST_STAGE = "notice"
TARGET = 0.7


def main() -> None:
    parser = size_parser(__doc__, "1m")
    parser.add_argument("--scan", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.scan:
        print(json.dumps(scan_seconds(Path(args.scan))))
        return
    conf = begin(args)
    for size in args.members:
        lake = args.folder / f"lake-{size}"
        settled_lake(lake, size, conf)
        show(size, [one_round(lake, conf) for _ in range(args.rounds)])
        print(operators_text(newest_log(events_of(args.folder))), flush=True)


def one_round(lake: Path, conf: Path) -> dict[str, float]:
    """Seconds of every stage of one report, and of the scan."""
    shutil.rmtree(lake / "report", ignore_errors=True)
    stages, ended, _ = ran(["report", "--lake", str(lake), "--period", PERIOD, "--conf", str(conf)])
    first = next(i for i, (_, stage) in enumerate(stages) if stage == FIRST_STAGE)
    ends = [at for at, _ in stages[first + 1 :]] + [ended]
    seconds = {stage: until - at for (at, stage), until in zip(stages[first:], ends, strict=True)}
    scanned = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.report", "--scan", str(lake)],
        capture_output=True,
        text=True,
        check=True,
    )
    return seconds | json.loads(scanned.stdout.splitlines()[-1])


def scan_seconds(lake: Path) -> dict[str, float]:
    """Seconds of a full scan of both tables with Spark's and Delta's defaults."""
    spark = bare_session()
    spark.range(10).write.format("noop").mode("overwrite").save()
    tables = [spark.read.format("delta").load(str(lake / name)) for name in ("settled/assessments", "source/members")]
    began = time.monotonic()
    for table in tables:
        table.write.format("noop").mode("overwrite").save()
    elapsed = time.monotonic() - began
    row_count = sum(table.count() for table in tables)
    spark.stop()
    return {"full scan": elapsed, "rows": row_count}


def show(size: str, rounds: list[dict[str, float]]) -> None:
    """Prints one size's medians and ratios."""
    scan = median(one["full scan"] for one in rounds)
    stages = [name for name in rounds[0] if name not in ("full scan", "rows")]
    whole = [sum(one[name] for name in stages) for one in rounds]
    rows = [[name, f"{median(one[name] for one in rounds):.1f}"] for name in stages]
    ratio = median(of / one["full scan"] for of, one in zip(whole, rounds, strict=True))
    rows += [["the whole report", f"{median(whole):.1f}"], ["full scan", f"{scan:.1f}"]]
    print(table_text(f"{size} members, {int(rounds[0]['rows']):,} rows scanned", ["stage", "seconds"], rows))
    print(f"report / full scan: {ratio:.2f} (target {TARGET})", flush=True)


if __name__ == "__main__":
    main()
