"""How long the gate takes to judge source/members, as a ratio to Great Expectations counting the same rules by itself.

    python -m tests.benchmarks.quality --members 1m 10m --rounds 3 --folder /tmp/fentan-bench

For each size: `fentan generate` once (an existing folder, also that of another benchmark, is used again), then in every
round the gate and Great Expectations judge the same rows in the same session of plain Spark, one after the other, with
the same counts. The gate also judges rules that Great Expectations cannot judge on the table alone.
"""

import time
from statistics import median

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.rule import Terms
from expectations.validation import suite_of, unexpected_counts, validate
from jobs.base.environment import load_environment
from jobs.gate.members import judge_memberships
from jobs.gate.results import member_counts
from jobs.gate.terms import terms_of
from jobs.lake.session import open_session
from jobs.pipeline.amounts import table_text
from jobs.rulebook.loader import load_platform
from jobs.settlement.coverage import COVERED
from tests.benchmarks.running import PERIOD, begin, generate, size_parser

DEFECTS = "0.0001"


def main() -> None:
    args = size_parser(__doc__, "1m").parse_args()
    conf = begin(args)
    lakes = {size: args.folder / f"lake-{size}" for size in args.members}
    for size, lake in lakes.items():
        generate(lake, size, DEFECTS)
    environment = load_environment(str(conf))
    platform = load_platform(environment.platform)
    terms = terms_of(platform, platform.calendar.period(PERIOD), platform.plans)
    spark = open_session(environment, "quality benchmark")
    for size, lake in lakes.items():
        rows = spark.read.format("delta").load(str(lake / "source/members"))
        one_round(rows, terms)  # compiles the queries
        show(size, rows.count(), [one_round(rows, terms) for _ in range(args.rounds)])


def one_round(rows: DataFrame, terms: Terms) -> dict[str, float]:
    """Seconds of both ways; raises AssertionError if they count differently."""
    began = time.monotonic()
    claimants = rows.sparkSession.createDataFrame([], "member_id BIGINT")
    cover = lambda spells: spells.withColumn("cover", F.lit(COVERED))  # noqa: E731
    by_gate = member_counts(judge_memberships(rows, cover, claimants, terms, None))
    gate_seconds = time.monotonic() - began
    began = time.monotonic()
    alone = unexpected_counts(validate(suite_of("source/members", terms), rows))
    seconds = {"gate": gate_seconds, "alone": time.monotonic() - began, "rules": len(by_gate.keys() & alone.keys())}
    assert all(alone[rule] == count for rule, count in by_gate.items() if rule in alone)
    return seconds


def show(size: str, row_count: int, rounds: list[dict[str, float]]) -> None:
    """Prints one size's medians and their ratio."""
    gate, alone = (median(one[name] for one in rounds) for name in ("gate", "alone"))
    lines = [
        ["gate", f"{gate:.1f}", "1.00"],
        ["Great Expectations alone", f"{alone:.1f}", f"{alone / gate:.2f}"],
    ]
    title = f"{size} members, {row_count:,} rows, {rounds[0]['rules']} rules in both"
    print(table_text(title, ["who judges", "seconds", "ratio to the gate"], lines), flush=True)


if __name__ == "__main__":
    main()
