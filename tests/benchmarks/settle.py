"""How long a settlement takes, as ratios to a bare Spark-Delta copy of the same assessments.

    python -m tests.benchmarks.settle --members 10m 100m --rounds 3 --folder /tmp/fentan-bench

For each size: `fentan generate` once (an existing folder is used again), then in every round `fentan settle` into
an empty lake, the copy (default settings of Spark and Delta, `partitionBy` period and plan), and the same settlement
with DuckDB and Polars (`tests/benchmarks/other_engines.py`; `--engines` chooses). Sessions' starts are not counted. The
memory is FENTAN_DRIVER_MEMORY (10g; with the native engine half of it is heap); no job may bring more than 256 MB to
the driver. Shown last: operators that the native engine did not take. The figures of each round are kept as
`settle-<size>.json` in the folder, beside a plot; `--earlier FILE` compares with such a file.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from jobs.pipeline.amounts import table_text
from tests.benchmarks.operators import newest_log, operators_text
from tests.benchmarks.results import keep, spread
from tests.benchmarks.running import PERIOD, bare_session, begin, events_of, generate, ran, size_parser

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
CORE, WHOLE, COPY = "check + apportion + write + read back", "whole settlement", "bare copy"


def main() -> None:
    parser = size_parser(__doc__, "10m")
    parser.add_argument("--defects", default="0", help="rate of bad rows of each kind, e.g. 0.0001")
    parser.add_argument("--engines", nargs="*", default=["duckdb", "polars"], help="the other engines (default both)")
    parser.add_argument("--earlier", type=Path, help="the results of an earlier benchmark, to compare with")
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
        rounds = with_parts_of_all([one_round(lake, conf, args.engines) for _ in range(args.rounds)])
        print(operators_text(newest_log(events_of(args.folder))), flush=True)
        show(size, generated_seconds, rounds)
        keep(args.folder / f"settle-{size}.json", size, rounds, args.earlier)
        whole_seconds[size] = median(one[WHOLE] for one in rounds)
    if len(args.members) > 1:
        first, last = args.members[0], args.members[-1]
        print(f"{first} -> {last} members: time grows {whole_seconds[last] / whole_seconds[first]:.2f} times")


def one_round(lake: Path, conf: Path, engines: Sequence[str]) -> dict[str, float]:
    """Seconds of every part of one settlement, of the copy and of the other engines, and the peak memory of each."""
    remove_outputs(lake)
    run = ran(["settle", "--lake", str(lake), "--period", PERIOD, "--conf", str(conf)])
    starts = [next(at for at, stage in run.stages if stage == name) for name, _ in PARTS]
    seconds = {part: until - at for (_, part), at, until in zip(PARTS, starts, [*starts[1:], run.ended], strict=True)}
    seconds |= {
        CORE: sum(value for part, value in seconds.items() if part not in BEYOND_CORE),
        WHOLE: sum(seconds.values()),
        "peak GiB": run.peak_gib,
    }
    seconds |= _json_of("tests.benchmarks.settle", "--copy", str(lake))
    for engine in engines:
        by_part = _json_of("tests.benchmarks.other_engines", engine, str(lake))
        seconds |= {f"{engine}: {part}": value for part, value in by_part.items()}
    return seconds


def remove_outputs(lake: Path) -> None:
    """Leaves the lake with its sources only."""
    for folder in OUTPUTS:
        shutil.rmtree(lake / folder, ignore_errors=True)


def _json_of(module: str, *words: str) -> dict[str, float]:
    """The figures that a program prints; none if it was killed, as one that takes too much memory is."""
    ended = subprocess.run([sys.executable, "-m", module, *words], capture_output=True, text=True)
    if ended.returncode < 0:
        print(f"{module} {' '.join(words)} was killed by signal {-ended.returncode}: no figures of it", flush=True)
        return {}
    if ended.returncode:
        raise SystemExit(f"{module} {' '.join(words)} ended with {ended.returncode}:\n{ended.stderr[-3000:]}")
    return json.loads(ended.stdout.splitlines()[-1])


def with_parts_of_all(rounds: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """The rounds with the parts that each of them has."""
    return [{part: one[part] for part in rounds[0] if all(part in other for other in rounds)} for one in rounds]


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


def show(size: str, generated_seconds: float | None, rounds: Sequence[Mapping[str, float]]) -> None:
    """Prints one size's medians, their ratios to the copy of the same round, and how far the rounds differ."""
    ratios = [{part: value / one[COPY] for part, value in one.items()} for one in rounds]
    rows = [
        [
            part,
            f"{median(one[part] for one in rounds):.1f}",
            f"{median(one[part] for one in ratios):.2f}",
            spread([one[part] for one in ratios]),
        ]
        for part in rounds[0]
        if "GiB" not in part and part != "rows"
    ]
    if generated_seconds is not None:
        ratio = generated_seconds / median(one[COPY] for one in rounds)
        rows.append(["generate", f"{generated_seconds:.1f}", f"{ratio:.2f}", ""])
    title = f"{size} members, {int(rounds[0]['rows']):,} assessments"
    print(table_text(title, ["part", "seconds", "ratio to the copy", "rounds"], rows))
    copies, memory = [one[COPY] for one in rounds], {part for part in rounds[0] if "GiB" in part}
    peaks = {part: f"{max(one[part] for one in rounds):.1f}" for part in sorted(memory)}
    print(f"Peak memory: {', '.join(f'{part} {value}' for part, value in peaks.items())}")
    if max(copies) > 1.1 * min(copies):
        print(f"The copy took {min(copies):.0f} to {max(copies):.0f} s: more than a tenth apart. Repeat.", flush=True)


if __name__ == "__main__":
    main()
