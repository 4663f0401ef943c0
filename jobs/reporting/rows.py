"""Published rows for reports, and the sources in the versions that a settlement read."""

from collections.abc import Iterable

from deltalake.exceptions import DeltaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from expectations.dates import date_columns, is_impossible
from jobs.base.errors import Refused
from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables
from jobs.lake.sources import read_source
from jobs.register.publications import Publication, few_rows_of, published, published_in, rows_of
from schemas import TABLES


def publications_of(small: SmallTables, period: str) -> dict[str, Publication]:
    """The valid settlements of a period, by plan; raises Refused if there is none."""
    settled = published_in(small, "settle", period)
    if not settled:
        raise Refused(
            f"Period {period}: no plan of it is published in this lake. No report was made. "
            f"Settle it with `fentan settle --period {period}`; `fentan status` shows what is settled."
        )
    return settled


def published_rows(lake: Lake, table: str, *jobs: str, period: str | None = None) -> DataFrame:
    """The valid rows of a table, of one period if `period` is set.

    A row is valid if `settle` or one of the further `jobs` has published its run.
    """
    return rows_of(lake, table, _valid(lake.small, jobs, period))


def published_few_rows(small: SmallTables, table: str, *jobs: str, period: str | None = None) -> list[dict]:
    """The same for a table with few rows, in the order of its key."""
    key = TABLES[table].key
    rows = few_rows_of(small, table, _valid(small, jobs, period))
    return sorted(rows, key=lambda row: [str(row[name]) for name in key])


def _valid(small: SmallTables, jobs: Iterable[str], period: str | None) -> list[Publication]:
    publications = [p for job in ("settle", *jobs) for p in published(small, job).values()]
    return [p for p in publications if period in (None, p.period)]


def source_as_settled(lake: Lake, name: str, versions: dict[str, int]) -> DataFrame:
    """A source table in one of the `versions`, by table; raises Refused if that version no longer exists.

    Rows with a day that Python cannot hold are left out: every gate holds them.
    """
    try:
        rows = read_source(lake, name, versions[name])
        held = [is_impossible(column) for column in date_columns(TABLES[name])]
        return rows.where(f"NOT coalesce({' OR '.join(held)}, false)") if held else rows
    except (KeyError, DeltaError, PySparkException) as error:
        raise Refused(
            f"{name}: version {versions.get(name, '(not recorded)')}, from which the period was settled, cannot be "
            "read. No report was made. Restore the table's history (a vacuum may have removed it) and run `fentan "
            "report` again."
        ) from error
