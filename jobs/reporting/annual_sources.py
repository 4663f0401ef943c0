"""Reviews, visits and costs of a year: each month as the close of its last period read it, so that the books and the
report of a closed year tell of the same rows; a month without a close as the source is today."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.gate.costs import COSTS, REVIEWS, VISITS, sound_rows
from jobs.lake.lake import Lake
from jobs.register.inputs import versions_read
from jobs.register.publications import Publication, published
from jobs.reporting.rows import source_as_settled
from jobs.rulebook.calendar import Calendar


@dataclass(frozen=True)
class YearSources:
    """`versions`: of each source that is there, by month of the year: (version, whether a close recorded it)."""

    lake: Lake
    versions: dict[str, dict[str, tuple[int, bool]]]

    def rows(self, name: str, months: Iterable[str] | None = None) -> DataFrame | None:
        """The sound rows of the year's months (or of some of them); None where there is no such source."""
        by_version: dict[int, list[str]] = {}
        for month, (version, _) in self.versions.get(name, {}).items():
            if months is None or month in months:
                by_version.setdefault(version, []).append(month)
        frames = [
            sound_rows(name, source_as_settled(self.lake, name, {name: version})).where(
                _month_of(name).isin(*of_version)
            )
            for version, of_version in sorted(by_version.items())
        ]
        rows = None
        for frame in frames:
            rows = frame if rows is None else rows.unionByName(frame)
        return rows

    def told(self) -> Iterable[dict]:
        """One row per source and month of the report: the version that was read."""
        for name, by_month in self.versions.items():
            for month, (version, is_of_close) in sorted(by_month.items()):
                measure = "version_of_close" if is_of_close else "version_of_today"
                yield {"topic": "source", "measure": measure, "item": f"{name}:{month}", "quantity": version}


def year_sources(lake: Lake, calendar: Calendar, year: int) -> YearSources:
    """Which versions of the sources a report of the year reads."""
    by_month = _closes(lake, calendar, year)
    recorded = {run_id: versions_read(lake.small, run_id) for runs in by_month.values() for run_id in runs}
    versions: dict[str, dict[str, tuple[int, bool]]] = {}
    for name in (COSTS, VISITS, REVIEWS):
        if not lake.exists(name):
            continue
        today = lake.small.version(name)
        for month in (f"{year:04d}-{number:02d}" for number in range(1, 13)):
            found = [recorded[run_id][name] for run_id in by_month.get(month, ()) if name in recorded[run_id]]
            versions.setdefault(name, {})[month] = (max(found), True) if found else (today, False)
    return YearSources(lake, versions)


def claims_as_settled(lake: Lake, of_year: Mapping[tuple[str, str], Publication]) -> DataFrame:
    """One row per claim of the year's periods, each as its settlement read it: whose it is, sex and province."""
    runs = {p.run_id for p in of_year.values()}
    periods_of: dict[int, set[str]] = {}
    versions = {run_id: versions_read(lake.small, run_id) for run_id in runs}
    for publication in of_year.values():
        version = versions[publication.run_id]["source/approved_claims"]
        periods_of.setdefault(version, set()).add(publication.period)
    claims = None
    for version, periods in sorted(periods_of.items()):
        read = source_as_settled(lake, "source/approved_claims", {"source/approved_claims": version})
        read = read.where(F.col("publicity_period").isin(*sorted(periods)))
        claims = read if claims is None else claims.unionByName(read)
    of_claim = claims.select(F.col("publicity_period").alias("period"), "plan_id", "claim_id", "sex", "province_code")
    return of_claim.dropDuplicates(["period", "plan_id", "claim_id"])


def _closes(lake: Lake, calendar: Calendar, year: int) -> dict[str, set[str]]:
    """The runs that closed the last period of each month of the year: before that, a month's rows may still come in."""
    last = f"-P{len(calendar.monthly)}"
    found: dict[str, set[str]] = {}
    for (period, _), close in published(lake.small, "close").items():
        if period.startswith(f"{year:04d}-") and period.endswith(last):
            found.setdefault(period.removesuffix(last), set()).add(close.run_id)
    return found


def _month_of(name: str) -> Column:
    day = {VISITS: "visited_on", REVIEWS: "decided_on"}
    return F.col("month") if name == COSTS else F.date_format(day[name], "yyyy-MM")
