"""The report of a period: every measure as one row of report/period_summary, in one list."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import functions as F

from jobs.gate.quarantine import MOST_PLAUSIBLE_FEN
from jobs.lake.lake import Lake
from jobs.lake.small import matching
from jobs.pipeline.request import PeriodRequest
from jobs.reporting.corrections import correction_measures
from jobs.reporting.masking import GroupTraits, coarsened
from jobs.reporting.measures import PERIOD
from jobs.reporting.notice import Notice
from jobs.reporting.people import counted, groups_of, movements, traits_on
from jobs.reporting.roll import BEGINNING
from jobs.reporting.rows import published_few_rows, published_rows
from jobs.settlement.causes import ShareTerms, causes_of_change, terms_of
from jobs.settlement.coverage import in_force_on
from schemas import TABLES

SUMMARY = TABLES["report/period_summary"]


@dataclass(frozen=True)
class PeriodReport:
    """`rows` of report/period_summary; `history`: rates of all published periods up to this one, oldest first.

    `collected_plans`: the plans whose collection is published; `rules`: by id, the row of control/quality of each rule.
    """

    rows: list[dict]
    history: list[dict]
    collected_plans: frozenset[str]
    rules: dict[str, dict]


def period_report(lake: Lake, request: PeriodRequest, notice: Notice, ageing: list[dict], floor: int) -> PeriodReport:
    """Every measure of a published period. `ageing`: the period's rows of report/ageing."""
    period = str(request.period)
    history = _until(published_few_rows(lake.small, "settled/rates"), period)
    pools = _until(published_few_rows(lake.small, "settled/pools"), period)
    collection = [*_collection(lake, request), *_arrears(ageing)]
    quality = _quality(lake, notice)
    rows = [
        *_shares(history, period),
        *_causes(history, pools, request),
        *_members(lake, request, notice, floor),
        *collection,
        *_fees(lake, period),
        *period_balances(lake, period),
        *correction_measures(notice.corrections, notice.corrected),
        *_money(notice),
        *_quality_rows(quality, notice),
        *_quarantine(lake, notice),
    ]
    run_ids = {plan_id: p.run_id for plan_id, p in notice.publications.items()}
    complete = [{**row, "period": period, "run_id": run_ids[row["plan_id"]]} for row in rows]
    collected_plans = frozenset(row["plan_id"] for row in collection)
    return PeriodReport(complete, history, collected_plans, {row["id"]: row for row in quality})


def write_period(lake: Lake, notice: Notice, report: PeriodReport) -> None:
    """Replaces the period's rows of report/period_summary."""
    run_id = ",".join(sorted({p.run_id for p in notice.publications.values()}))
    lake.small.replace(SUMMARY, report.rows, matching(period=notice.period), run_id)


def _until(rows: list[dict], period: str) -> list[dict]:
    return [row for row in rows if row["period"] <= period]


def _shares(history: list[dict], period: str) -> Iterable[dict]:
    for rate in history:
        if rate["period"] == period:
            whose = {"plan_id": rate["plan_id"], "tier": rate["tier"]}
            yield PERIOD.row("share", "covered", rate["covered_count"], **whose)
            for measure in ("share_fen", "share_aid_fen", "share_fee_fen", "billed_fen"):
                yield PERIOD.row("share", measure, rate[measure], **whose)


def _causes(history: list[dict], pools: list[dict], request: PeriodRequest) -> Iterable[dict]:
    """One row per cause of the change of each tier's share since the previous period, if that is published."""
    previous = request.platform.calendar.previous(request.period)
    terms = {(pool["period"], pool["plan_id"]): _terms(pool, history) for pool in pools}
    for (period, plan_id), now in terms.items():
        before = terms.get((str(previous), plan_id))
        if period != str(request.period) or before is None:
            continue
        for tier in now.covered_count.keys() & before.covered_count.keys():
            for cause, change_fen in causes_of_change(before, now, tier).items():
                yield PERIOD.row("causes", "share_change_fen", change_fen, plan_id=plan_id, tier=tier, item=cause)


def _terms(pool: dict, history: list[dict]) -> ShareTerms:
    return terms_of(pool, [r for r in history if (r["period"], r["plan_id"]) == (pool["period"], pool["plan_id"])])


def _head_counts(lake: Lake, request: PeriodRequest, notice: Notice) -> Iterable[tuple[str, dict]]:
    """Each measure of head counts with its groups: covered, joined and ended since the previous publicity day, lapsed.

    The members who lapsed for the period's arrears are known once the period has been collected.
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
    """Head counts by tier, age band, months and, for ended memberships, reason; coarser for groups below the floor."""
    counts: dict[tuple[str, str], Counter] = {}
    for measure, group in _head_counts(lake, request, notice):
        item = group["exit_reason"] or "all"
        traits = GroupTraits(group["tier"], group["age_band"], group["member_months"], item)
        counts.setdefault((group["plan_id"], measure), Counter())[traits] += group["count"]
    for (plan_id, measure), groups in sorted(counts.items()):
        for traits, count in sorted(coarsened(groups, floor).items()):
            yield PERIOD.row("members", measure, count, plan_id=plan_id, **traits._asdict())


def _collection(lake: Lake, request: PeriodRequest) -> list[dict]:
    """Members, dues and receipts by status; empty before the first collection."""
    collections = published_rows(lake, "settled/collections", "collect", period=str(request.period))
    sums = collections.groupBy("plan_id", "status").agg(
        F.count("*").alias("count"), F.sum("due_fen").alias("due_fen"), F.sum("collected_fen").alias("collected_fen")
    )
    rows = []
    for row in sums.orderBy("plan_id", "status").collect():
        whose = {"plan_id": row.plan_id, "item": row.status}
        rows += [
            PERIOD.row("collection", "members", row["count"], **whose),
            PERIOD.row("collection", "due_fen", row.due_fen, **whose),
            PERIOD.row("collection", "collected_fen", row.collected_fen, **whose),
        ]
    return rows


def _arrears(ageing: list[dict]) -> Iterable[dict]:
    for row in ageing:
        if row["owed_fen"]:
            yield PERIOD.row("collection", "owed_fen", row["owed_fen"], plan_id=row["plan_id"], item=row["debt_days"])


def _fees(lake: Lake, period: str) -> Iterable[dict]:
    for fee in published_few_rows(lake.small, "ledger/fee", "collect", "close", period=period):
        for measure in PERIOD.by_topic["fee"]:
            yield PERIOD.row("fee", measure, fee[measure], plan_id=fee["plan_id"])


def period_balances(lake: Lake, period: str) -> Iterable[dict]:
    """The balance of each account after the close, debit positive; empty before it."""
    for balance in published_few_rows(lake.small, "ledger/balances", "close", period=period):
        for measure in PERIOD.by_topic["balances"]:
            yield PERIOD.row("balances", measure, balance[measure], plan_id=balance["plan_id"], item=balance["account"])


def _money(notice: Notice) -> Iterable[dict]:
    for plan_id, pool in sorted(notice.pools.items()):
        for measure in PERIOD.by_topic["money"]:
            yield PERIOD.row("money", measure, pool[measure], plan_id=plan_id)


def _quality(lake: Lake, notice: Notice) -> list[dict]:
    run_ids = sorted({p.run_id for p in notice.publications.values()})
    rows = lake.small.rows("control/quality", matching(run_id=run_ids))
    return sorted(rows, key=lambda row: (row["table_name"], row["id"]))


def _quality_rows(quality: list[dict], notice: Notice) -> Iterable[dict]:
    """Two rows per rule. A run checks a rule for all its plans together: the rows have the first of its plans."""
    first_plan = {p.run_id: plan_id for plan_id, p in sorted(notice.publications.items(), reverse=True)}
    for row in quality:
        whose = {"plan_id": first_plan[row["run_id"]], "item": f"{row['table_name']}:{row['id']}"}
        yield PERIOD.row("quality", "unexpected_count", row["unexpected_count"], **whose)
        yield PERIOD.row("quality", "at_stake_fen", row["amount_at_stake_fen"], **whose)


def _quarantine(lake: Lake, notice: Notice) -> Iterable[dict]:
    """Members and claims that the period held, by reason; a row with two reasons is counted under both."""
    is_held = (F.col("held_in_period") == notice.period) & F.col("released_by").isNull()
    for source in ("members", "claims"):
        held = lake.read_or_empty(f"control/quarantine_{source}").where(is_held)
        by_reason = held.select("plan_id", "amount_at_stake_fen", F.explode("reasons").alias("reason"))
        is_plausible = F.col("amount_at_stake_fen").between(0, MOST_PLAUSIBLE_FEN)
        fen = F.sum(F.when(is_plausible, F.col("amount_at_stake_fen")).otherwise(F.lit(0).cast("bigint")))
        sums = by_reason.groupBy("plan_id", "reason").agg(F.count("*").alias("count"), fen.alias("fen"))
        for row in sums.orderBy("plan_id", "reason").collect():
            if row.plan_id in notice.publications:
                yield PERIOD.row("quarantine", "held", row["count"], plan_id=row.plan_id, item=row.reason)
                yield PERIOD.row("quarantine", "at_stake_fen", row.fen, plan_id=row.plan_id, item=row.reason)
