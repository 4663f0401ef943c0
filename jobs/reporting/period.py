"""The report of a period: every measure as one row of report/period_summary, in one list."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import functions as F

from jobs.lake.lake import Lake
from jobs.lake.small import matching
from jobs.pipeline.request import PeriodRequest
from jobs.reporting.masking import GroupTraits, coarsened
from jobs.reporting.notice import Notice
from jobs.reporting.people import counted, groups_of, movements, traits_on
from jobs.reporting.roll import BEGINNING
from jobs.reporting.rows import published_few_rows, published_rows
from jobs.settlement.causes import ShareTerms, causes_of_change
from jobs.settlement.coverage import in_force_on
from schemas import TABLES

SUMMARY = TABLES["report/period_summary"]
POOL_MEASURES = ("case_count", "covered_count")
FEE_MEASURES = TABLES["ledger/fee"].amount_columns


@dataclass(frozen=True)
class PeriodReport:
    """`rows` of report/period_summary; `history`: rates of all published periods up to this one, oldest first.

    `collected_plans`: the plans of which a collection is published; `rules`: each quality rule's words and severity.
    """

    rows: list[dict]
    history: list[dict]
    collected_plans: frozenset[str]
    rules: dict[str, dict]


def period_report(lake: Lake, request: PeriodRequest, notice: Notice, ageing: list[dict], floor: int) -> PeriodReport:
    """Everything that is told of a published period. `ageing`: its rows of report/ageing."""
    period = str(request.period)
    history = _until(published_few_rows(lake.small, "settled/rates"), period)
    pools = _until(published_few_rows(lake.small, "settled/pools"), period)
    collected = [*_collected(lake, request), *_owed(ageing)]
    quality = _quality(lake, notice)
    rows = [
        *_shares(history, period),
        *_causes(history, pools, request),
        *_members(lake, request, notice, floor),
        *collected,
        *_fees(lake, period),
        *_money(notice),
        *_quality_rows(quality, notice),
        *_held(lake, notice),
    ]
    run_ids = {plan_id: p.run_id for plan_id, p in notice.publications.items()}
    complete = [{**_row(), **row, "period": period, "run_id": run_ids[row["plan_id"]]} for row in rows]
    collected_plans = frozenset(row["plan_id"] for row in collected)
    return PeriodReport(complete, history, collected_plans, {row["id"]: row for row in quality})


def write_period(lake: Lake, notice: Notice, report: PeriodReport) -> None:
    """Replaces the period's rows of report/period_summary."""
    run_id = ",".join(sorted({p.run_id for p in notice.publications.values()}))
    lake.small.replace(SUMMARY, report.rows, matching(period=notice.period), run_id)


def _row() -> dict:
    return {
        "tier": "all",
        "age_band": "all",
        "member_months": "all",
        "item": "all",
        "quantity": None,
        "amount_fen": None,
    }


def _until(rows: list[dict], period: str) -> list[dict]:
    return [row for row in rows if row["period"] <= period]


def _shares(history: list[dict], period: str) -> Iterable[dict]:
    for row in history:
        if row["period"] == period:
            of_tier = {"plan_id": row["plan_id"], "topic": "share", "tier": row["tier"]}
            yield {**of_tier, "measure": "covered", "quantity": row["covered_count"]}
            for measure in ("share_fen", "share_aid_fen", "share_fee_fen", "billed_fen"):
                yield {**of_tier, "measure": measure, "amount_fen": row[measure]}


def _causes(history: list[dict], pools: list[dict], request: PeriodRequest) -> Iterable[dict]:
    """One row per cause of each tier's change of the share since the previous period, where that is published."""
    previous = request.platform.calendar.previous(request.period)
    terms = {(p["period"], p["plan_id"]): _terms(p, history) for p in pools}
    for (period, plan_id), now in terms.items():
        before = terms.get((str(previous), plan_id))
        if period != str(request.period) or before is None:
            continue
        for tier in now.covered_count.keys() & before.covered_count.keys():
            for cause, change_fen in causes_of_change(before, now, tier).items():
                yield {"plan_id": plan_id, "topic": "causes", "measure": "share_change_fen", "tier": tier,
                       "item": cause, "amount_fen": change_fen}  # fmt: skip


def _terms(pool: dict, history: list[dict]) -> ShareTerms:
    rates = [row for row in history if (row["period"], row["plan_id"]) == (pool["period"], pool["plan_id"])]
    return ShareTerms(
        case_count=pool["case_count"],
        cost_fen=pool["benefit_fen"] + pool["fee_fen"] - pool["case_sponsored_fen"],
        brought_forward_fen=pool["brought_forward_fen"],
        covered_count={row["tier"]: row["covered_count"] for row in rates},
        weight_ppm={row["tier"]: row["weight_ppm"] for row in rates},
        rounding=pool["rounding"],
    )


def _head_counts(lake: Lake, request: PeriodRequest, notice: Notice) -> Iterable[tuple[str, dict]]:
    """Every measure with its groups: covered, and begun and ended since the previous publicity day, and lapsed.

    Those lapsed for the period's dues are known once it has been collected.
    """
    lapses = published_rows(lake, "settled/lapses", "collect", period=str(request.period))
    calendar = request.platform.calendar
    previous = calendar.previous(request.period)
    since_on = calendar.publicity_on(previous) if previous else BEGINNING
    for group in notice.groups:
        yield "covered", group
    for roll in notice.rolls.values():
        in_force = roll.sound.where(in_force_on(F.lit(request.publicity_on)))
        lapsed = in_force.join(lapses, on=["plan_id", "member_id"], how="left_semi")
        for group in groups_of(counted(lapsed, traits_on(request.publicity_on))):
            yield "lapsed", group
        for group in movements(roll.sound, since_on, request.publicity_on):
            yield ("joined" if group["exit_reason"] is None else "ended"), group


def _members(lake: Lake, request: PeriodRequest, notice: Notice, floor: int) -> Iterable[dict]:
    """Head counts by tier, age band and months, what ended also by the reason; made coarser where too few share
    them."""
    counts: dict[tuple[str, str], Counter] = {}
    for measure, group in _head_counts(lake, request, notice):
        item = group["exit_reason"] or "all"
        of = GroupTraits(group["tier"], group["age_band"], group["member_months"], item)
        counts.setdefault((group["plan_id"], measure), Counter())[of] += group["count"]
    for (plan_id, measure), groups in sorted(counts.items()):
        for traits, count in sorted(coarsened(groups, floor).items()):
            yield {"plan_id": plan_id, "topic": "members", "measure": measure, **traits._asdict(), "quantity": count}


def _collected(lake: Lake, request: PeriodRequest) -> list[dict]:
    """Dues, money and members by status; empty before the first collection."""
    of_period = published_rows(lake, "settled/collections", "collect", period=str(request.period))
    sums = of_period.groupBy("plan_id", "status").agg(
        F.count("*").alias("count"), F.sum("due_fen").alias("due_fen"), F.sum("collected_fen").alias("collected_fen")
    )
    rows = []
    for row in sums.orderBy("plan_id", "status").collect():
        of_status = {"plan_id": row.plan_id, "topic": "collection", "item": row.status}
        rows += [
            {**of_status, "measure": "members", "quantity": row["count"]},
            {**of_status, "measure": "due_fen", "amount_fen": row.due_fen},
            {**of_status, "measure": "collected_fen", "amount_fen": row.collected_fen},
        ]
    return rows


def _owed(ageing: list[dict]) -> Iterable[dict]:
    for row in ageing:
        if row["owed_fen"]:
            yield {"plan_id": row["plan_id"], "topic": "collection", "measure": "owed_fen", "item": row["debt_days"],
                   "amount_fen": row["owed_fen"]}  # fmt: skip


def _fees(lake: Lake, period: str) -> Iterable[dict]:
    for row in published_few_rows(lake.small, "ledger/fee", "collect", "close", period=period):
        for measure in FEE_MEASURES:
            yield {"plan_id": row["plan_id"], "topic": "fee", "measure": measure, "amount_fen": row[measure]}


def _money(notice: Notice) -> Iterable[dict]:
    for plan_id, pool in sorted(notice.pools.items()):
        for measure in TABLES["settled/pools"].amount_columns:
            yield {"plan_id": plan_id, "topic": "money", "measure": measure, "amount_fen": pool[measure]}
        for measure in POOL_MEASURES:
            yield {"plan_id": plan_id, "topic": "money", "measure": measure, "quantity": pool[measure]}


def _quality(lake: Lake, notice: Notice) -> list[dict]:
    run_ids = sorted({p.run_id for p in notice.publications.values()})
    rows = lake.small.rows("control/quality", matching(run_id=run_ids))
    return sorted(rows, key=lambda row: (row["table_name"], row["id"]))


def _quality_rows(quality: list[dict], notice: Notice) -> Iterable[dict]:
    """The rules of a run are of all its plans together: they stand under the first of them."""
    first_plan = {p.run_id: plan_id for plan_id, p in sorted(notice.publications.items(), reverse=True)}
    for row in quality:
        of_rule = {"plan_id": first_plan[row["run_id"]], "topic": "quality", "item": f"{row['table_name']}:{row['id']}"}
        yield {**of_rule, "measure": "unexpected_count", "quantity": row["unexpected_count"]}
        yield {**of_rule, "measure": "at_stake_fen", "amount_fen": row["amount_at_stake_fen"]}


def _held(lake: Lake, notice: Notice) -> Iterable[dict]:
    """Rows held back still, by reason: members seen by then, claims of the period. Two reasons: under both."""
    run_ids = {plan_id: p.run_id for plan_id, p in notice.publications.items()}
    seen = F.col("first_seen_period")
    of_period = {"members": seen <= notice.period, "claims": seen == notice.period}
    for kind, is_seen in of_period.items():
        held = lake.read_or_empty(f"control/quarantine_{kind}").where(is_seen & F.col("released_by").isNull())
        by_reason = held.select("plan_id", "amount_at_stake_fen", F.explode("reasons").alias("reason"))
        sums = by_reason.groupBy("plan_id", "reason").agg(
            F.count("*").alias("count"), F.sum("amount_at_stake_fen").alias("fen")
        )
        for row in sums.orderBy("plan_id", "reason").collect():
            if row.plan_id in run_ids:
                of_reason = {"plan_id": row.plan_id, "topic": "quarantine", "item": row.reason}
                yield {**of_reason, "measure": "held", "quantity": row["count"]}
                yield {**of_reason, "measure": "at_stake_fen", "amount_fen": row.fen}
