"""The sources of a year's report.

Reviews and visits are read month by month: in the version that the close of the month's last period read, so that
report and books agree, or in the current version if the month is not closed. Costs are not read here: the ledger has
them; for a closed month the version is shown that its close read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.gate.costs import COSTS, REVIEWS, VISITS, sound_rows
from jobs.lake.lake import Lake
from jobs.register.inputs import versions_read
from jobs.register.publications import Publication, published
from jobs.reporting.measures import ANNUAL
from jobs.reporting.rows import source_as_settled
from jobs.rulebook.calendar import Calendar

CLAIMS = "source/approved_claims"


@dataclass(frozen=True)
class YearSources:
    """`versions`: for each source that exists, by month of the year: (version, whether a close recorded it)."""

    lake: Lake
    versions: dict[str, dict[str, tuple[int, bool]]]

    def rows(self, name: str) -> DataFrame | None:
        """The sound rows of the year; None if the source does not exist."""
        months_by_version: dict[int, list[str]] = {}
        for month, (version, _) in self.versions.get(name, {}).items():
            months_by_version.setdefault(version, []).append(month)
        return _union(
            sound_rows(name, source_as_settled(self.lake, name, {name: version})).where(_month(name).isin(*months_read))
            for version, months_read in sorted(months_by_version.items())
        )

    def version_rows(self) -> Iterable[dict]:
        """One row of report/annual per source and month: the version that was read."""
        for name, by_month in self.versions.items():
            for month, (version, is_recorded) in sorted(by_month.items()):
                if name == COSTS and not is_recorded:
                    continue
                measure = "version_of_close" if is_recorded else "version_of_today"
                yield ANNUAL.row("source", measure, version, item=f"{name}:{month}")


def year_sources(lake: Lake, calendar: Calendar, year: int) -> YearSources:
    """The versions of the sources that a report of the year reads."""
    closes = _closes(lake, calendar, year)
    run_ids = {run_id for of_month in closes.values() for run_id in of_month}
    recorded = {run_id: versions_read(lake.small, run_id, (COSTS, VISITS, REVIEWS)) for run_id in run_ids}
    versions: dict[str, dict[str, tuple[int, bool]]] = {}
    for name in (COSTS, VISITS, REVIEWS):
        if not lake.exists(name):
            continue
        current = lake.small.version(name)
        for month in (f"{year:04d}-{number:02d}" for number in range(1, 13)):
            read = [recorded[run_id][name] for run_id in closes.get(month, ()) if name in recorded[run_id]]
            versions.setdefault(name, {})[month] = (max(read), True) if read else (current, False)
    return YearSources(lake, versions)


def claims_as_settled(lake: Lake, settlements: Mapping[tuple[str, str], Publication]) -> DataFrame:
    """One row per claim of the settled periods, in the version that the settlement read.

    `settlements`: by (period, plan_id). Columns: period, plan_id, claim_id, sex, province_code.
    """
    versions = {p.run_id: versions_read(lake.small, p.run_id, [CLAIMS]) for p in settlements.values()}
    periods_by_version: dict[int, set[str]] = {}
    for settlement in settlements.values():
        version = versions[settlement.run_id][CLAIMS]
        periods_by_version.setdefault(version, set()).add(settlement.period)
    claims = _union(
        source_as_settled(lake, CLAIMS, {CLAIMS: version}).where(F.col("publicity_period").isin(*sorted(periods)))
        for version, periods in sorted(periods_by_version.items())
    )
    columns = (F.col("publicity_period").alias("period"), "plan_id", "claim_id", "sex", "province_code")
    return claims.select(*columns).dropDuplicates(["period", "plan_id", "claim_id"])


def _union(frames: Iterable[DataFrame]) -> DataFrame | None:
    """The rows of all frames; None if there are no frames."""
    union = None
    for frame in frames:
        union = frame if union is None else union.unionByName(frame)
    return union


def _closes(lake: Lake, calendar: Calendar, year: int) -> dict[str, set[str]]:
    """By month, the runs that closed its last period. Until that close, rows of the month may still be added."""
    last_of_month = f"-P{len(calendar.monthly)}"
    run_ids: dict[str, set[str]] = {}
    for (period, _), close in published(lake.small, "close").items():
        if period.startswith(f"{year:04d}-") and period.endswith(last_of_month):
            run_ids.setdefault(period.removesuffix(last_of_month), set()).add(close.run_id)
    return run_ids


def _month(name: str) -> Column:
    """The month of a row of the source, YYYY-MM."""
    return F.date_format({VISITS: "visited_on", REVIEWS: "decided_on"}[name], "yyyy-MM")
