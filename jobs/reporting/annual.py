"""The report of a year: every measure as one row of report/annual, in one list."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.errors import Refused
from jobs.lake.lake import Lake
from jobs.lake.publications import published
from jobs.reporting.masking import OTHER
from jobs.reporting.people import age_years
from jobs.reporting.published import Figure, published_figures, scaled
from jobs.reporting.rows import input_versions, published_rows, source_as_settled
from jobs.request import Request
from jobs.settlement.coverage import in_force_on
from jobs.settlement.money import half_up
from schemas import TABLES
from schemas.codes import SITE_KINDS
from schemas.report import HIDDEN

ANNUAL = TABLES["report/annual"]
AMOUNTS = ("benefit_fen", "fee_fen", "case_sponsored_fen", "member_sponsored_fen", "billed_fen", "due_fen")
FEES = ("accrued_fen", "sponsored_fen", "received_fen", "outstanding_fen", "written_off_fen")


@dataclass(frozen=True)
class YearReport:
    """`rows` of report/annual; `history`: rates of the year's published periods; `periods`: their names in order."""

    year: int
    rows: list[dict]
    history: list[dict]
    periods: list[str]


def year_report(lake: Lake, request: Request, year: int, floor: int) -> YearReport:
    """Everything that is told of a year's published periods; raises Refused where none is published."""
    of_year = {key: p for key, p in published(lake, "settle").items() if key[0].startswith(f"{year:04d}-")}
    if not of_year:
        raise Refused(
            f"Year {year}: nothing of it is published in this lake. No report was made. "
            "`fentan status` shows which periods are; name the year of one of them."
        )
    periods = sorted({period for period, _ in of_year})
    pools = _of_year(published_rows(lake, "settled/pools"), year)
    rates = sorted(
        _of_year(published_rows(lake, "settled/rates"), year), key=lambda r: (r["period"], r["plan_id"], r["tier"])
    )
    run_id = hashlib.sha256(",".join(sorted({p.run_id for p in of_year.values()})).encode()).hexdigest()[:16]
    own = [
        *_helped(lake, year, floor),
        *_shared_out(pools, rates),
        *_members(lake, request, of_year, periods[-1]),
        *_fee(lake, year, periods),
        *_visits(lake, year),
        *_reviews(lake, year),
    ]
    known = [{**_row(), **row} for row in own]
    rows = known + [{**_row(), **row} for row in _beside(request, year, known, rates, periods)]
    return YearReport(year, [{"year": year, "run_id": run_id, **row} for row in rows], rates, periods)


def write_year(lake: Lake, report: YearReport) -> None:
    """Replaces the year's rows of report/annual."""
    lake.replace(ANNUAL, lake.frame(ANNUAL, report.rows).coalesce(1), f"year = {report.year}", report.rows[0]["run_id"])


def _row() -> dict:
    return {"plan_id": "all", "sex": "all", "item": "all"} | dict.fromkeys(
        ("quantity", "amount_fen", "published_quantity", "published_fen", "scaled_quantity", "scaled_fen")
    )


def _of_year(frame: DataFrame, year: int) -> list[dict]:
    return [row.asDict() for row in frame.where(F.col("period").startswith(f"{year:04d}-")).collect()]


def _helped(lake: Lake, year: int, floor: int) -> Iterable[dict]:
    """Cases helped: by plan, in this year and the one before; by province; by illness and sex; none below the floor."""
    counted = published_rows(lake, "settled/benefits").where("counted")
    counted = counted.withColumn("of_year", F.substring("period", 1, 4).cast("int"))
    for row in counted.where(F.col("of_year").isin(year, year - 1)).groupBy("of_year", "plan_id").count().collect():
        measure = "helped" if row.of_year == year else "helped_year_before"
        yield {"topic": "helped", "measure": measure, "plan_id": row.plan_id, "quantity": row["count"]}
    claims = lake.read("source/approved_claims").select("plan_id", "claim_id", "sex", "province_code")
    known = counted.where(F.col("of_year") == year).join(
        claims.dropDuplicates(["plan_id", "claim_id"]), on=["plan_id", "claim_id"], how="left"
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
            yield {"topic": "shared_out", "measure": "share_year_fen", "plan_id": plan_id, "amount_fen": sum(shares)}
            yield {"topic": "shared_out", "measure": "periods", "plan_id": plan_id, "quantity": len(shares)}


def _members(lake: Lake, request: Request, of_year: dict, last: str) -> Iterable[dict]:
    """Covered members on the last publicity day: how many, their mean age in tenths of a year, their city tiers."""
    day = F.lit(request.platform.calendar.publicity_on(request.platform.calendar.period(last)))
    of_last = published_rows(lake, "settled/assessments").where(F.col("period") == last)
    assessed = of_last.select("plan_id", "member_id", "run_id")
    sums: dict[str, list[int]] = {}
    tiers: dict[int, int] = {}
    for run_id in sorted({p.run_id for (period, _), p in of_year.items() if period == last}):
        members = source_as_settled(lake, "source/members", input_versions(lake, run_id))
        mine = assessed.where(F.col("run_id") == run_id).drop("run_id")
        spells = members.where(in_force_on(day)).join(mine, on=["plan_id", "member_id"], how="left_semi")
        ages = F.sum(age_years(F.col("birth_date"), day)).alias("years")
        for row in spells.groupBy("plan_id", "city_tier").agg(F.count("*").alias("count"), ages).collect():
            for key in ("all", row.plan_id):
                sums[key] = [a + b for a, b in zip(sums.get(key, [0, 0]), (row["count"], row.years), strict=True)]
            tiers[row.city_tier] = tiers.get(row.city_tier, 0) + row["count"]
    for plan_id, (count, years) in sorted(sums.items()):
        yield {"topic": "members", "measure": "covered", "plan_id": plan_id, "quantity": count}
        yield {
            "topic": "members",
            "measure": "mean_age_tenths",
            "plan_id": plan_id,
            "quantity": half_up(years * 10, count),
        }
    for tier, count in sorted(tiers.items()):
        yield {"topic": "members", "measure": "covered_by_city_tier", "item": str(tier), "quantity": count}


def _fee(lake: Lake, year: int, periods: list[str]) -> Iterable[dict]:
    """The fee of the year, what it was spent on in the months of the published periods, and what is left."""
    fees = _of_year(published_rows(lake, "ledger/fee", "collect", "close"), year)
    sums = {measure: sum(fee[measure] for fee in fees) for measure in FEES}
    for measure, amount_fen in sums.items():
        yield {"topic": "fee", "measure": measure, "amount_fen": amount_fen}
    if lake.exists("source/operating_costs"):
        costs = lake.read("source/operating_costs").where(F.col("month").isin(*sorted({p[:7] for p in periods})))
        used = costs.groupBy("category").agg(F.sum("amount_fen").alias("fen")).orderBy("category").collect()
        spent_fen = sum(row.fen for row in used)
        for row in used:
            yield {"topic": "fee", "measure": "used_fen", "item": row.category, "amount_fen": row.fen}
            part_ppm = half_up(1_000_000 * row.fen, spent_fen) if spent_fen else None
            yield {"topic": "fee", "measure": "used_ppm", "item": row.category, "quantity": part_ppm}
        yield {"topic": "fee", "measure": "used_fen", "amount_fen": spent_fen}
        yield {"topic": "fee", "measure": "result_fen", "amount_fen": sums["received_fen"] - spent_fen}


def _visits(lake: Lake, year: int) -> Iterable[dict]:
    if not lake.exists("source/field_visits"):
        return
    visits = lake.read("source/field_visits").where(F.year("visited_on") == year)
    sites = {kind: F.countDistinct(F.when(F.col("site_kind") == kind, F.col("site_id"))) for kind in SITE_KINDS}
    row = visits.agg(
        F.count("*").alias("visits"), F.countDistinct("investigator_id").alias("investigators"),
        sites["hospital"].alias("hospitals"), sites["insurance_office"].alias("insurance_offices"),
    ).first()  # fmt: skip
    for measure in ("visits", "investigators", "hospitals", "insurance_offices"):
        yield {"topic": "fee", "measure": measure, "quantity": row[measure]}


def _reviews(lake: Lake, year: int) -> Iterable[dict]:
    """Applications by decision, the mean days of a review by technique in tenths, frauds and the aid they asked for."""
    if not lake.exists("source/claim_reviews"):
        return
    reviews = lake.read("source/claim_reviews").where(F.year("decided_on") == year)
    days = F.sum(F.datediff("decided_on", "received_on")).alias("days")
    asked = F.sum("requested_aid_fen").alias("fen")
    rows = reviews.groupBy("decision", "technique").agg(F.count("*").alias("count"), days, asked).collect()
    for decision in ("approved", "refused", "fraud"):
        of_decision = [row for row in rows if row.decision == decision]
        yield {
            "topic": "review",
            "measure": "reviews",
            "item": decision,
            "quantity": sum(r["count"] for r in of_decision),
        }
    for technique in ("all", *sorted({row.technique for row in rows})):
        of_kind = [row for row in rows if technique in ("all", row.technique)]
        if count := sum(row["count"] for row in of_kind):
            tenths = half_up(10 * sum(row.days for row in of_kind), count)
            yield {"topic": "review", "measure": "mean_days_tenths", "item": technique, "quantity": tenths}
    saved_fen = sum(row.fen for row in rows if row.decision == "fraud")
    yield {"topic": "review", "measure": "fraud_saved_fen", "amount_fen": saved_fen}


def _beside(request: Request, year: int, own: list[dict], rates: list[dict], periods: list[str]) -> Iterable[dict]:
    """Each published figure of the year beside ours: as published, and at the scale of the lake.

    Sums are scaled by the members (ours on the last publicity day to the published ones of all plans) and by the
    periods (ours to the year's); amounts per head and year by the periods alone; shares of a period and ratios not at all.
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
