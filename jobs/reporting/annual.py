"""The report of a year: every measure as one row of report/annual, in one list."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from pyspark.sql import functions as F

from jobs.base.errors import Refused
from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables, matching
from jobs.money import half_up
from jobs.pipeline.request import Request
from jobs.register.publications import Publication, published
from jobs.register.runs import Run
from jobs.reporting.annual_fee import fee_measures, reviews_rows, visits_rows
from jobs.reporting.annual_published import published_rows_of
from jobs.reporting.annual_sources import REVIEWS, VISITS, YearSources, claims_as_settled, year_sources
from jobs.reporting.masking import OTHER
from jobs.reporting.measures import ANNUAL, YEAR_AMOUNTS
from jobs.reporting.roll import roll_of
from jobs.reporting.rows import published_few_rows, published_rows
from jobs.settlement.ages import age_years
from schemas import TABLES
from schemas.report import HIDDEN

TABLE = TABLES["report/annual"]
NO_FIGURES = dict.fromkeys(("published_quantity", "published_fen", "scaled_quantity", "scaled_fen"))


@dataclass(frozen=True)
class YearReport:
    """`rows` of report/annual, written by `run`; `history`: rates of the published `periods`, which are in order."""

    year: int
    rows: list[dict]
    history: list[dict]
    periods: list[str]
    run: Run


def year_report(lake: Lake, request: Request, year: int, floor: int) -> YearReport:
    """Every measure of a year's published periods; raises Refused if no period of it is published."""
    settlements = {key: p for key, p in published(lake.small, "settle").items() if _is_in(year, key[0])}
    if not settlements:
        raise Refused(
            f"Year {year}: no period of it is published in this lake. No report was made. "
            "`fentan status` shows which periods are published; name the year of one of them."
        )
    periods = sorted({period for period, _ in settlements})
    last_settlements = [p for (period, _), p in settlements.items() if period == periods[-1]]
    pools, rates, fees = (
        [row for row in published_few_rows(lake.small, table, *jobs) if _is_in(year, row["period"])]
        for table, *jobs in (("settled/pools",), ("settled/rates",), ("ledger/fee", "collect", "close"))
    )
    closed = {key for key in published(lake.small, "close") if key in settlements}
    sources = year_sources(lake, request.platform.calendar, year)
    run = _run(lake.small, request, year, floor, sources)
    own_rows = [
        *_helped(lake, settlements, year, floor),
        *_shared_out(pools, rates),
        *_periods(request, year, settlements, closed),
        *_members(lake, request, last_settlements, floor),
        *fee_measures(fees, bool(closed)),
        *visits_rows(sources.rows(VISITS)),
        *reviews_rows(sources.rows(REVIEWS)),
        *sources.version_rows(),
    ]
    rows = [*own_rows, *published_rows_of(request, year, own_rows, rates, periods)]
    complete = [{**NO_FIGURES, **row, "year": year, "run_id": run.run_id} for row in rows]
    return YearReport(year, complete, rates, periods, run)


def write_year(small: SmallTables, report: YearReport) -> None:
    """Replaces the year's rows of report/annual."""
    small.replace(TABLE, report.rows, matching(year=report.year), report.run.run_id)


def requested_run(request: Request, year: int) -> Run:
    """The run of a year's report as far as it is known before anything is read."""
    settings = {"as_of": str(request.as_of)}
    return Run("report", request.platform.platform_id, str(year), (), {}, {}, settings)


def _run(small: SmallTables, request: Request, year: int, floor: int, sources: YearSources) -> Run:
    """The run; its inputs are the published runs of this year and the one before, and the sources' versions."""
    acts = [
        act
        for job in ("settle", "collect", "close")
        for (period, _), act in published(small, job).items()
        if _is_in(year, period) or _is_in(year - 1, period)
    ]
    versions = {
        name: {month: version for month, (version, _) in by_month.items()}
        for name, by_month in sources.versions.items()
    }
    return replace(
        requested_run(request, year),
        plan_ids=tuple(sorted({act.plan_id for act in acts if _is_in(year, act.period)})),
        input_versions={"runs": sorted({act.run_id for act in acts}), "source_months": versions},
        rules={"masking_floor": floor},
    )


def _is_in(year: int, period: str) -> bool:
    return period.startswith(f"{year:04d}-")


def _helped(lake: Lake, settlements: Mapping[tuple[str, str], Publication], year: int, floor: int) -> Iterable[dict]:
    """Cases helped: by plan, this year and the year before; by province; by illness and sex.

    Provinces and illnesses with fewer cases than the floor are counted together.
    """
    counted = published_rows(lake, "settled/benefits").where("counted")
    counted = counted.withColumn("year", F.substring("period", 1, 4).cast("int"))
    for row in counted.where(F.col("year").isin(year, year - 1)).groupBy("year", "plan_id").count().collect():
        measure = "helped" if row.year == year else "helped_year_before"
        yield ANNUAL.row("helped", measure, row["count"], plan_id=row.plan_id)
    cases = counted.where(F.col("year") == year).join(
        F.broadcast(claims_as_settled(lake, settlements)), on=["period", "plan_id", "claim_id"], how="left"
    )
    groups = cases.groupBy("illness_code", "sex", "province_code").count().collect()
    yield ANNUAL.row("helped", "helped", sum(group["count"] for group in groups))
    provinces = ((group.province_code or HIDDEN, group["count"]) for group in groups)
    for province, count in _above(floor, provinces, HIDDEN).items():
        yield ANNUAL.row("helped", "helped_by_province", count, item=province)
    for sex in ("F", "M"):
        illnesses = ((group.illness_code, group["count"]) for group in groups if group.sex == sex)
        for illness, count in _above(floor, illnesses, OTHER).items():
            yield ANNUAL.row("helped", "helped_by_illness", count, sex=sex, item=illness)


def _above(floor: int, counts: Iterable[tuple[str, int]], rest: str) -> dict[str, int]:
    """The sums by name, largest first; sums below the floor are added up under `rest`; `hidden` comes last."""
    sums: dict[str, int] = {}
    for name, count in counts:
        sums[name] = sums.get(name, 0) + count
    shown: dict[str, int] = {}
    for name, count in sums.items():
        key = name if count >= floor else rest
        shown[key] = shown.get(key, 0) + count
    return dict(sorted(shown.items(), key=lambda entry: (entry[0] == HIDDEN, -entry[1], entry[0])))


def _shared_out(pools: list[dict], rates: list[dict]) -> Iterable[dict]:
    """Sums of the year by plan and for all plans; by plan, the sum of the standard tier's shares."""
    plan_ids = sorted({pool["plan_id"] for pool in pools})
    for plan_id in ("all", *plan_ids):
        for measure in YEAR_AMOUNTS:
            amount_fen = sum(pool[measure] for pool in pools if plan_id in ("all", pool["plan_id"]))
            yield ANNUAL.row("shared_out", measure, amount_fen, plan_id=plan_id)
    for plan_id in plan_ids:
        shares = [r["share_fen"] for r in rates if (r["plan_id"], r["tier"]) == (plan_id, "standard")]
        yield ANNUAL.row("shared_out", "share_year_fen", sum(shares), plan_id=plan_id)
        yield ANNUAL.row("shared_out", "periods", len(shares), plan_id=plan_id)


def _periods(
    request: Request, year: int, settled: Collection[tuple[str, str]], closed: Collection[tuple[str, str]]
) -> Iterable[dict]:
    """How many of the platform's periods of the year are published and closed, and each one that is not published.

    `settled`, `closed`: (period, plan_id); a period is closed once all its settled plans are.
    """
    calendar, periods = request.platform.calendar, {period for period, _ in settled}
    yield ANNUAL.row("periods", "published", len(periods))
    yield ANNUAL.row("periods", "closed", len(periods - {key[0] for key in settled if key not in closed}))
    for period in calendar.between(calendar.first_period, calendar.last_period):
        if period.year == year and str(period) not in periods:
            yield ANNUAL.row("periods", "missing", 1, item=str(period))


def _members(lake: Lake, request: Request, last_settlements: list[Publication], floor: int) -> Iterable[dict]:
    """Covered members on the last publicity day: how many, their mean age in tenths of a year, their city tiers.

    There is no mean age for fewer members than the floor; city tiers with fewer members are counted together.
    """
    calendar = request.platform.calendar
    day = calendar.publicity_on(calendar.period(last_settlements[0].period))
    by = {"city_tier": F.col("city_tier"), "age": age_years(F.col("birth_date"), F.lit(day))}
    counts: Counter = Counter()
    years: Counter = Counter()
    city_tiers: Counter = Counter()
    for run_id in sorted({p.run_id for p in last_settlements}):
        settled_together = [p for p in last_settlements if p.run_id == run_id]
        covered = roll_of(lake, settled_together, day, day, request.platform.time_zone).covered(by)
        for (plan_id, _, city_tier, age), count in covered.items():
            city_tiers[str(city_tier)] += count
            for key in ("all", plan_id):
                counts[key] += count
                years[key] += count * age
    for plan_id, count in sorted(counts.items()):
        yield ANNUAL.row("members", "covered", count, plan_id=plan_id)
        if count >= floor:
            yield ANNUAL.row("members", "mean_age_tenths", half_up(years[plan_id] * 10, count), plan_id=plan_id)
    for city_tier, count in sorted(_above(floor, city_tiers.items(), HIDDEN).items()):
        yield ANNUAL.row("members", "covered_by_city_tier", count, item=city_tier)
