"""Fee expenditure of a period: costs of its month and field visits, judged, less what closed books already posted."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from expectations.costs import (
    COST_CALENDAR_RULES,
    COST_RULES,
    COST_SET_RULES,
    VISIT_CALENDAR_RULES,
    VISIT_RULES,
    VISIT_SET_RULES,
)
from expectations.reviews import ROW_RULES as REVIEW_RULES
from expectations.rule import NO_TERMS, AnyRowRule, Rule, Severity, Terms, bits_of, breaks_any, broken_bits, reasons
from expectations.suites import RuleResult, judge
from jobs.gate.terms import calendar_terms
from jobs.lake.lake import Lake, none_of
from jobs.lake.small import matching
from jobs.lake.sources import read_source
from jobs.ledger.fee_expenditure import expenditure_by_plan_fen, to_post_fen
from jobs.ledger.journal import moved_fen
from jobs.register.books import transfers_of
from jobs.register.publications import published_in
from jobs.register.stages import is_closed
from jobs.rulebook.calendar import Calendar, Period
from schemas.codes import COST_CATEGORIES

CLAIM_AND_PLAN = T.StructType([T.StructField("claim_id", T.LongType()), T.StructField("plan_id", T.StringType())])
COSTS, VISITS = "source/operating_costs", "source/field_visits"
REVIEWS, CLAIMS = "source/claim_reviews", "source/approved_claims"
# By source: the column of its id, the rules on a row, and the rule that no two rows share an id.
JUDGED_BY = {
    COSTS: ("cost_id", (*COST_RULES, *COST_CALENDAR_RULES), COST_SET_RULES[0]),
    VISITS: ("visit_id", (*VISIT_RULES, *VISIT_CALENDAR_RULES), VISIT_SET_RULES[0]),
}
OF_CALENDAR = (*COST_CALENDAR_RULES, *VISIT_CALENDAR_RULES)


@dataclass(frozen=True)
class CostRows:
    """Judged rows of a source of costs: the `sound` ones, the `held` ones with their `reasons`, and the results."""

    sound: DataFrame
    held: DataFrame
    results: list[RuleResult]

    @property
    def held_count(self) -> int:
        return sum(r.unexpected_count for r in self.results if not r.success and r.severity is Severity.ERROR)


@dataclass(frozen=True)
class Costs:
    """The sources of costs at pinned versions, for one period.

    `periods`: those whose costs this close accounts for: the period; earlier closed ones of its month, whose costs may
    have arrived since; later ones with a closed plan, whose books already include such costs.
    Source: assumption, a month's costs are known after it.
    """

    lake: Lake
    calendar: Calendar
    period: Period
    periods: tuple[Period, ...]
    versions: Mapping[str, int]

    def judged(self) -> dict[str, CostRows]:
        """By existing source: its rows of the periods, and those of no day or month of the calendar."""
        terms = calendar_terms(self.calendar)
        return {
            name: _judged(name, self._rows(name), F.expr(self.scopes[name]), *rules, terms)
            for name, rules in JUDGED_BY.items()
            if name in self.versions
        }

    @property
    def month(self) -> str:
        return f"{self.period.year:04d}-{self.period.month:02d}"

    @property
    def scopes(self) -> dict[str, str]:
        """SQL text, by source: the rows that `judged` judges."""
        first_on, end_on = self.calendar.days
        return {
            COSTS: f"({matching(month=self.month)} or {none_of('month', calendar_terms(self.calendar).months)})",
            VISITS: f"(visited_on is null or visited_on < date '{first_on}' or visited_on >= date '{end_on}' "
            f"or {self._visited})",
        }

    def uses_by_plan_fen(self, judged: Mapping[str, CostRows], weights: Mapping[str, int]) -> dict[str, dict[str, int]]:
        """The fee expenditure of each open plan, by category. `weights`: the accrued fee of the open plans, or their
        head counts where no fee accrued."""
        month_fen, visits_fen, own_visits_fen = {}, 0, {}
        if COSTS in judged:
            by_category = judged[COSTS].sound.groupBy("category").agg(F.sum("amount_fen").alias("fen"))
            month_fen = {row.category: row.fen for row in by_category.collect()}
        if VISITS in judged:
            is_own = F.expr(self._visited_in(self.period))
            with_plan = judged[VISITS].sound.join(F.broadcast(self._plans_of_claims(weights)), "claim_id", "left")
            by_plan = with_plan.groupBy("plan_id", is_own.alias("is_own")).agg(F.sum("fee_fen").alias("fen")).collect()
            visits_fen = sum(row.fen for row in by_plan)
            own_visits_fen = {row.plan_id: row.fen for row in by_plan if row.is_own and row.plan_id in weights}
        numbers_of_month = [period.number for period in self.calendar.of_month(self.period.year, self.period.month)]
        numbers = [period.number for period in self.periods]
        fen = to_post_fen(month_fen, visits_fen, numbers, numbers_of_month, self._used_fen())
        return expenditure_by_plan_fen(fen, own_visits_fen, weights)

    def _used_fen(self) -> dict[str, int]:
        """The fee expenditure that closed books of the periods posted, by category."""
        posted = [
            transfer
            for period in self.periods
            for of_plan in transfers_of(
                self.lake.small, published_in(self.lake.small, "close", str(period)).values()
            ).values()
            for transfer in of_plan
        ]
        return {category: moved_fen(posted, debit_account=f"use_{category}") for category in COST_CATEGORIES}

    @property
    def _visited(self) -> str:
        """SQL text: the visit was made in one of the periods."""
        return f"({' or '.join(self._visited_in(period) for period in self.periods)})"

    def _visited_in(self, period: Period) -> str:
        """SQL text: the visit was made from the period's publicity day until the one after."""
        following = self.calendar.next(period)
        before_on = self.calendar.publicity_on(following) if following else self.calendar.grace_ends_on(period)
        return f"(visited_on >= '{self.calendar.publicity_on(period)}' and visited_on < '{before_on}')"

    def _plans_of_claims(self, plan_ids: Iterable[str]) -> DataFrame:
        """One row per claim_id that was reviewed or approved in one of the plans: claim_id, plan_id."""
        rows = self.lake.empty(CLAIM_AND_PLAN)
        if REVIEWS in self.versions:
            reviews = self._rows(REVIEWS)
            rows = reviews.where(~breaks_any(_errors(REVIEW_RULES), NO_TERMS)).select("claim_id", "plan_id")
        if CLAIMS in self.versions:
            rows = rows.unionByName(self._rows(CLAIMS).select("claim_id", "plan_id"))
        of_plans = rows.where(F.col("claim_id").isNotNull() & F.col("plan_id").isin(*plan_ids))
        return of_plans.groupBy("claim_id").agg(F.min("plan_id").alias("plan_id"))

    def _rows(self, name: str) -> DataFrame:
        return read_source(self.lake, name, self.versions[name])


def costs_of(lake: Lake, calendar: Calendar, period: Period, versions: Mapping[str, int]) -> Costs:
    """The costs for the books of a period that is about to be closed."""
    of_month = calendar.of_month(period.year, period.month)
    earlier = [p for p in of_month if p < period and is_closed(lake.small, str(p))]
    later = [p for p in of_month if p > period and published_in(lake.small, "close", str(p))]
    return Costs(lake, calendar, period, (*earlier, period, *later), versions)


def judged_reviews(lake: Lake, versions: Mapping[str, int]) -> list[RuleResult]:
    """The results on the reviews, which link visits to the plans of claims."""
    if REVIEWS not in versions:
        return []
    counts, row_count = _counts(read_source(lake, REVIEWS, versions[REVIEWS]), REVIEW_RULES, NO_TERMS)
    return judge(REVIEWS, counts, element_count=row_count)


def sound_rows(name: str, rows: DataFrame) -> DataFrame:
    """The rows of a source of costs, or of the reviews, that break no rule of severity error."""
    if name == REVIEWS:
        return rows.where(~breaks_any(_errors(REVIEW_RULES), NO_TERMS))
    id_column, rules, _ = JUDGED_BY[name]
    rules = tuple(rule for rule in rules if rule not in OF_CALENDAR)  # the rows requested are of the calendar
    return _with_faults(rows, F.lit(True), id_column, rules, NO_TERMS).where("not is_held").select(*rows.columns)


def _judged(
    name: str,
    rows: DataFrame,
    in_scope: Column,
    id_column: str,
    rules: tuple[AnyRowRule, ...],
    duplicated: Rule,
    terms: Terms,
) -> CostRows:
    """Judges the rows in scope."""
    judged = _with_faults(rows, in_scope, id_column, rules, terms).localCheckpoint()
    twice = F.when(F.col("several"), F.array(F.lit(duplicated.id))).otherwise(F.array().cast("array<string>"))
    every_reason = F.concat(reasons(rules, F.col("broken")), twice).alias("reasons")
    counts, row_count = _counts(judged, rules, terms)
    counts[duplicated.id] = judged.where("several").count()
    return CostRows(
        sound=judged.where("not is_held").select(*rows.columns),
        held=judged.where("is_held").select(*rows.columns, every_reason),
        results=judge(name, counts, element_count=row_count),
    )


def _with_faults(
    rows: DataFrame, in_scope: Column, id_column: str, rules: tuple[AnyRowRule, ...], terms: Terms
) -> DataFrame:
    """The rows in scope with `broken` (bits of the rules), `several` (others share the id) and `is_held`.

    Every row of a shared id is held, even where the other rows are out of scope.
    """
    several = rows.where(F.col(id_column).isNotNull()).groupBy(id_column).count().where("count > 1")
    several = F.broadcast(several.select(id_column, F.lit(True).alias("several")))
    is_wrong = F.col("broken").bitwiseAND(F.lit(bits_of(rules, Severity.ERROR))) != 0
    return (
        rows.where(in_scope)
        .join(several, id_column, "left")
        .withColumns({"several": F.coalesce("several", F.lit(False)), "broken": broken_bits(rules, terms)})
        .withColumn("is_held", F.col("several") | is_wrong)
    )


def _counts(rows: DataFrame, rules: Collection[AnyRowRule], terms: Terms) -> tuple[dict[str, int], int]:
    """Rows against each rule, and all rows."""
    broken = [F.count_if(rule.broken(terms)).alias(rule.id) for rule in rules]
    *counts, row_count = rows.agg(*broken, F.count(F.lit(1))).first()
    return dict(zip((rule.id for rule in rules), counts, strict=True)), row_count


def _errors(rules: Collection[AnyRowRule]) -> tuple[AnyRowRule, ...]:
    return tuple(rule for rule in rules if rule.severity is Severity.ERROR)
