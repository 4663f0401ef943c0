"""How long a collection takes, as ratios to a bare join of the same assessments and receipts written to Delta.

    python -m tests.benchmarks.collect --members 10m 100m --rounds 3 --folder /tmp/fentan-bench

For each size, once: `fentan generate`, `fentan settle`, and receipts of the settled period (a lake that is there is
used again). In every round `fentan collect` as of the grace limit, and the join (left, all columns, default settings
of Spark and Delta, `partitionBy` period and plan). Sessions' starts are not counted, on either side.
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

GRACE_LIMIT = "2020-12-26"
READ_ONLY = ("source", "settled/assessments", "settled/bills")
# The stages of a collection in the order they are announced, and the part of the work each belongs to.
PARTS = (
    ("pinning receipts", "receipts: judged, ids, digest"),
    ("adding up bills and receipts by payer", "payers: bills and receipts added up"),
    ("allocating receipts", "money allocated to shares"),
    ("writing settled/collections", "collections: matched and written"),
    ("reading back settled/collections", "collections: read back"),
    ("writing settled/lapses", "lapses, sums, journal, proof"),
    ("holding unapplied cash", "quarantine, quality"),
    ("publishing", "publish, fee ledger"),
)


def main() -> None:
    parser = size_parser(__doc__, "10m")
    parser.add_argument("--join", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.join:
        print(json.dumps(join_seconds(Path(args.join))))
        return
    conf = begin(args)
    for size in args.members:
        lake = args.folder / f"lake-{size}"
        prepare(lake, size, conf)
        show(size, [one_round(lake, conf) for _ in range(args.rounds)])
        print(operators_text(newest_log(events_of(args.folder))), flush=True)


def prepare(lake: Path, size: str, conf: Path) -> None:
    """A settled period with its receipts."""
    settled_lake(lake, size, conf)
    if not (lake / "source/receipts" / f"period={PERIOD}").exists():
        ran(["generate", "--lake", str(lake), "--receipts", PERIOD])


def one_round(lake: Path, conf: Path) -> dict[str, float]:
    """Seconds of every part of one collection, and of the join."""
    round_lake = as_settled(lake)
    words = ["collect", "--lake", str(round_lake), "--period", PERIOD, "--conf", str(conf), "--as-of", GRACE_LIMIT]
    stages, ended, _ = ran(words)
    starts = [next(at for at, stage in stages if stage.startswith(name)) for name, _ in PARTS]
    seconds = {part: until - at for (_, part), at, until in zip(PARTS, starts, [*starts[1:], ended], strict=True)}
    shutil.rmtree(round_lake)
    joined = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.collect", "--join", str(lake)],
        capture_output=True,
        text=True,
        check=True,
    )
    return seconds | json.loads(joined.stdout.splitlines()[-1])


def as_settled(lake: Path) -> Path:
    """A separate lake for one round; the large tables, which a collection only reads, are links."""
    round_lake = lake / "round"
    shutil.rmtree(round_lake, ignore_errors=True)
    for name in READ_ONLY:
        (round_lake / name).parent.mkdir(parents=True, exist_ok=True)
        (round_lake / name).symlink_to((lake / name).resolve())
    for folder in ("settled", "ledger", "control"):
        for table in (lake / folder).iterdir():
            if table.is_dir() and f"{folder}/{table.name}" not in READ_ONLY:
                shutil.copytree(table, round_lake / folder / table.name)
    return round_lake


def join_seconds(lake: Path) -> dict[str, float]:
    """Seconds of the join with Spark's and Delta's defaults, in a separate session."""
    spark = bare_session()
    spark.range(10).write.format("delta").mode("overwrite").save(str(lake / "join-warm-up"))
    target = lake / "join"
    shutil.rmtree(target, ignore_errors=True)
    read = spark.read.format("delta")
    began = time.monotonic()
    assessments, receipts = read.load(str(lake / "settled/assessments")), read.load(str(lake / "source/receipts"))
    joined = assessments.join(receipts.drop("period"), "payer_id", "left")
    joined.write.format("delta").partitionBy("period", "plan_id").save(str(target))
    elapsed = time.monotonic() - began
    counts = {"assessments": assessments.count(), "receipts": receipts.count()}
    spark.stop()
    shutil.rmtree(target)
    return {"bare join": elapsed, **counts}


def show(size: str, rounds: list[dict[str, float]]) -> None:
    """Prints one size's medians and ratios."""
    seconds = {part: median(one[part] for one in rounds) for part in rounds[0]}
    join, parts = seconds["bare join"], [part for _, part in PARTS]
    rows = [[part, f"{seconds[part]:.1f}", f"{seconds[part] / join:.2f}"] for part in parts]
    whole = [sum(one[part] for part in parts) for one in rounds]
    ratio = median(whole_seconds / one["bare join"] for whole_seconds, one in zip(whole, rounds, strict=True))
    rows += [["whole collection", f"{median(whole):.1f}", f"{ratio:.2f}"], ["bare join", f"{join:.1f}", "1.00"]]
    title = f"{size} members, {int(seconds['assessments']):,} assessments, {int(seconds['receipts']):,} receipts"
    print(table_text(title, ["part", "seconds", "ratio to the join"], rows), flush=True)


if __name__ == "__main__":
    main()
