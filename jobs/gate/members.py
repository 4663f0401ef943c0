"""Judges the members by two narrow scans and one pass over all rows, without shuffling every row.

Duplicate keys and overlaps concern only members with more than one row, which bitmaps detect (jobs.gate.member_words).
The pass keeps the rows that break a rule, belong to a member with several rows, or belong to a claimant. Only the kept
rows are compared with each other; the rest are counted.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from expectations.dates import possible
from expectations.members import ROW_RULES, SET_RULES
from expectations.rule import Severity, Terms, bits_of, breaks_any, broken_bits, reasons
from jobs.gate.held_id import is_one_of
from jobs.gate.member_spells import KEY, with_set_broken
from jobs.gate.member_words import kinds, numbered_plans, words_of_ids, words_of_payers
from jobs.lake.many_computed import many_computed_once
from jobs.settlement.coverage import COVERED
from jobs.spark.broadcasting import broadcast_if_few
from jobs.spark.id_filter import bit_of, filter_of_words, with_passed, word_of
from schemas.sources import MEMBERS

ROW_ERRORS = bits_of(ROW_RULES, Severity.ERROR)
ERROR_RULES = tuple(rule for rule in ROW_RULES if rule.severity is Severity.ERROR)


@dataclass(frozen=True)
class Group:
    """The number of rows with these values. `plan_id`, `tier`: None where the platform does not know them."""

    plan_id: str | None
    tier: str | None
    cover: str
    broken: int
    set_broken: int
    count: int
    last_joined_on: date | None

    @property
    def is_held(self) -> bool:
        return bool(self.broken & ROW_ERRORS or self.set_broken)


@dataclass(frozen=True)
class MembershipGate:
    """The members with the rules they break.

    `rows`: every row with `cover` and `erroneous`, whether it breaks a rule of severity error on its own. `kept`: the
    rows that break a rule, are one of several of their member, or are a claimant's, with `broken` (bits of ROW_RULES)
    and `set_broken` (bits of SET_RULES). `groups` count all rows. `family_payers`: a filter that every payer for
    another member passes. `released`: the kept rows that a decision lets pass; None if there are none.
    """

    rows: DataFrame
    kept: DataFrame
    groups: tuple[Group, ...]
    family_payers: DataFrame
    released: DataFrame | None = None

    @property
    def good(self) -> DataFrame:
        """One row per spell that is not held back."""
        rows = self.rows
        if any(group.broken & ROW_ERRORS for group in self.groups):
            rows = rows.where("not erroneous")
        held_together = sum(group.count for group in self.groups if group.set_broken)
        if not held_together and self.released is None:
            return rows
        keys = self.kept.where("set_broken != 0").select(*KEY)
        if self.released is None:
            return rows.join(broadcast_if_few(keys.distinct(), held_together), on=list(KEY), how="left_anti")
        # A released row may share its key with rows that are held: it is added once its key is left out.
        keys = keys.unionByName(self.released.select(*KEY)).distinct()
        others = rows.join(broadcast_if_few(keys, held_together), on=list(KEY), how="left_anti")
        released = self.released.withColumn("erroneous", F.lit(False))
        return others.unionByName(released.select(*others.columns))

    @property
    def kept_good(self) -> DataFrame:
        """The kept rows that are not held: every good spell of a claimant and of a member with several rows."""
        return self.kept.where(~_is_held())

    @property
    def held(self) -> DataFrame:
        """One row per spell held back, with all its `reasons`."""
        every_reason = F.concat(reasons(ROW_RULES, F.col("broken")), reasons(SET_RULES, F.col("set_broken")))
        return self.kept.where(_is_held()).withColumn("reasons", every_reason)


def judge_memberships(
    members: DataFrame,
    cover: Callable[[DataFrame], DataFrame],
    claimants: DataFrame,
    terms: Terms,
    plan_ids: Iterable[str] | None,
    released: Collection[Mapping] = (),
    plan_by_plan: bool = False,
) -> MembershipGate:
    """Judges every spell of the plans (None: of every plan, and rows of no known plan).

    `members`: source/members. `cover`: adds `cover` to spells. `claimants`: the member_id of every claim of the period.
    A payer need not be a member. `released`: rows of source/members that pass the rules of severity error; of equal
    rows one passes. `plan_by_plan`: with one query for each plan, which pays where rows are many and queries are not
    compiled.
    """
    chosen = members if plan_ids is None else members.where(F.col("plan_id").isin(*plan_ids))
    by_plan = _one_plan_after_another(chosen, sorted(terms.tiers)) if plan_by_plan else [chosen]
    in_scope = reduce(DataFrame.unionByName, by_plan)
    covered = reduce(DataFrame.unionByName, map(cover, by_plan))
    words = many_computed_once(words_of_ids(covered, terms))
    payers = many_computed_once(words_of_payers(in_scope))
    several = words.where("several_bits != 0").select("word", F.col("several_bits").alias("bits"))
    claimant_ids = claimants.where(F.col("member_id").isNotNull()).select(
        word_of("member_id").alias("word"), bit_of("member_id").alias("bits")
    )
    # A column, not a filter: Spark would push a filter through the join and compile its conditions again for minutes.
    suspects = in_scope.withColumn("suspect", breaks_any(ROW_RULES, terms))
    candidates = with_passed(suspects, "member_id", filter_of_words(several.unionByName(claimant_ids)), "compared")
    kept = cover(candidates.where("compared or suspect").drop("compared", "suspect"))
    kept = with_set_broken(many_computed_once(kept.withColumn("broken", broken_bits(ROW_RULES, terms))))
    passing = None
    if released:
        kept, passing = _with_released_passing(kept, released)
    groups_of_kept, numbered = _groups_of(kept, terms)
    rest = _groups_of_the_rest(words, numbered, terms, plan_ids)
    rows = covered.withColumn("erroneous", breaks_any(ERROR_RULES, terms))
    family_payers = filter_of_words(payers.select("word", F.col("payers").alias("bits")))
    return MembershipGate(rows, kept, (*rest, *groups_of_kept), family_payers, passing)


def _one_plan_after_another(members: DataFrame, plan_ids: Iterable[str]) -> list[DataFrame]:
    """The same rows, each plan's by themselves, and last those of no known plan.

    Where `plan_id` is a constant, Spark works out once what depends on the plan, and compares no text in any row.
    """
    of_plans = [members.where(F.col("plan_id") == p).withColumn("plan_id", F.lit(p)) for p in plan_ids]
    others = members.where(F.col("plan_id").isNull() | ~F.col("plan_id").isin(*plan_ids))
    return [*of_plans, others]


def _with_released_passing(kept: DataFrame, released: Collection[Mapping]) -> tuple[DataFrame, DataFrame]:
    """The kept rows, of which the released ones break no rule of severity error; and the released ones alone."""
    flagged = kept.withColumn("is_released", is_one_of(MEMBERS, "member_id", released)).localCheckpoint()
    equal_rows = Window.partitionBy(*KEY).orderBy("joined_on")
    numbered = flagged.where("is_released").withColumn("copy", F.row_number().over(equal_rows))
    numbered = numbered.drop("is_released").localCheckpoint()
    without_errors = F.col("broken").bitwiseAND(F.lit(~ROW_ERRORS))
    passing = numbered.where("copy = 1").select(*kept.columns)
    passing = passing.withColumns({"broken": without_errors, "set_broken": F.lit(0).cast("bigint")})
    others = flagged.where("not is_released").select(*kept.columns)
    copies = numbered.where("copy > 1").select(*kept.columns)
    return others.unionByName(copies).unionByName(passing).localCheckpoint(), passing.localCheckpoint()


def covered_count(gate: MembershipGate) -> dict[str, dict[str, int]]:
    """Members covered and not held back, by plan and tier."""
    counts: dict[str, dict[str, int]] = {}
    for group in gate.groups:
        if group.cover == COVERED and not group.is_held:
            tiers = counts.setdefault(group.plan_id, {})
            tiers[group.tier] = tiers.get(group.tier, 0) + group.count
    return counts


def _is_held() -> Column:
    return (F.col("broken").bitwiseAND(F.lit(ROW_ERRORS)) != 0) | (F.col("set_broken") != 0)


def _groups_of(kept: DataFrame, terms: Terms) -> tuple[list[Group], dict[tuple, int]]:
    """The kept rows counted, and how many of them have a member_id by plan, tier and cover.

    Rows of unknown plans or tiers are counted together, so that the number of groups stays small.
    """
    plan_id = F.when(F.col("plan_id").isin(*terms.tiers), F.col("plan_id")).alias("plan_id")
    tiers = sorted({tier for tier, _ in kinds(terms)})
    tier = F.when(F.col("tier").isin(*tiers), F.col("tier")).alias("tier")
    has_id = F.col("member_id").isNotNull().alias("has_id")
    counted = kept.groupBy(plan_id, tier, "cover", "broken", "set_broken", has_id).agg(
        F.count(F.lit(1)).alias("count"), F.max(possible("joined_on")).alias("last_joined_on")
    )
    groups: list[Group] = []
    numbered: dict[tuple, int] = {}
    for row in counted.collect():
        values = row.asDict()
        if values.pop("has_id"):
            kind = (row.plan_id, row.tier, row.cover)
            numbered[kind] = numbered.get(kind, 0) + row["count"]
        groups.append(Group(**values))
    return groups, numbered


def _groups_of_the_rest(
    words: DataFrame, kept: Mapping[tuple, int], terms: Terms, plan_ids: Iterable[str] | None
) -> list[Group]:
    """The rows that break no rule: all rows with an id, less the kept ones."""
    sums = [F.sum(f"`{tier}|{cover}`").alias(f"{tier}|{cover}") for tier, cover in kinds(terms)]
    by_plan = words.groupBy("plan").agg(F.max("last_joined_on").alias("last_joined_on"), *sums).collect()
    groups = []
    for row in by_plan:
        plan_id = numbered_plans(terms)[row.plan - 1] if row.plan else None
        if plan_id is None or (plan_ids is not None and plan_id not in plan_ids):
            continue
        for tier, cover in kinds(terms):
            count = row[f"{tier}|{cover}"] - kept.get((plan_id, tier, cover), 0)
            if count:
                groups.append(Group(plan_id, tier, cover, 0, 0, count, row.last_joined_on))
    return groups
