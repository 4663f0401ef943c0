"""The publicity notice of a period: its masked cases, its pools, its head counts by plan and tier."""

from collections import Counter
from dataclasses import dataclass, field

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.gate.claims import publicised_claims
from jobs.lake.lake import Lake
from jobs.lake.small import matching
from jobs.pipeline.request import PeriodRequest
from jobs.register.decisions import rows_used_by
from jobs.register.inputs import versions_read
from jobs.register.publications import Publication
from jobs.reporting.corrections import corrections_into_and_of
from jobs.reporting.masking import Case, Crowd, MaskedCase, Traits, masked
from jobs.reporting.people import crowds, groups_of, months_band, traits_on
from jobs.reporting.roll import Roll, roll_of
from jobs.reporting.rows import publications_of, published_few_rows, published_rows, source_as_settled
from schemas import TABLES
from schemas.report import HIDDEN

PUBLICITY = TABLES["report/publicity"]
CLAIMS = "source/approved_claims"
OBJECTION_OF = {"objection_pending": "pending", "objection_upheld": "upheld"}
SHOWN_ORDER = ("counted", "illness_code", "severity", "aid_fen", "age_band", "sex", "place", "member_months")


@dataclass(frozen=True)
class Notice:
    """The published contents of a period: `cases` (rows of report/publicity), `pools` by plan, `rates`; of corrections,
    `corrections` posted into the period, and `corrected`, those of the period itself (lines of `correction_lines`).

    For other reports, not published: `groups`, the covered members by traits; `rolls`, the members themselves, by run.
    """

    period: str
    publications: dict[str, Publication]
    cases: list[dict]
    pools: dict[str, dict]
    rates: list[dict]
    groups: list[dict]
    rolls: dict[str, Roll]
    corrections: list[dict] = field(default_factory=list)
    corrected: list[dict] = field(default_factory=list)


def notice_of(lake: Lake, request: PeriodRequest, floor: int) -> Notice:
    """The notice of a period; raises Refused if the period is not published."""
    period = str(request.period)
    publications = publications_of(lake.small, period)
    pools = published_few_rows(lake.small, "settled/pools", period=period)
    rates = published_few_rows(lake.small, "settled/rates", period=period)
    benefits = published_rows(lake, "settled/benefits").localCheckpoint()
    cases, groups, rolls = [], [], {}
    for run_id in sorted({p.run_id for p in publications.values()}):
        claims = source_as_settled(lake, CLAIMS, versions_read(lake.small, run_id, [CLAIMS]))
        rolls[run_id] = roll = _roll(lake, request, [p for p in publications.values() if p.run_id == run_id])
        run_groups = groups_of(roll.covered(traits_on(request.publicity_on)))
        released = rows_used_by(lake.small, TABLES[CLAIMS], run_id)
        unmasked = _unmasked_cases(benefits, claims, released, roll.sound, request, run_id)
        cases += _masked_by_plan(unmasked, run_groups, _publicised_counts(benefits, claims, request), floor)
        groups += run_groups
    into, of_period = corrections_into_and_of(lake.small, period, publications)
    by_plan = {row["plan_id"]: row for row in pools}
    return Notice(period, publications, cases, by_plan, rates, groups, rolls, into, of_period)


def write_notice(lake: Lake, notice: Notice) -> None:
    """Replaces the period's rows of report/publicity. Each has the run_id of its settlement and is valid with it."""
    rows = [
        {"period": notice.period, "run_id": notice.publications[case["plan_id"]].run_id, **case}
        for case in notice.cases
    ]
    run_id = ",".join(sorted({p.run_id for p in notice.publications.values()}))
    lake.small.replace(PUBLICITY, rows, matching(period=notice.period), run_id)


def _roll(lake: Lake, request: PeriodRequest, publications: list[Publication]) -> Roll:
    calendar = request.platform.calendar
    previous = calendar.previous(request.period)
    since_on = calendar.publicity_on(previous) if previous else None
    return roll_of(lake, publications, since_on, request.publicity_on, request.platform.time_zone)


def _unmasked_cases(
    benefits: DataFrame,
    claims: DataFrame,
    released: list[dict],
    spells: DataFrame,
    request: PeriodRequest,
    run_id: str,
) -> list[dict]:
    """One row per claim of the run's notice: its row of settled/benefits with sex, province, months, objection.

    `released`: the claims whose release the run used.
    """
    run_benefits = benefits.where((F.col("period") == str(request.period)) & (F.col("run_id") == run_id))
    publicised = publicised_claims(claims, str(request.period), released)
    columns = ["plan_id", "claim_id", "sex", "province_code", "diagnosed_on", "objection"]
    claimed = run_benefits.join(F.broadcast(publicised.select(*columns)), on=["plan_id", "claim_id"], how="left")
    cases = (
        claimed.join(_joining_days(spells, claimed), on=["plan_id", "claim_id"], how="left")
        .join(_history(benefits), on=["plan_id", "claim_id"], how="left")
        .withColumn("member_since", F.coalesce("joined_on", "diagnosed_on"))
    )
    rows = [row.asDict() for row in cases.collect()]
    return [{**row, "member_months": months_band(row["member_since"], request.publicity_on)} for row in rows]


def _joining_days(spells: DataFrame, cases: DataFrame) -> DataFrame:
    """One row per claim: `joined_on`, the last day on which its member joined the plan before the diagnosis."""
    diagnoses = cases.select("plan_id", "member_id", "claim_id", "diagnosed_on")
    joined = spells.select("plan_id", "member_id", "joined_on").join(
        F.broadcast(diagnoses), on=["plan_id", "member_id"], how="inner"
    )
    before = joined.where(F.col("joined_on") <= F.col("diagnosed_on"))
    return before.groupBy("plan_id", "claim_id").agg(F.max("joined_on").alias("joined_on"))


def _history(benefits: DataFrame) -> DataFrame:
    """One row per claim: first_period (first publicised), settled_period (in which it counted; null: not yet)."""
    settled = F.max(F.when(F.col("counted"), F.col("period")))
    return benefits.groupBy("plan_id", "claim_id").agg(
        F.min("period").alias("first_period"), settled.alias("settled_period")
    )


def _publicised_counts(benefits: DataFrame, claims: DataFrame, request: PeriodRequest) -> dict[str, Counter]:
    """By plan, the number of cases publicised up to the period, by (illness, sex). Each claim counts once."""
    publicised = benefits.where(F.col("period") <= str(request.period)).select("plan_id", "claim_id", "illness_code")
    newest = Window.partitionBy("plan_id", "claim_id").orderBy(F.col("publicity_period").desc())
    sexes = claims.select("plan_id", "claim_id", "sex", F.row_number().over(newest).alias("rank")).where("rank = 1")
    cases = publicised.distinct().join(sexes, on=["plan_id", "claim_id"], how="inner")
    counts: dict[str, Counter] = {}
    for row in cases.groupBy("plan_id", "illness_code", "sex").count().collect():
        counts.setdefault(row.plan_id, Counter())[(row.illness_code, row.sex)] = row["count"]
    return counts


def _masked_by_plan(
    unmasked: list[dict], groups: list[dict], publicised_counts: dict[str, Counter], floor: int
) -> list[dict]:
    """Rows of report/publicity without the period and the run, numbered within each plan."""
    members_by_plan = crowds(groups)
    rows = []
    for plan_id in sorted({case["plan_id"] for case in unmasked}):
        plan_cases = [case for case in unmasked if case["plan_id"] == plan_id]
        cases = [Case(_traits(case), case["illness_code"]) for case in plan_cases]
        crowd = Crowd(members_by_plan.get(plan_id, {}))
        masked_cases = masked(cases, crowd, publicised_counts.get(plan_id, {}), floor)
        public = [_public_row(case, mask, floor) for case, mask in zip(plan_cases, masked_cases, strict=True)]
        public.sort(key=_order)
        rows += [{**row, "case_no": number} for number, row in enumerate(public, 1)]
    return rows


def _traits(case: dict) -> Traits:
    sex, place = (case[name] or HIDDEN for name in ("sex", "province_code"))
    return Traits(case["age_band"], sex, place, case["member_months"])


def _public_row(case: dict, mask: MaskedCase, floor: int) -> dict:
    return {
        "plan_id": case["plan_id"],
        "illness_code": mask.illness_code,
        "severity": case["severity"],
        "age_band": mask.traits.age_band,
        "sex": mask.traits.sex,
        "place": mask.traits.place,
        "member_months": mask.traits.member_months,
        "aid_fen": case["benefit_fen"],
        "counted": case["counted"],
        "marker": case["marker"],
        "objection": OBJECTION_OF.get(case["marker"], case["objection"] or "none"),
        "first_period": case["first_period"],
        "settled_period": case["settled_period"],
        "shared_by_count": mask.shared_by_count,
        "floor_count": floor,
    }


def _order(row: dict) -> tuple:
    """Counted cases first, then by the shown values only: nothing hidden affects the order."""
    return tuple(not row[name] if name == "counted" else row[name] for name in SHOWN_ORDER) + tuple(
        str(row[name]) for name in ("marker", "objection", "first_period", "settled_period")
    )
