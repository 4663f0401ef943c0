"""Published rows for reports, and the sources as a settlement read them."""

from functools import reduce
from operator import or_

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.errors import Refused
from jobs.explaining.few_rows import FewRows
from jobs.lake.lake import Lake
from jobs.lake.sources import read_source
from jobs.register.publications import Publication, published_in, rows_of


def publications_of(lake: Lake, period: str) -> dict[str, Publication]:
    """The settlements of a period in force, by plan; raises Refused where there is none."""
    found = published_in(lake, "settle", period)
    if not found:
        raise Refused(
            f"Period {period}: nothing of it is published in this lake. No report was made. "
            f"Settle it with `fentan settle --period {period}`; `fentan status` shows what is settled."
        )
    return found


def published_rows(lake: Lake, table: str, *jobs: str, period: str | None = None) -> DataFrame:
    """The rows of a table that are valid now, of one period where it is named.

    Valid: of runs that `settle` or one of the further `jobs` has published. A period's few publications are a condition
    on the rows; those of a lake are joined.
    """
    by_job = FewRows(lake).in_force("settle", *jobs)
    valid = [p for of_job in by_job.values() for p in of_job.values() if period in (None, p.period)]
    rows = lake.read_or_empty(table)
    if period is None or not valid:
        return rows_of(lake, table, valid, rows) if valid else rows.limit(0)
    of_one = [(F.col("plan_id") == p.plan_id) & (F.col("run_id") == p.run_id) for p in valid]
    of_plans = F.col("plan_id").isin(*sorted({p.plan_id for p in valid}))
    return rows.where((F.col("period") == period) & of_plans & reduce(or_, of_one))


def source_as_settled(lake: Lake, name: str, versions: dict[str, int]) -> DataFrame:
    """A source table as the settlement read it; raises Refused where that version is gone."""
    try:
        return read_source(lake, name, versions[name])
    except (KeyError, PySparkException) as error:
        raise Refused(
            f"{name}: version {versions.get(name, '(not recorded)')}, from which the period was settled, cannot be "
            "read. No report was made. Restore the table's history (a vacuum may have removed it) and run again."
        ) from error
