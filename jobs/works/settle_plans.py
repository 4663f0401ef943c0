"""The settlement of every plan that the gate lets pass: what preview, settle and the comparison of both have in
common."""

from dataclasses import replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.errors import without_rule
from jobs.progress import announce
from jobs.rulebook.rules import RuleNotInForce
from jobs.settlement.coverage import COVERED, with_member_since
from jobs.settlement.period import Given, Settled, Sink, benefits_before_cap, settle_period
from jobs.works.headroom import Year
from jobs.works.settle_gate import Gate
from jobs.works.settle_pinning import Pinned


def settle_plans(pinned: Pinned, gate: Gate, sink: Sink) -> Settled:
    """Settles every plan that the gate lets pass; the rows go into the sink."""
    given = _given(pinned, gate)
    before_cap = benefits_before_cap(given).localCheckpoint()  # cuts the plan: its text alone would cost seconds
    given = _without_helped(given, gate, before_cap)
    calendar, period = pinned.request.platform.calendar, pinned.request.period
    year = Year(pinned.history, gate.members, calendar, period, pinned.lapses())
    announce("settling")
    try:
        return settle_period(given, before_cap, sink, year.with_room)
    except RuleNotInForce as missing:
        raise without_rule(missing) from missing


def _given(pinned: Pinned, gate: Gate) -> Given:
    plan_ids = gate.plan_ids
    of_plans = F.col("plan_id").isin(*plan_ids)
    given = Given(
        period=str(pinned.request.period),
        publicity_on=pinned.request.publicity_on,
        plans={plan_id: pinned.request.platform.plans[plan_id] for plan_id in plan_ids},
        covered=gate.members.good.where(of_plans & (F.col("cover") == COVERED)),
        covered_count={plan_id: gate.covered_count[plan_id] for plan_id in plan_ids},
        claims=gate.claims.good.where(of_plans),
        counted_before=gate.counted_before,
        helped_before=gate.helped_before,
        brought_forward_fen=pinned.brought_forward_fen(plan_ids),
        family_payers=gate.members.family_payers,
    )
    return replace(given, covered=_with_member_since(given, gate))


def _with_member_since(given: Given, gate: Gate) -> DataFrame:
    """The covered members with the day their unbroken membership began, which differs only after a switch of tier."""
    if all(rules.waiver_joined_by is None for rules in given.rules().values()):
        return given.covered.withColumn("member_since", F.col("joined_on"))
    switched = (
        with_member_since(gate.members.kept_good)
        .where((F.col("cover") == COVERED) & (F.col("member_since") != F.col("joined_on")))
        .select("plan_id", "member_id", "member_since")
    )
    since = F.coalesce("member_since", "joined_on")
    return given.covered.join(switched, on=["plan_id", "member_id"], how="left").withColumn("member_since", since)


def _without_helped(given: Given, gate: Gate, before_cap: DataFrame) -> Given:
    """Where the rules say so, a member helped in the period does not share in it. Source: parameter, not published."""
    rules = given.rules()
    exempting = [plan_id for plan_id in given.plans if not rules[plan_id].helped_member_shares]
    if not exempting:
        return given
    counting = before_cap.where(F.col("counted") & F.col("plan_id").isin(*exempting))
    helped = counting.select("plan_id", "member_id").distinct()
    of_claimants = gate.members.kept_good.where(F.col("cover") == COVERED)
    leaving = of_claimants.join(F.broadcast(helped), on=["plan_id", "member_id"], how="left_semi")
    left = {(row.plan_id, row.tier): row["count"] for row in leaving.groupBy("plan_id", "tier").count().collect()}
    counts = {
        p: {tier: n - left.get((p, tier), 0) for tier, n in tiers.items()} for p, tiers in given.covered_count.items()
    }
    counts = {p: {tier: n for tier, n in tiers.items() if n} for p, tiers in counts.items()}
    covered = given.covered.join(F.broadcast(helped), on=["plan_id", "member_id"], how="left_anti")
    return replace(given, covered=covered, covered_count=counts)
