"""How long a settlement takes in larger and in skewed worlds, with one core, with less memory, on a cluster.

    python -m tests.benchmarks.growth --members 1m 10m 100m --folder /tmp/fentan-bench
    python -m tests.benchmarks.growth --members 10m --rounds 3 --of cores shapes cluster memory

Each size is settled as it is, and then under each of the conditions in `--of`; an existing folder, also that of another
benchmark, is used again. Shown are seconds without the session's start, their ratio to the same size as it is in the
same round, and the peak memory of the driver and its workers. `cluster` is a standalone cluster on this machine: two
workers, one core and 6 GB each. `nan`: it did not settle; the message is on stderr.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from jobs.pipeline.amounts import table_text
from tests.benchmarks.running import PERIOD, Ran, begin, generate, ran, size_parser, stages_in
from tests.benchmarks.settle import remove_outputs
from tests.benchmarks.shapes import make_shapes
from tests.clusters import Cluster, standalone_cluster

PROJECT = Path(__file__).resolve().parents[2]
FIRST_STAGE = "pinning source versions"
CONDITIONS = ("cores", "memory", "shapes", "cluster")
MEMORIES = ("6g", "4g", "2g")
WORKER_MEMORY, HEAP, OFF_HEAP = "6g", "3g", "2g"
AS_IT_IS = "as it is"


def main() -> None:
    parser = size_parser(__doc__, "10m")
    parser.add_argument("--of", nargs="+", default=[], choices=CONDITIONS, help="the conditions to compare")
    args = parser.parse_args()
    conf = begin(args)
    for size in args.members:
        lake = args.folder / f"lake-{size}"
        generate(lake, size, "0")
        rounds = [dict(one_round(lake, conf, args.of)) for _ in range(args.rounds)]
        show(size, rounds)


def one_round(lake: Path, conf: Path, conditions: list[str]) -> Iterator[tuple[str, Ran]]:
    """The settlement as it is, then under each of the conditions, by name."""
    yield AS_IT_IS, settled(lake, conf)
    if "cores" in conditions:
        one_core = conf.with_name("one-core.toml")
        one_core.write_text(conf.read_text().replace("local[*]", "local[1]"))
        yield "one core", settled(lake, one_core)
    for memory in MEMORIES if "memory" in conditions else ():
        yield f"memory {memory}", settled_if_enough(lake, conf, memory)
    for name, folder in make_shapes(lake).items() if "shapes" in conditions else ():
        yield name, settled(folder, conf)
    if "cluster" in conditions:
        with tempfile.TemporaryDirectory() as folder, standalone_cluster(Path(folder), WORKER_MEMORY) as cluster:
            yield "a cluster of two workers", settled_on(cluster, lake, conf)


def settled(lake: Path, conf: Path, memory: str | None = None) -> Ran:
    """Settles the period into the lake without its earlier outputs. `memory`: another FENTAN_DRIVER_MEMORY."""
    remove_outputs(lake)
    return ran(["settle", "--lake", str(lake), "--period", PERIOD, "--conf", str(conf)], memory)


def settled_if_enough(lake: Path, conf: Path, memory: str) -> Ran:
    """The same with another memory; a run that ends without having settled has no stages."""
    try:
        return settled(lake, conf, memory)
    except SystemExit as ended:
        return not_settled(f"memory {memory}: {ended}")


def settled_on(cluster: Cluster, lake: Path, conf: Path) -> Ran:
    """The same on a cluster. Its memory is not sampled."""
    remove_outputs(lake)
    jars = Path(os.environ.get("FENTAN_JARS", PROJECT / ".jars"))
    engine = [str(jar) for jar in jars.glob("native/*.jar")]
    words = ["--driver-memory", HEAP, "--executor-memory", HEAP]
    words += ["--jars", ",".join([*map(str, jars.glob("*.jar")), *engine])]
    if engine:
        words += ["--conf", f"spark.memory.offHeap.size={OFF_HEAP}"]
        for part in ("driver", "executor"):
            words += ["--conf", f"spark.{part}.extraClassPath={engine[0]}"]
    began = time.monotonic()
    submitted = [str(PROJECT / "jobs/cli.py"), "settle", "--lake", str(lake), "--period", PERIOD, "--conf", str(conf)]
    ended = cluster.submit(*words, *submitted)
    elapsed = time.monotonic() - began
    if ended.returncode:
        return not_settled(f"The cluster ended with {ended.returncode}:\n{(ended.stdout + ended.stderr)[-3000:]}")
    return Ran(stages_in(ended.stdout + ended.stderr), elapsed, float("nan"))


def not_settled(why: str) -> Ran:
    print(why, file=sys.stderr, flush=True)
    return Ran([], float("nan"), float("nan"))


def seconds_of(run: Ran) -> float:
    """Seconds without the session's start; not a number if the run did not settle."""
    return run.ended - next((at for at, stage in run.stages if stage == FIRST_STAGE), float("nan"))


def show(size: str, rounds: list[dict[str, Ran]]) -> None:
    """Prints one size's medians."""
    rows = []
    for name in rounds[0]:
        seconds = median(seconds_of(one[name]) for one in rounds)
        ratio = median(seconds_of(one[name]) / seconds_of(one[AS_IT_IS]) for one in rounds)
        peak = max(one[name].peak_gib for one in rounds)  # of a cluster it is not sampled
        rows.append([name, f"{seconds:.1f}", f"{ratio:.2f}", f"{peak:.1f}"])
    print(table_text(f"{size} members", ["world", "seconds", "ratio", "peak GiB"], rows), flush=True)


if __name__ == "__main__":
    main()
