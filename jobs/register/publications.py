"""Publications: the commit point. Readers see only the rows of runs that are published here."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables, matching
from schemas import PUBLISHED_KEY, TABLES

PUBLICATIONS = TABLES["control/publications"]
CORRECT = "correct"  # the job whose publications into one period are all valid at once


@dataclass(frozen=True)
class Publication:
    """A row of control/publications: one plan's period was published, closed or withdrawn by a run.

    `origin_period`: of a correction into the period, the closed period that it corrects.
    """

    period: str
    plan_id: str
    job: str
    revision: int
    action: str
    run_id: str
    digest: str
    origin_period: str | None = None


def latest_acts(acts: Iterable[Publication]) -> list[Publication]:
    """The latest act of each job, period and plan: the highest revision, and in it the act that followed
    `published`. Of corrections every revision counts."""
    in_order = sorted(acts, key=lambda act: (act.revision, act.action != "published"))
    return list({(act.job, act.period, act.plan_id, _own_revision(act)): act for act in in_order}.values())


def _own_revision(act: Publication) -> int:
    return act.revision if act.job == CORRECT else 0


def published(small: SmallTables, job: str) -> dict[tuple[str, str], Publication]:
    """The job's publications in force, by (period, plan_id)."""
    return in_force(small.rows(PUBLICATIONS.name, matching(job=job)), job)


def in_force(rows: Iterable[Mapping], job: str) -> dict[tuple[str, str], Publication]:
    """The job's publications in force among rows of control/publications, by (period, plan_id)."""
    acts = [act for act in latest_acts(_acts(rows)) if act.job == job and act.action != "withdrawn"]
    return {(act.period, act.plan_id): act for act in sorted(acts, key=lambda act: (act.period, act.plan_id))}


def withdrawn_in(small: SmallTables, job: str, period: str) -> dict[str, Publication]:
    """The job's publications of one period that were taken back and not replaced, by plan."""
    acts = latest_acts(_acts(small.rows(PUBLICATIONS.name, matching(job=job, period=period))))
    return {act.plan_id: act for act in sorted(acts, key=lambda act: act.plan_id) if act.action == "withdrawn"}


def corrections(small: SmallTables) -> list[Publication]:
    """Every correction in force, in order of period, plan and revision: each of them is valid."""
    acts = latest_acts(_acts(small.rows(PUBLICATIONS.name, matching(job=CORRECT))))
    valid = [act for act in acts if act.action != "withdrawn"]
    return sorted(valid, key=lambda act: (act.period, act.plan_id, act.revision))


def corrections_into(small: SmallTables, period: str) -> list[Publication]:
    """The corrections posted into one period."""
    return [act for act in corrections(small) if act.period == period]


def published_in(small: SmallTables, job: str, period: str) -> dict[str, Publication]:
    """The job's publications in force of one period, by plan."""
    return {plan_id: act for (name, plan_id), act in published(small, job).items() if name == period}


def publish(
    small: SmallTables,
    job: str,
    period: str,
    run_id: str,
    digests: Mapping[str, str],
    action: str = "published",
    origin_period: str | None = None,
) -> None:
    """Publishes a run's rows of the plans in a single commit, which also withdraws the publications they replace.

    `digests` is by plan; without any nothing is published. `origin_period`: of a correction, which replaces none.
    """
    if not digests:
        return
    version = small.version(PUBLICATIONS.name) if small.exists(PUBLICATIONS.name) else None
    acts = _acts(small.rows(PUBLICATIONS.name, matching(job=job, period=period), version=version))
    in_order = sorted(latest_acts(acts), key=lambda act: act.revision)
    latest = {act.plan_id: act for act in in_order if act.plan_id in digests}
    withdrawn = [
        {**asdict(act), "action": "withdrawn"}
        for _, act in sorted(latest.items())
        if act.action != "withdrawn" and job != CORRECT
    ]
    new = [
        {"period": period, "plan_id": plan_id, "job": job, "action": action, "run_id": run_id, "digest": digest,
         "revision": latest[plan_id].revision + 1 if plan_id in latest else 1, "origin_period": origin_period}
        for plan_id, digest in sorted(digests.items())
    ]  # fmt: skip
    now = datetime.now(UTC)
    rows = sorted((*withdrawn, *new), key=lambda row: row["plan_id"])  # of a plan, the withdrawn one first
    small.append_next(PUBLICATIONS, [{**row, "published_at": now} for row in rows], version, run_id)


def withdraw(small: SmallTables, publications: Iterable[Publication], run_id: str) -> None:
    """Takes publications back in a single commit of the run; each row names the revision and the run it takes back."""
    now = datetime.now(UTC)
    rows = [{**asdict(act), "action": "withdrawn", "published_at": now} for act in publications]
    small.append(PUBLICATIONS, sorted(rows, key=lambda row: (row["period"], row["plan_id"])), run_id)


def rows_of(lake: Lake, table: str, publications: Collection[Publication]) -> DataFrame:
    """The rows of a table that belong to the publications."""
    rows = lake.read_or_empty(table)
    return rows.where(valid_rows(publications)) if publications else rows.where("false")


def few_rows_of(
    small: SmallTables, table: str, publications: Collection[Publication], where: str | None = None
) -> list[dict]:
    """The rows that belong to the publications and satisfy `where`, read without Spark: few rows."""
    if not publications:
        return []
    # Not by run: reading that column of every row costs more than the few rows of other runs.
    of_partitions = matching(**{name: {getattr(p, name) for p in publications} for name in ("period", "plan_id")})
    keys = {tuple(getattr(p, name) for name in PUBLISHED_KEY) for p in publications}
    rows = small.rows(table, f"{of_partitions} and {where}" if where else of_partitions)
    return [row for row in rows if tuple(row[name] for name in PUBLISHED_KEY) in keys]


def valid_rows(publications: Collection[Publication]) -> Column:
    """Condition on the rows that belong to the publications. A run has one period, which its run id contains."""
    plans_by_run: dict[str, set[str]] = {}
    for p in publications:
        plans_by_run.setdefault(p.run_id, set()).add(p.plan_id)
    runs_by_plans: dict[tuple[str, ...], list[str]] = {}
    for run_id, plan_ids in sorted(plans_by_run.items()):
        runs_by_plans.setdefault(tuple(sorted(plan_ids)), []).append(run_id)
    conditions = [F.col("plan_id").isin(*plans) & F.col("run_id").isin(*runs) for plans, runs in runs_by_plans.items()]
    return F.col("period").isin(*sorted({p.period for p in publications})) & reduce(Column.__or__, conditions)


def _acts(rows: Iterable[Mapping]) -> Iterator[Publication]:
    names = [field.name for field in fields(Publication)]
    return (Publication(**{name: row[name] for name in names}) for row in rows)
