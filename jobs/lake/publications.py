"""Publications: the commit point. A row of a run that is not published here does not exist for a reader."""

from dataclasses import dataclass
from datetime import UTC, datetime

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.lake.lake import Lake
from schemas import TABLES

PUBLICATIONS = TABLES["control/publications"]


@dataclass(frozen=True)
class Publication:
    """One plan's period as it is published now."""

    period: str
    plan_id: str
    job: str
    revision: int
    action: str
    run_id: str
    digest: str


def in_force(lake: Lake, job: str) -> DataFrame:
    """One row per period and plan that is published now by the job: its latest row, unless that withdraws it."""
    newest_first = Window.partitionBy("period", "plan_id").orderBy(F.col("revision").desc(), _stage().desc())
    return (
        lake.read_or_empty(PUBLICATIONS.name)
        .where(F.col("job") == job)
        .withColumn("rank", F.row_number().over(newest_first))
        .where((F.col("rank") == 1) & (F.col("action") != "withdrawn"))
        .drop("rank")
    )


def published(lake: Lake, job: str) -> dict[tuple[str, str], Publication]:
    """Every publication in force, by (period, plan_id)."""
    fields = ("period", "plan_id", "job", "revision", "action", "run_id", "digest")
    rows = in_force(lake, job).select(*fields).collect()
    return {(row.period, row.plan_id): Publication(**row.asDict()) for row in rows}


def next_revisions(lake: Lake, job: str, period: str, plan_ids: list[str]) -> dict[str, int]:
    """The number the next publication of each plan's period gets."""
    earlier = lake.read_or_empty(PUBLICATIONS.name).where((F.col("job") == job) & (F.col("period") == period))
    taken = {
        row.plan_id: row.revision
        for row in earlier.groupBy("plan_id").agg(F.max("revision").alias("revision")).collect()
    }
    return {plan_id: taken.get(plan_id, 0) + 1 for plan_id in plan_ids}


def publish(lake: Lake, job: str, period: str, run_id: str, digests: dict[str, str]) -> None:
    """Makes a run's rows of the plans valid, in a single commit. `digests` is by plan."""
    revisions = next_revisions(lake, job, period, list(digests))
    rows = [
        {
            "period": period,
            "plan_id": plan_id,
            "job": job,
            "revision": revisions[plan_id],
            "action": "published",
            "run_id": run_id,
            "published_at": datetime.now(UTC),
            "digest": digest,
        }
        for plan_id, digest in sorted(digests.items())
    ]
    lake.append(PUBLICATIONS, lake.frame(PUBLICATIONS, rows).coalesce(1), run_id)


def _stage():
    """Of rows with one revision the later act: published, then closed or withdrawn."""
    return F.when(F.col("action") == "published", 0).otherwise(1)
