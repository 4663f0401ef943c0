"""The report of a year: every measure as one row of report/annual, in one list."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import functions as F

from jobs.errors import Refused
from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables, matching
from jobs.money import half_up
from jobs.pipeline.request import Request
from jobs.register.publications import Publication, published
from jobs.reporting.annual_fee import fee_measures, reviews_rows, visits_rows
from jobs.reporting.annual_sources import COSTS, REVIEWS, VISITS, claims_as_settled, year_sources
from jobs.reporting.masking import OTHER
from jobs.reporting.published import Figure, published_figures, scaled
from jobs.reporting.roll import roll_of
from jobs.reporting.rows import published_few_rows, published_rows
from jobs.settlement.ages import age_years
from schemas import TABLES
from schemas.report import HIDDEN

ANNUAL = TABLES["report/annual"]
AMOUNTS = ("benefit_fen", "fee_fen", "case_sponsored_fen", "member_sponsored_fen", "billed_fen", "due_fen")


@dataclass(frozen=True)
class YearReport:
    """`rows` of report/annual; `history`: rates of the year's published periods; `periods`: their names in order."""

    year: int
    rows: list[dict]
    history: list[dict]
    periods: list[str]


def year_report(lake: Lake, request: Request, year: int, floor: int) -> YearReport:
    """Everything that is told of a year's published periods; raises Refused where none is published."""
    of_year = {key: p for key, p in published(lake.small, "settle").items() if key[0].startswith(f"{year:04d}-")}
    if not of_year:
        raise Refused(
            f"Year {year}: nothing of it is published in this lake. No report was made. "
            "`fentan status` shows which periods are; name the year of one of them."
        )
    periods = sorted({period for period, _ in of_year})
    pools = _of_year(published_few_rows(lake.small, "settled/pools"), year)
    rates = _of_year(published_few_rows(lake.small, "settled/rates"), year)
    run_id = hashlib.sha256(",".join(sorted({p.run_id for p in of_year.values()})).encode()).hexdigest()[:16]
    sources = year_sources(lake, request.platform.calendar, year)
    fees = published_few_rows(lake.small, "ledger/fee", "collect", "close")
    own = [
        *_helped(lake, of_year, year, floor),
        *_shared_out(pools, rates),
        *_periods(request, year, periods),
        *_members(lake, request, [p for (period, _), p in of_year.items() if period == periods[-1]], floor),
        *fee_measures(_of_year(fees, year), sources.rows(COSTS, {p[:7] for p in periods})),
        *visits_rows(sources.rows(VISITS)),
        *reviews_rows(sources.rows(REVIEWS)),
        *sources.told(),
    ]
    known = [{**_row(), **row} for row in own]
    rows = known + [{**_row(), **row} for row in _beside(request, year, known, rates, periods)]
    return YearReport(year, [{"year": year, "run_id": run_id, **row} for row in rows], rates, periods)


def write_year(small: SmallTables, report: YearReport) -> None:
    """Replaces the year's rows of report/annual."""
    small.replace(ANNUAL, report.rows, matching(year=report.year), report.rows[0]["run_id"])


def _row() -> dict:
    return {"plan_id": "all", "sex": "all", "item": "all"} | dict.fromkeys(
        ("quantity", "amount_fen", "published_quantity", "published_fen", "scaled_quantity", "scaled_fen")
    )


def _of_year(rows: list[dict], year: int) -> list[dict]:
    return [row for row in rows if row["period"].startswith(f"{year:04d}-")]


def _helped(lake: Lake, of_year: dict, year: int, floor: int) -> Iterable[dict]:
    """Cases helped: by plan, in this year and the one before; by province; by illness and sex; none below the floor."""
    counted = published_rows(lake, "settled/benefits").where("counted")
    counted = counted.withColumn("of_year", F.substring("period", 1, 4).cast("int"))
    for row in counted.where(F.col("of_year").isin(year, year - 1)).groupBy("of_year", "plan_id").count().collect():
        measure = "helped" if row.of_year == year else "helped_year_before"
        yield {"topic": "helped", "measure": measure, "plan_id": row.plan_id, "quantity": row["count"]}
    known = counted.where(F.col("of_year") == year).join(
        F.broadcast(claims_as_settled(lake, of_year)), on=["period", "plan_id", "claim_id"], how="left"
    )
    groups = known.groupBy("illness_code", "sex", "province_code").count().collect()
    total = sum(group["count"] for group in groups)
    yield {"topic": "helped", "measure": "helped", "quantity": total}
    for province, count in _above(floor, ((g.province_code or HIDDEN, g["count"]) for g in groups), HIDDEN).items():
        yield {"topic": "helped", "measure": "helped_by_province", "item": province, "quantity": count}
    for sex in ("F", "M"):
        of_sex = ((g.illness_code, g["count"]) for g in groups if g.sex == sex)
        for illness, count in _above(floor, of_sex, OTHER).items():
            yield {"topic": "helped", "measure": "helped_by_illness", "sex": sex, "item": illness, "quantity": count}


def _above(floor: int, counts: Iterable[tuple[str, int]], rest: str) -> dict[str, int]:
    """The sums by name, largest first; those below the floor together under `rest`; hidden ones last."""
    sums: dict[str, int] = {}
    for name, count in counts:
        sums[name] = sums.get(name, 0) + count
    shown: dict[str, int] = {}
    for name, count in sums.items():
        key = name if count >= floor else rest
        shown[key] = shown.get(key, 0) + count
    return dict(sorted(shown.items(), key=lambda entry: (entry[0] == HIDDEN, -entry[1], entry[0])))


def _shared_out(pools: list[dict], rates: list[dict]) -> Iterable[dict]:
    """Sums of the year by plan and over all; what a standard member covered in every period of the year shares."""
    for plan_id in ("all", *sorted({pool["plan_id"] for pool in pools})):
        of_plan = [pool for pool in pools if plan_id in ("all", pool["plan_id"])]
        for measure in AMOUNTS:
            amount_fen = sum(pool[measure] for pool in of_plan)
            yield {"topic": "shared_out", "measure": measure, "plan_id": plan_id, "amount_fen": amount_fen}
        if plan_id != "all":
            shares = [r["share_fen"] for r in rates if (r["plan_id"], r["tier"]) == (plan_id, "standard")]
            yield {
                "topic": "shared_out",
                "measure": "share_year_fen",
                "plan_id": plan_id,
                "amount_fen": sum(shares),
            }
            yield {"topic": "shared_out", "measure": "periods", "plan_id": plan_id, "quantity": len(shares)}


def _periods(request: Request, year: int, periods: list[str]) -> Iterable[dict]:
    """The periods the platform had in the year: published, and each that is not."""
    calendar = request.platform.calendar
    of_platform = [str(p) for p in calendar.between(calendar.first_period, calendar.last_period) if p.year == year]
    yield {"topic": "periods", "measure": "published", "quantity": len(periods)}
    for period in of_platform:
        if period not in periods:
            yield {"topic": "periods", "measure": "missing", "item": period, "quantity": 1}


def _members(lake: Lake, request: Request, of_last: list[Publication], floor: int) -> Iterable[dict]:
    """Covered members on the last publicity day: how many, their mean age in tenths of a year, their city tiers.

    No mean age is told of fewer than `floor` members, and city tiers with fewer are counted together.
    """
    calendar = request.platform.calendar
    day = calendar.publicity_on(calendar.period(of_last[0].period))
    by = {"city_tier": F.col("city_tier"), "age": age_years(F.col("birth_date"), F.lit(day))}
    counts, years, tiers = Counter(), Counter(), Counter()
    for run_id in sorted({p.run_id for p in of_last}):
        of_run = [p for p in of_last if p.run_id == run_id]
        covered = roll_of(lake, of_run, day, day, request.platform.time_zone).covered(by)
        for (plan_id, _, city_tier, age), count in covered.items():
            tiers[str(city_tier)] += count
            for key in ("all", plan_id):
                counts[key] += count
                years[key] += count * age
    for plan_id, count in sorted(counts.items()):
        yield {"topic": "members", "measure": "covered", "plan_id": plan_id, "quantity": count}
        if count >= floor:
            tenths = half_up(years[plan_id] * 10, count)
            yield {"topic": "members", "measure": "mean_age_tenths", "plan_id": plan_id, "quantity": tenths}
    for tier, count in sorted(_above(floor, tiers.items(), HIDDEN).items()):
        yield {"topic": "members", "measure": "covered_by_city_tier", "item": tier, "quantity": count}


def _beside(request: Request, year: int, own: list[dict], rates: list[dict], periods: list[str]) -> Iterable[dict]:
    """Each published figure of the year beside ours: as published, and at the scale of the lake.

    Sums are scaled by the members (ours on the last publicity day to the published ones of all plans) and by the
    periods (ours to the year's); amounts per head and year by the periods alone; shares of a period and ratios not at
    all.
    """
    figures = published_figures(request.platform.platform_id, request.environment.platforms)
    of_all = [f for f in figures if (f.plan, f.measure) == ("all", "covered") and f.of[:4] == str(year)]
    whole = max(of_all, key=lambda f: f.of).value if of_all else 0
    ours = {(r["topic"], r["measure"], r["plan_id"], r["item"]): r for r in own}
    members = (ours.get(("members", "covered", "all", "all")) or {"quantity": 0})["quantity"]
    for figure in figures:
        if figure.of == str(year):
            found = ours.get(_own_measure(figure)) or _row()
            per_head = figure.measure == "share_year"
            parts, of = (1, 1) if per_head else (members, whole)
            in_year = 12 * len(request.platform.calendar.monthly)
            at_scale = (
                figure.value if figure.unit == "ppm" else scaled(figure.value, parts * len(periods), of * in_year)
            )
            yield _beside_row(figure, found["amount_fen"] if figure.unit == "fen" else found["quantity"], at_scale)
        elif figure.of in periods and figure.measure == "share":
            shares = {(r["period"], r["plan_id"], r["tier"]): r["share_fen"] for r in rates}
            yield _beside_row(figure, shares.get((figure.of, figure.plan, "standard")), figure.value)


def _own_measure(figure: Figure) -> tuple[str, str, str, str]:
    """Where our figure of the same meaning stands."""
    return {
        "helped": ("helped", "helped", figure.plan, "all"),
        "share_year": ("shared_out", "share_year_fen", figure.plan, "all"),
        "shared_out": ("shared_out", "due_fen", figure.plan, "all"),
        "fee_received": ("fee", "received_fen", "all", "all"),
        "used_investigation": ("fee", "used_ppm", "all", "investigation"),
        "used_technology": ("fee", "used_ppm", "all", "technology"),
        "fraud_cases": ("review", "reviews", "all", "fraud"),
        "fraud_saved": ("review", "fraud_saved_fen", "all", "all"),
    }.get(figure.measure, ("", "", "", ""))


def _beside_row(figure: Figure, ours: int | None, at_scale: int | None) -> dict:
    kind = "fen" if figure.unit == "fen" else "quantity"
    own = {"amount_fen": ours} if kind == "fen" else {"quantity": ours}
    return {"topic": "published", "measure": figure.measure, "plan_id": figure.plan, "item": figure.of,
            f"published_{kind}": figure.value, f"scaled_{kind}": at_scale, **own}  # fmt: skip
