"""The stages of a settlement, as pure functions:

    claims -> benefits -> pools -> shares -> assessments -> bills
                                     `-> rows of pools, rates, journal, fee

The caller, jobs/works/settle_plans.py, writes and measures the rows between the stages.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.ledger.fee import fee_row
from jobs.ledger.journal import Transfer, journal_rows, settlement_transfers
from jobs.money import case_allowance
from jobs.rulebook.rules import Plan, RuleNotInForce, SharingRules
from jobs.settlement.benefits import LIMITED, WITHOUT_RULE, benefits
from jobs.settlement.per_case_cap import with_case_sponsorship
from jobs.settlement.pool import Pool, pool_of
from jobs.settlement.shares import Sharing, pool_row, rate_rows, shares_of
from jobs.spark.by_plan import by_plan


@dataclass(frozen=True)
class SettlementInputs:
    """The inputs of a period's settlement. Maps are by plan.

    `covered`: one row per covered member, with `member_since`. `covered_count`: by tier. `claims`, `counted_before`,
    `helped_before`: inputs of `benefits` (`helped`). `brought_forward_fen`: the residual of the previous period.
    `family_payers`: input of `bills`. Of corrections into the period: `adjusted_fen`, their part of the residual;
    `corrections`, their transfers; `adjustments`, their additional dues and refunds (None: no correction).
    """

    period: str
    publicity_on: date
    plans: Mapping[str, Plan]
    covered: DataFrame
    covered_count: Mapping[str, Mapping[str, int]]
    claims: DataFrame
    counted_before: DataFrame
    helped_before: DataFrame
    brought_forward_fen: Mapping[str, int]
    family_payers: DataFrame
    adjusted_fen: Mapping[str, int] = field(default_factory=dict)
    corrections: Mapping[str, list[Transfer]] = field(default_factory=dict)
    adjustments: DataFrame | None = None

    def rules(self) -> dict[str, SharingRules]:
        """The sharing rules of each plan on the publicity day; raises RuleNotInForce."""
        return {plan_id: plan.sharing_on(self.publicity_on) for plan_id, plan in self.plans.items()}


def benefits_before_cap(inputs: SettlementInputs) -> DataFrame:
    """One row per claim of the period, counted or not, before the rule `per_case_cap` is applied."""
    versions = {plan_id: F.lit(plan.version_on(inputs.publicity_on)) for plan_id, plan in inputs.plans.items()}
    return benefits(
        inputs.claims, inputs.counted_before, inputs.helped_before, inputs.plans, by_plan(versions, F.lit(None))
    )


def benefits_after_cap(inputs: SettlementInputs, before_cap: DataFrame, rules: Mapping[str, SharingRules]) -> DataFrame:
    """The benefits with `sponsored_fen`, the part above the rule `per_case_cap`."""
    return with_case_sponsorship(
        before_cap,
        {plan_id: _case_allowance_fen(inputs.covered_count[plan_id], rules[plan_id]) for plan_id in inputs.plans},
        {plan_id: rules[plan_id].fee_rate_ppm for plan_id in inputs.plans},
    )


def benefit_measures() -> list[Column]:
    """Aggregates over one plan's benefits that later stages and messages need, in addition to the sums of amounts."""
    is_limited = F.col("marker") == LIMITED
    return [
        F.count_if("counted").alias("case_count"),
        F.count_if(F.col("marker") == WITHOUT_RULE).alias("without_rule_count"),
        F.count_if(is_limited).alias("limited_count"),
        F.sum(F.when(is_limited, F.col("approved_aid_fen") - F.col("benefit_fen"))).alias("limited_fen"),
    ]


def pools_by_plan(
    inputs: SettlementInputs, measured: Mapping[str, Mapping[str, int | None]], rules: Mapping[str, SharingRules]
) -> dict[str, Pool]:
    """The pool of each plan.

    `measured`: by plan, the values of `benefit_measures` and the sums of `benefit_fen` and `sponsored_fen`. Raises
    RuleNotInForce if a claim has no benefit rules on its day of diagnosis.
    """
    _check_rules_in_force(inputs, measured)
    return {
        plan_id: pool_of(
            case_count=measured[plan_id].get("case_count") or 0,
            benefit_fen=measured[plan_id].get("benefit_fen") or 0,
            case_sponsored_fen=measured[plan_id].get("sponsored_fen") or 0,
            fee_ppm=rules[plan_id].fee_rate_ppm,
            brought_forward_fen=inputs.brought_forward_fen[plan_id],
        )
        for plan_id in inputs.plans
    }


def shares_by_plan(
    inputs: SettlementInputs, pools: Mapping[str, Pool], rules: Mapping[str, SharingRules]
) -> dict[str, Sharing]:
    """Each plan's pool, divided over its covered members."""
    return {p: shares_of(pools[p], inputs.covered_count[p], rules[p]) for p in inputs.plans}


def small_table_rows(
    inputs: SettlementInputs,
    sharing: Mapping[str, Sharing],
    sponsored_fen: Mapping[str, int],
    billed_by_tier_fen: Mapping[str, Mapping[str, int]],
) -> dict[str, dict[str, list[dict]]]:
    """The rows of settled/pools, settled/rates, ledger/journal and ledger/fee, by table and plan.

    `sponsored_fen`: by plan, the sum over its assessments. `billed_by_tier_fen`: by plan and tier, the sum of shares.
    """
    day = inputs.publicity_on
    pools = {
        p: pool_row(sharing[p], sponsored_fen[p], inputs.plans[p].version_on(day), inputs.adjusted_fen.get(p, 0))
        for p in inputs.plans
    }
    transfers = {p: settlement_transfers(pools[p]) for p in inputs.plans}
    return {
        "settled/pools": {p: [pools[p]] for p in inputs.plans},
        "settled/rates": {p: rate_rows(sharing[p], billed_by_tier_fen[p]) for p in inputs.plans},
        "ledger/journal": {
            p: journal_rows([(day, transfer) for transfer in transfers[p]], inputs.period, p, "settle")
            for p in inputs.plans
        },
        "ledger/fee": {
            p: [fee_row([*inputs.corrections.get(p, []), *transfers[p]], inputs.brought_forward_fen[p])]
            for p in inputs.plans
        },
    }


def _case_allowance_fen(covered_count: Mapping[str, int], rules: SharingRules) -> int | None:
    cap_fen = rules.per_case_cap_fen
    return None if cap_fen is None else case_allowance(cap_fen, covered_count, rules.weights_ppm)


def _check_rules_in_force(inputs: SettlementInputs, measured: Mapping[str, Mapping[str, int | None]]) -> None:
    for plan_id in inputs.plans:
        without_rule_count = measured[plan_id].get("without_rule_count") or 0
        if without_rule_count:
            first_on = inputs.plans[plan_id].benefit_rules()[0].from_on
            raise RuleNotInForce(
                f"plan {plan_id}, period {inputs.period}: {without_rule_count} claims are diagnosed before "
                f"{first_on}, when the first benefit rules start"
            )
