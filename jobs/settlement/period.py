"""The settlement of one period, whole: from good members and claims to every settled and ledger table.

    claims -> benefits -> what is asked -> shares -> assessments -> bills
                                               `-> pools, rates, journal, fee

`Sink` stands for where the rows go: a preview measures them, a settlement writes them. There is one code path for both.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from jobs.ledger.fee import fee_row
from jobs.ledger.journal import journal_rows, settlement_transfers
from jobs.money import apportion
from jobs.rulebook.rules import Plan, RuleNotInForce, SharingRules
from jobs.settlement.assessments import assessments
from jobs.settlement.benefits import LIMITED, WITHOUT_RULE, benefits, with_case_sponsorship
from jobs.settlement.bills import bills
from jobs.settlement.one_fen_more import OneFenMore, choose_one_fen_more
from jobs.settlement.pool import Asked, Sharing, asked, pool_row, rate_rows
from jobs.settlement.yearly_cap import PeriodOfYear, fingerprint_measures, period_of_year


@dataclass(frozen=True)
class Measured:
    """What one plan's rows of a table come to: their digest, and the values of further aggregates by name."""

    digest: dict
    values: Mapping[str, int | None]


class Sink(Protocol):
    """Where the rows of a table go. Maps are by plan; `put_rows` takes and gives them by table and plan."""

    def put(self, table: str, frame: DataFrame, further: Sequence[Column] = ()) -> dict[str, Measured]: ...
    def put_rows(self, tables: Mapping[str, Mapping[str, list[dict]]]) -> dict[str, dict[str, Measured]]: ...
    def stored(self, table: str, frame: DataFrame) -> DataFrame: ...


@dataclass(frozen=True)
class Given:
    """What a period is settled from. Maps are by plan.

    `covered`: one row per covered member, with `member_since` where a plan waives by it. `claims`: one row per good
    claim. `counted_before`, `helped_before`: as `benefits` asks for; `family_payers` as `bills` does.
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

    def rules(self) -> dict[str, SharingRules]:
        return {plan_id: plan.sharing_on(self.publicity_on) for plan_id, plan in self.plans.items()}


@dataclass(frozen=True)
class Settled:
    """A settled period: digests by plan and table, the few rows that people read, and what the rest of the year needs.

    Maps are by plan.
    """

    digests: Mapping[str, Mapping[str, dict]]
    pools: Mapping[str, dict]
    rates: Mapping[str, list[dict]]
    of_year: Mapping[str, PeriodOfYear]
    limited_claims: tuple[int, int]

    @property
    def share_fen(self) -> dict[tuple[str, str], int]:
        """The share of one member, by plan and tier."""
        return {(p, rate["tier"]): rate["share_fen"] for p, rates in self.rates.items() for rate in rates}


WithRoom = Callable[[DataFrame, Mapping[str, Sharing], Mapping[str, SharingRules]], DataFrame]


def benefits_before_cap(given: Given) -> DataFrame:
    """One row per claim of the period, counted or not, before the per-case cap is applied."""
    version = F.lit(None).cast("string")
    for plan_id, plan in given.plans.items():
        version = F.when(F.col("plan_id") == plan_id, plan.version_on(given.publicity_on)).otherwise(version)
    return benefits(given.claims, given.counted_before, given.helped_before, given.plans, version)


def settle_period(given: Given, before_cap: DataFrame, sink: Sink, with_room: WithRoom) -> Settled:
    """Settles every plan of the period.

    `before_cap`: from `benefits_before_cap`; `with_room` applies the yearly caps.
    """
    rules = given.rules()
    put: dict[str, dict[str, Measured]] = {}

    case_sponsored = with_case_sponsorship(
        before_cap,
        {plan_id: sum(given.covered_count[plan_id].values()) for plan_id in given.plans},
        {plan_id: rules[plan_id].per_case_cap_fen for plan_id in given.plans},
        {plan_id: rules[plan_id].fee_rate_ppm for plan_id in given.plans},
    )
    put["settled/benefits"] = sink.put("settled/benefits", case_sponsored)

    asks = _asked_by_plan(given, case_sponsored, rules)
    sharing = {
        plan_id: _shared_out(asks[plan_id], given.covered_count[plan_id], rules[plan_id]) for plan_id in given.plans
    }
    more = _one_fen_more(given, sharing)

    assessed = assessments(with_room(given.covered, sharing, rules), sharing, rules, more)
    put["settled/assessments"] = sink.put("settled/assessments", assessed, fingerprint_measures())
    stored = sink.stored("settled/assessments", assessed)
    put["settled/bills"] = sink.put("settled/bills", bills(stored, given.plans, given.family_payers))

    assessed_sums = {p: put["settled/assessments"][p].digest["sums"] for p in given.plans}
    billed_fen = _billed_by_tier_fen(given, sharing, more)
    pools = {
        p: pool_row(sharing[p], assessed_sums[p]["sponsored_fen"], given.plans[p].version_on(given.publicity_on))
        for p in given.plans
    }
    rates = {p: rate_rows(sharing[p], billed_fen[p]) for p in given.plans}
    transfers = {p: settlement_transfers(pools[p]) for p in given.plans}
    posted = {p: [(given.publicity_on, transfer) for transfer in transfers[p]] for p in given.plans}
    journal = {p: journal_rows(posted[p], given.period, p, "settle") for p in given.plans}
    fees = {p: [fee_row(transfers[p], asks[p].brought_forward_fen)] for p in given.plans}

    small = {
        "settled/pools": {p: [pools[p]] for p in given.plans},
        "settled/rates": rates,
        "ledger/journal": journal,
        "ledger/fee": fees,
    }
    put |= sink.put_rows(small)
    digests = {p: {table: measured[p].digest for table, measured in put.items()} for p in given.plans}
    of_year = {
        p: period_of_year(sharing[p], rules[p], given.publicity_on, more.get(p), put["settled/assessments"][p].values)
        for p in given.plans
    }
    return Settled(digests, pools, rates, of_year, _limited_claims(before_cap))


def _asked_by_plan(given: Given, case_sponsored: DataFrame, rules: Mapping[str, SharingRules]) -> dict[str, Asked]:
    sums = case_sponsored.groupBy("plan_id").agg(
        F.count_if("counted").alias("case_count"),
        F.sum("benefit_fen").alias("benefit_fen"),
        F.sum("sponsored_fen").alias("sponsored_fen"),
        F.count_if(F.col("marker") == WITHOUT_RULE).alias("without_rule_count"),
    )
    found = {row.plan_id: row for row in sums.collect()}
    _check_rules_in_force(given, found)
    return {
        plan_id: asked(
            case_count=found[plan_id].case_count if plan_id in found else 0,
            benefit_fen=found[plan_id].benefit_fen if plan_id in found else 0,
            case_sponsored_fen=found[plan_id].sponsored_fen if plan_id in found else 0,
            fee_ppm=rules[plan_id].fee_rate_ppm,
            brought_forward_fen=given.brought_forward_fen[plan_id],
        )
        for plan_id in given.plans
    }


def _check_rules_in_force(given: Given, found: Mapping[str, Row]) -> None:
    for plan_id, row in found.items():
        if row.without_rule_count:
            first = given.plans[plan_id].benefit_rules()[0].from_on
            raise RuleNotInForce(
                f"plan {plan_id}, period {given.period}: {row.without_rule_count} claims are diagnosed before "
                f"{first}, when the first benefit rules start"
            )


def _shared_out(ask: Asked, covered_count: Mapping[str, int], rules: SharingRules) -> Sharing:
    weights = {tier: rules.weights_ppm[tier] for tier in covered_count}
    shares = apportion(ask.pool_fen, covered_count, weights, rules.rounding)
    return Sharing(ask, covered_count, weights, rules.rounding, shares)


def _one_fen_more(given: Given, sharing: Mapping[str, Sharing]) -> dict[str, OneFenMore]:
    return {
        plan_id: choose_one_fen_more(
            given.covered.where(F.col("plan_id") == plan_id),
            f"{plan_id}/{given.period}",
            shared.shares.one_fen_more_count,
        )
        for plan_id, shared in sharing.items()
        if shared.shares.one_fen_more_count
    }


def _billed_by_tier_fen(given: Given, sharing: Mapping[str, Sharing], more: Mapping[str, OneFenMore]) -> dict:
    billed = {plan_id: dict(shared.shares.billed_by_tier_fen) for plan_id, shared in sharing.items()}
    for plan_id, choice in more.items():
        chosen = given.covered.where((F.col("plan_id") == plan_id) & choice.chosen())
        for row in chosen.groupBy("tier").count().collect():
            billed[plan_id][row.tier] += row["count"]
    return billed


def _limited_claims(before_cap: DataFrame) -> tuple[int, int]:
    """How many claims ask for more than the limit, and how much more."""
    excess = F.col("approved_aid_fen") - F.col("benefit_fen")
    row = (
        before_cap.where(F.col("marker") == LIMITED)
        .agg(F.count(F.lit(1)).alias("n"), F.sum(excess).alias("fen"))
        .first()
    )
    return row.n, row.fen or 0
