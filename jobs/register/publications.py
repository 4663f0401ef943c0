"""Publications: the commit point. A row of a run that is not published here does not exist for a reader."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.lake.lake import Lake, small_frame
from schemas import PUBLISHED_KEY, TABLES

PUBLICATIONS = TABLES["control/publications"]
MOST_RUNS_IN_A_CONDITION = 4  # a condition of a few saves the Spark job of a broadcast; of many it is slow to compile
VALID = T.StructType([T.StructField(name, T.StringType()) for name in PUBLISHED_KEY])


@dataclass(frozen=True)
class Publication:
    """The latest act on one plan's period: published, closed or withdrawn."""

    period: str
    plan_id: str
    job: str
    revision: int
    action: str
    run_id: str
    digest: str


def in_force(lake: Lake, job: str) -> DataFrame:
    """One row per period and plan that is published now by the job: its latest row, unless that withdraws it."""
    return _latest(lake).where((F.col("job") == job) & (F.col("action") != "withdrawn"))


def published(lake: Lake, job: str) -> dict[tuple[str, str], Publication]:
    """Every publication in force, by (period, plan_id)."""
    return {(p.period, p.plan_id): p for p in _latest_acts(lake) if p.job == job and p.action != "withdrawn"}


def published_in(lake: Lake, job: str, period: str) -> dict[str, Publication]:
    """The publications of one period in force, by plan."""
    return {plan_id: p for (of, plan_id), p in sorted(published(lake, job).items()) if of == period}


def next_revisions(lake: Lake, job: str, period: str, plan_ids: list[str]) -> dict[str, int]:
    """The number the next publication of each plan's period gets."""
    taken = {p.plan_id: p.revision for p in _latest_acts(lake) if (p.job, p.period) == (job, period)}
    return {plan_id: taken.get(plan_id, 0) + 1 for plan_id in plan_ids}


def publish(lake: Lake, job: str, period: str, run_id: str, digests: dict[str, str], action: str = "published") -> None:
    """Makes a run's rows of the plans valid, in a single commit; takes back the publications they take the place of.

    `digests` is by plan.
    """
    revisions = next_revisions(lake, job, period, list(digests))
    now = {"job": job, "period": period, "published_at": datetime.now(UTC)}
    superseded = [
        {
            **now,
            "plan_id": p.plan_id,
            "revision": p.revision,
            "action": "withdrawn",
            "run_id": p.run_id,
            "digest": p.digest,
        }
        for p in published_in(lake, job, period).values()
        if p.plan_id in digests
    ]
    rows = [
        {
            **now,
            "plan_id": plan_id,
            "revision": revisions[plan_id],
            "action": action,
            "run_id": run_id,
            "digest": digest,
        }
        for plan_id, digest in sorted(digests.items())
    ]
    lake.append(PUBLICATIONS, lake.frame(PUBLICATIONS, [*superseded, *rows]).coalesce(1), run_id)


def rows_of(lake: Lake, table: str, publications: Collection[Publication], rows: DataFrame | None = None) -> DataFrame:
    """The rows of a table that the publications make valid; of some of its `rows` only, where they are given."""
    rows = lake.read_or_empty(table) if rows is None else rows
    plans_of: dict[tuple[str, str], list[str]] = {}
    for p in publications:
        plans_of.setdefault((p.period, p.run_id), []).append(p.plan_id)
    rows = rows.where(F.col("period").isin(*sorted({period for period, _ in plans_of})))
    if len(plans_of) > MOST_RUNS_IN_A_CONDITION:
        keys = [{"period": p.period, "plan_id": p.plan_id, "run_id": p.run_id} for p in publications]
        valid = small_frame(lake.spark, VALID, keys)
        return rows.join(F.broadcast(valid), on=list(PUBLISHED_KEY), how="left_semi")
    of_run = [
        (F.col("period") == period) & (F.col("run_id") == run_id) & F.col("plan_id").isin(*plan_ids)
        for (period, run_id), plan_ids in sorted(plans_of.items())
    ]
    return rows.where(reduce(Column.__or__, of_run, F.lit(False)))


def _latest(lake: Lake) -> DataFrame:
    """One row per job, period and plan: its latest act, which has the highest revision."""
    newest_first = Window.partitionBy("job", "period", "plan_id").orderBy(F.col("revision").desc(), _stage().desc())
    ranked = lake.read_or_empty(PUBLICATIONS.name).withColumn("rank", F.row_number().over(newest_first))
    return ranked.where("rank = 1").drop("rank")


def _latest_acts(lake: Lake) -> list[Publication]:
    names = [field.name for field in fields(Publication)]
    return lake.kept(
        PUBLICATIONS.name, "latest acts", lambda: [Publication(*row) for row in _latest(lake).select(*names).collect()]
    )


def _stage():
    """Of rows with one revision the later act: published, then closed or withdrawn."""
    return F.when(F.col("action") == "published", 0).otherwise(1)
