"""The stages of a settlement, shared by preview, settle and the comparison with a published settlement.

The rules are in jobs/settlement; here their frames are computed and put into a sink that measures or writes them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.base.errors import rule_not_in_force
from jobs.base.progress import announce
from jobs.lake.sinks import Measurement, MeasuringSink
from jobs.rulebook.rules import RuleNotInForce
from jobs.settlement.assessments import assessments
from jobs.settlement.bills import bills
from jobs.settlement.coverage import COVERED, with_member_since
from jobs.settlement.one_fen_more import OneFenMore, bucket_counts, bucket_of_limit, choice_key, numbers_in_bucket
from jobs.settlement.period import (
    SettlementInputs,
    benefit_measures,
    benefits_after_cap,
    benefits_before_cap,
    pools_by_plan,
    shares_by_plan,
    small_table_rows,
)
from jobs.settlement.shares import Sharing
from jobs.settlement.yearly_cap import PeriodOfYear, fingerprint_measures, period_of_year
from jobs.spark.computed import computed_once
from jobs.works.corrections import asked_and_refunded, transfers_of_corrections
from jobs.works.headroom import YearlyHeadroom
from jobs.works.settle_gate import Gate
from jobs.works.settle_pinning import PinnedSettlement


@dataclass(frozen=True)
class SettlementResult:
    """A settled period. Maps are by plan.

    `digests`: then by table. `year_records`: what later periods of the year need for the yearly cap. `limited_claims`:
    count of claims above the limit, and their fen above it.
    """

    digests: Mapping[str, Mapping[str, dict]]
    pools: Mapping[str, dict]
    rates: Mapping[str, list[dict]]
    year_records: Mapping[str, PeriodOfYear]
    limited_claims: tuple[int, int]

    @property
    def share_fen(self) -> dict[tuple[str, str], int]:
        """The share of one member in fen, by plan and tier."""
        return {(p, rate["tier"]): rate["share_fen"] for p, rates in self.rates.items() for rate in rates}


def settle_plans(
    pinned: PinnedSettlement,
    gate: Gate,
    sink: MeasuringSink,
    with_paid_aid: Callable[[DataFrame], DataFrame] | None = None,
) -> SettlementResult:
    """Settles every plan that passed the gate and puts its rows into the sink.

    `with_paid_aid`: for a closed period that is settled again, gives the benefits that count now (from those of the
    sources, before the per-case cap): aid that was paid counts until it is recovered.
    """
    announce("settling")
    inputs = _inputs(pinned, gate)
    benefits = benefits_before_cap(inputs)
    before_cap = computed_once(benefits if with_paid_aid is None else with_paid_aid(benefits))
    inputs = _without_exempt_beneficiaries(inputs, gate, before_cap)
    calendar, period = pinned.request.platform.calendar, pinned.request.period
    headroom = YearlyHeadroom(pinned.history, gate.members, calendar, period, pinned.lapses())
    try:
        return _settle(inputs, before_cap, sink, headroom)
    except RuleNotInForce as missing:
        raise rule_not_in_force(missing) from missing


def _settle(
    inputs: SettlementInputs, before_cap: DataFrame, sink: MeasuringSink, headroom: YearlyHeadroom
) -> SettlementResult:
    rules = inputs.rules()
    benefits = sink.put("settled/benefits", benefits_after_cap(inputs, before_cap, rules), benefit_measures())
    measured = {p: {**benefits[p].values, **benefits[p].digest["sums"]} for p in inputs.plans}
    pools = pools_by_plan(inputs, measured, rules)
    sharing = shares_by_plan(inputs, pools, rules)
    more = {p: _one_fen_more(inputs, p, s) for p, s in sharing.items() if s.shares.one_fen_more_count}

    rows = assessments(headroom.with_headroom(inputs.covered, sharing, rules), sharing, rules, more)
    assessed = sink.put("settled/assessments", rows, [*fingerprint_measures(), *_billed_measures(sharing, more)])
    stored = sink.stored("settled/assessments", rows)
    billed = sink.put("settled/bills", bills(stored, inputs.plans, inputs.family_payers, inputs.adjustments))

    sponsored_fen = {p: assessed[p].digest["sums"]["sponsored_fen"] for p in inputs.plans}
    tables = small_table_rows(
        inputs, sharing, sponsored_fen, {p: _billed_fen(sharing[p], assessed[p]) for p in inputs.plans}
    )
    digests = sink.put_rows(tables)
    measurements = {"settled/benefits": benefits, "settled/assessments": assessed, "settled/bills": billed}
    return SettlementResult(
        digests={
            p: {
                **{table: by_plan[p].digest for table, by_plan in measurements.items()},
                **{table: by_plan[p] for table, by_plan in digests.items()},
            }
            for p in inputs.plans
        },
        pools={p: tables["settled/pools"][p][0] for p in inputs.plans},
        rates=tables["settled/rates"],
        year_records={
            p: period_of_year(sharing[p], rules[p], inputs.publicity_on, more.get(p), assessed[p].values)
            for p in inputs.plans
        },
        limited_claims=(
            sum(benefits[p].values.get("limited_count") or 0 for p in inputs.plans),
            sum(benefits[p].values.get("limited_fen") or 0 for p in inputs.plans),
        ),
    )


def choose_one_fen_more(covered: DataFrame, key: str, chosen_count: int) -> OneFenMore:
    """The choice of exactly `chosen_count` of the covered members (one row each, column member_id)."""
    if not chosen_count:
        return OneFenMore(key, None)
    counts = [tuple(row) for row in bucket_counts(covered, key).collect()]
    bucket, of_bucket_count = bucket_of_limit(counts, chosen_count)
    numbers = sorted(row.number for row in numbers_in_bucket(covered, key, bucket).collect())
    return OneFenMore(key, numbers[of_bucket_count - 1])


def _one_fen_more(inputs: SettlementInputs, plan_id: str, sharing: Sharing) -> OneFenMore:
    """Which of the plan's covered members pay one fen more."""
    covered = inputs.covered.where(F.col("plan_id") == plan_id)
    return choose_one_fen_more(covered, choice_key(plan_id, inputs.period), sharing.shares.one_fen_more_count)


def _billed_measures(sharing: Mapping[str, Sharing], more: Mapping[str, OneFenMore]) -> list:
    """Aggregates over one plan's assessments: the sum of shares of each tier, if members of a tier pay differently."""
    tiers = sorted({tier for p in more for tier in sharing[p].covered_count})
    return [F.sum(F.when(F.col("tier") == tier, F.col("share_fen"))).alias(f"billed {tier}") for tier in tiers]


def _billed_fen(sharing: Sharing, assessed: Measurement) -> dict[str, int]:
    """The sum of shares of each tier, taken from the assessments if members of a tier pay differently."""
    billed_fen = sharing.shares.billed_by_tier_fen
    if not sharing.shares.one_fen_more_count:
        return dict(billed_fen)
    return {tier: assessed.values[f"billed {tier}"] or 0 for tier in billed_fen}


def _inputs(pinned: PinnedSettlement, gate: Gate) -> SettlementInputs:
    """What the rules compute a settlement from: the sound rows of the plans that passed the gate."""
    plan_ids = gate.plan_ids
    is_of_plans = F.col("plan_id").isin(*plan_ids)
    inputs = SettlementInputs(
        period=str(pinned.request.period),
        publicity_on=pinned.request.publicity_on,
        plans={plan_id: pinned.request.platform.plans[plan_id] for plan_id in plan_ids},
        covered=gate.members.good.where(is_of_plans & (F.col("cover") == COVERED)),
        covered_count={plan_id: gate.covered_count[plan_id] for plan_id in plan_ids},
        claims=gate.claims.good.where(is_of_plans),
        counted_before=gate.counted_before,
        helped_before=gate.helped_before,
        brought_forward_fen=pinned.brought_forward_fen(plan_ids),
        family_payers=gate.members.family_payers,
        adjusted_fen=pinned.history.adjusted_fen(plan_ids),
        corrections=transfers_of_corrections(pinned.lake.small, pinned.run.period, plan_ids),
        adjustments=asked_and_refunded(pinned.lake, pinned.run.period, plan_ids),
    )
    return replace(inputs, covered=_with_member_since(inputs, gate))


def _with_member_since(inputs: SettlementInputs, gate: Gate) -> DataFrame:
    """The covered members with `member_since`, the first day of their unbroken membership: after a switch of tier it is
    earlier than `joined_on`."""
    if all(rules.waiver_joined_by is None for rules in inputs.rules().values()):
        return inputs.covered.withColumn("member_since", F.col("joined_on"))
    switched = (
        with_member_since(gate.members.kept_good)
        .where((F.col("cover") == COVERED) & (F.col("member_since") != F.col("joined_on")))
        .select("plan_id", "member_id", "member_since")
    )
    since = F.coalesce("member_since", "joined_on")
    return inputs.covered.join(switched, on=["plan_id", "member_id"], how="left").withColumn("member_since", since)


def _without_exempt_beneficiaries(inputs: SettlementInputs, gate: Gate, before_cap: DataFrame) -> SettlementInputs:
    """The inputs without the period's beneficiaries, for plans whose rules exempt them from sharing.

    Source: parameter, not published.
    """
    rules = inputs.rules()
    exempting = [plan_id for plan_id in inputs.plans if not rules[plan_id].helped_member_shares]
    if not exempting:
        return inputs
    counted = before_cap.where(F.col("counted") & F.col("plan_id").isin(*exempting))
    beneficiaries = counted.select("plan_id", "member_id").distinct()
    covered_claimants = gate.members.kept_good.where(F.col("cover") == COVERED)
    exempt = covered_claimants.join(F.broadcast(beneficiaries), on=["plan_id", "member_id"], how="left_semi")
    exempt_count = {(r.plan_id, r.tier): r["count"] for r in exempt.groupBy("plan_id", "tier").count().collect()}
    sharing_count = {
        p: {
            tier: count - exempt_count.get((p, tier), 0)
            for tier, count in tiers.items()
            if count != exempt_count.get((p, tier), 0)
        }
        for p, tiers in inputs.covered_count.items()
    }
    sharing = inputs.covered.join(F.broadcast(beneficiaries), on=["plan_id", "member_id"], how="left_anti")
    return replace(inputs, covered=sharing, covered_count=sharing_count)
