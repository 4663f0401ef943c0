"""Judges the members by two narrow scans and one pass over all rows, without shuffling every row.

Duplicate keys and overlaps concern only members with more than one row. Bitmaps detect those: 64 ids share one BIGINT,
one for spells that last and one for spells that ended. A member with a bit in both, or a word whose rows outnumber its
bits, has more than one row. The pass keeps the rows that break a rule, belong to a member with several rows, or belong
to a claimant. Only the kept rows are compared with each other; the rest are counted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from expectations.members import ROW_RULES, SET_RULES
from expectations.rule import Severity, Terms, bits_of, breaks_any, broken_bits, reasons
from jobs.settlement.coverage import COVERED, NOT_COVERED_REASONS
from jobs.spark.broadcasting import broadcast_if_few
from jobs.spark.id_filter import bit_of, filter_of_words, with_passed, word_of

ROW_ERRORS = bits_of(ROW_RULES, Severity.ERROR)
ERROR_RULES = tuple(rule for rule in ROW_RULES if rule.severity is Severity.ERROR)
KEY = ("plan_id", "member_id", "joined_on")
SET_BITS = {rule.id: 1 << position for position, rule in enumerate(SET_RULES)}
COVERS = (COVERED, *NOT_COVERED_REASONS)


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
    """The members with what is wrong with them.

    `rows`: every row with `cover` and `erroneous`, whether it breaks a rule of severity error on its own. `kept`: the
    rows that break a rule, are one of several of their member, or are a claimant's, with `broken` (bits of ROW_RULES)
    and `set_broken` (bits of SET_RULES). `groups` count all rows. `family_payers`: a filter that every payer for
    somebody else passes.
    """

    rows: DataFrame
    kept: DataFrame
    groups: tuple[Group, ...]
    family_payers: DataFrame

    @property
    def good(self) -> DataFrame:
        """One row per spell that is not held back."""
        rows = self.rows
        if any(group.broken & ROW_ERRORS for group in self.groups):
            rows = rows.where("not erroneous")
        held_together = sum(group.count for group in self.groups if group.set_broken)
        if not held_together:
            return rows
        keys = self.kept.where("set_broken != 0").select(*KEY).distinct()
        return rows.join(broadcast_if_few(keys, held_together), on=list(KEY), how="left_anti")

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
    members: DataFrame, claimants: DataFrame, terms: Terms, plan_ids: Iterable[str] | None
) -> MembershipGate:
    """Judges every spell of the plans (None: of every plan, and rows of no known plan).

    `members`: source/members with `cover`, of all plans: a member of any may pay. `claimants`: the member_id of every
    claim of the period.
    """
    in_scope = members if plan_ids is None else members.where(F.col("plan_id").isin(*plan_ids))
    words = _words_of_ids(members, terms).localCheckpoint()
    payers = _words_of_payers(in_scope).localCheckpoint()
    unknown_payers = _unknown_payers(payers, words).localCheckpoint()
    several = words.where("several_bits != 0").select("word", F.col("several_bits").alias("bits"))
    claimant_ids = claimants.where(F.col("member_id").isNotNull()).select(
        word_of("member_id").alias("word"), bit_of("member_id").alias("bits")
    )
    # A column, not a filter: Spark would push a filter through the join and compile its conditions again for minutes.
    suspects = in_scope.withColumn("suspect", breaks_any(ROW_RULES, terms))
    candidates = with_passed(suspects, "member_id", filter_of_words(several.unionByName(claimant_ids)), "compared")
    candidates = _with_payer_unknown(candidates, unknown_payers)
    kept = candidates.where("compared or payer_unknown or suspect").drop("compared", "suspect").localCheckpoint()
    kept = _with_set_broken(kept.withColumn("broken", broken_bits(ROW_RULES, terms)))
    groups_of_kept, numbered = _groups_of(kept, terms)
    rest = _groups_of_the_rest(words, numbered, terms, plan_ids)
    rows = in_scope.withColumn("erroneous", breaks_any(ERROR_RULES, terms))
    family_payers = filter_of_words(payers.select("word", F.col("payers").alias("bits")))
    return MembershipGate(rows, kept, (*rest, *groups_of_kept), family_payers)


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


def _words_of_ids(members: DataFrame, terms: Terms) -> DataFrame:
    """One row per plan and 64 member ids: `bits` of the ids with a row, `several_bits` of the ids with several.

    Also `last_joined_on`, and the counts of rows by tier and cover, named <tier>|<cover>. `plan` is the plan's number
    in `_plans`, or 0: comparing plan names for every row takes longer than reading them.
    """
    lasting = F.col("exited_on").isNull()
    words = members.where(F.col("member_id").isNotNull() & F.col("plan_id").isNotNull()).select(
        F.array_position(F.array(*map(F.lit, _plans(terms))), F.col("plan_id")).cast("int").alias("plan"),
        word_of("member_id").alias("word"),
        "joined_on",
        _kind(terms).alias("kind"),
        F.when(lasting, bit_of("member_id")).otherwise(F.lit(0)).alias("lasting_bit"),
        F.when(lasting, F.lit(0)).otherwise(bit_of("member_id")).alias("ended_bit"),
    )
    counts = [
        F.count(F.when(F.col("kind") == number, 1)).alias(f"{tier}|{cover}")
        for number, (tier, cover) in enumerate(_kinds(terms))
    ]
    bits = words.groupBy("plan", "word").agg(
        F.bit_or("lasting_bit").alias("lasting"),
        F.bit_or("ended_bit").alias("ended"),
        F.count(F.when(F.col("lasting_bit") != 0, 1)).alias("lasting_count"),
        F.count(F.when(F.col("ended_bit") != 0, 1)).alias("ended_count"),
        F.max("joined_on").alias("last_joined_on"),
        *counts,
    )
    crowded = [
        F.when(F.col(f"{kind}_count") != F.bit_count(kind), F.col(kind)).otherwise(F.lit(0))
        for kind in ("lasting", "ended")
    ]
    in_both = F.col("lasting").bitwiseAND(F.col("ended"))
    return bits.select(
        "plan",
        "word",
        "last_joined_on",
        *(F.col(f"`{tier}|{cover}`") for tier, cover in _kinds(terms)),
        F.col("lasting").bitwiseOR(F.col("ended")).alias("bits"),
        in_both.bitwiseOR(crowded[0]).bitwiseOR(crowded[1]).alias("several_bits"),
    )


def _plans(terms: Terms) -> list[str]:
    """The plans of the platform; the first has number 1."""
    return sorted(terms.tiers)


def _kinds(terms: Terms) -> list[tuple[str, str]]:
    """Every tier of the platform with every cover."""
    tiers = sorted({tier for plan_tiers in terms.tiers.values() for tier in plan_tiers})
    return [(tier, cover) for tier in tiers for cover in COVERS]


def _kind(terms: Terms) -> Column:
    """The number of the row's tier and cover among `_kinds`; null for a tier that the platform does not know."""
    tiers = list(dict.fromkeys(tier for tier, _ in _kinds(terms)))
    return _number("tier", tiers) * len(COVERS) + _number("cover", COVERS)


def _number(column: str, names: Iterable[str]) -> Column:
    number = F.lit(None).cast("int")
    for position, name in enumerate(names):
        number = F.when(F.col(column) == name, position).otherwise(number)
    return number


def _words_of_payers(members: DataFrame) -> DataFrame:
    """One row per 64 ids: `payers`, the bits of the ids that pay for somebody else."""
    for_others = members.where(F.col("payer_id") != F.col("member_id"))
    return (
        for_others.select(word_of("payer_id").alias("word"), bit_of("payer_id").alias("bit"))
        .groupBy("word")
        .agg(F.bit_or("bit").alias("payers"))
    )


def _unknown_payers(payers: DataFrame, words: DataFrame) -> DataFrame:
    """One row per payer who pays for somebody else and is not a member of any plan: `payer_id`."""
    known = words.groupBy("word").agg(F.bit_or("bits").alias("known"))
    unknown = F.col("payers").bitwiseAND(F.bitwise_not(F.coalesce("known", F.lit(0).cast("bigint"))))
    return (
        payers.join(known, on="word", how="left")
        .withColumn("unknown", unknown)
        .where("unknown != 0")
        .select("word", F.explode(F.sequence(F.lit(0), F.lit(63))).alias("place"), "unknown")
        .where("shiftrightunsigned(unknown, place) & 1 = 1")
        .select((F.col("word") * 64 + F.col("place")).alias("payer_id"))
    )


def _with_payer_unknown(rows: DataFrame, unknown_payers: DataFrame) -> DataFrame:
    unknown_count = unknown_payers.count()
    if not unknown_count:
        return rows.withColumn("payer_unknown", F.lit(False))
    without_membership = broadcast_if_few(unknown_payers.withColumn("no_member", F.lit(True)), unknown_count)
    return (
        rows.join(without_membership, on="payer_id", how="left")
        .withColumn(
            "payer_unknown",
            F.col("no_member").isNotNull() & F.coalesce(F.col("payer_id") != F.col("member_id"), F.lit(True)),
        )
        .drop("no_member")
    )


def _groups_of(kept: DataFrame, terms: Terms) -> tuple[list[Group], dict[tuple, int]]:
    """The kept rows counted, and how many of them have a member_id by plan, tier and cover.

    Rows of unknown plans or tiers are counted together, so that the number of groups stays small.
    """
    plan_id = F.when(F.col("plan_id").isin(*terms.tiers), F.col("plan_id")).alias("plan_id")
    tiers = sorted({tier for tier, _ in _kinds(terms)})
    tier = F.when(F.col("tier").isin(*tiers), F.col("tier")).alias("tier")
    has_id = F.col("member_id").isNotNull().alias("has_id")
    counted = kept.groupBy(plan_id, tier, "cover", "broken", "set_broken", has_id).agg(
        F.count(F.lit(1)).alias("count"), F.max("joined_on").alias("last_joined_on")
    )
    groups, numbered = [], {}
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
    sums = [F.sum(f"`{tier}|{cover}`").alias(f"{tier}|{cover}") for tier, cover in _kinds(terms)]
    by_plan = words.groupBy("plan").agg(F.max("last_joined_on").alias("last_joined_on"), *sums).collect()
    groups = []
    for row in by_plan:
        plan_id = _plans(terms)[row.plan - 1] if row.plan else None
        if plan_id is None or (plan_ids is not None and plan_id not in plan_ids):
            continue
        for tier, cover in _kinds(terms):
            count = row[f"{tier}|{cover}"] - kept.get((plan_id, tier, cover), 0)
            if count:
                groups.append(Group(plan_id, tier, cover, 0, 0, count, row.last_joined_on))
    return groups


def _with_set_broken(kept: DataFrame) -> DataFrame:
    """The kept rows with `set_broken`, the bits of the rules that a row breaks together with other rows."""
    no_bits = F.lit(0).cast("bigint")
    payer_bit = F.when(F.col("payer_unknown"), F.lit(SET_BITS["member_payer_unknown"])).otherwise(F.lit(0))
    by_key = _bits_by_key(kept).localCheckpoint()
    bits = payer_bit.cast("bigint").bitwiseOR(F.coalesce("key_bits", no_bits))
    with_bits = kept.join(broadcast_if_few(by_key, by_key.count()), on=list(KEY), how="left").withColumn(
        "set_broken", bits
    )
    return with_bits.drop("payer_unknown", "key_bits").localCheckpoint()


def _bits_by_key(kept: DataFrame) -> DataFrame:
    """One row per key that several rows share or whose spell overlaps another of the member: KEY, `key_bits`."""
    spells = kept.select(*KEY, "exited_on").dropna(subset=list(KEY))
    end = F.coalesce("exited_on", F.lit("9999-12-31").cast("date"))
    comparable = F.coalesce(F.col("exited_on") >= F.col("joined_on"), F.lit(True))
    in_order = Window.partitionBy("plan_id", "member_id", "comparable").orderBy(
        "joined_on", F.col("exited_on").asc_nulls_last()
    )
    compared = (
        spells.withColumn("comparable", comparable)
        .withColumn("duplicated", F.count(F.lit(1)).over(Window.partitionBy(*KEY)) > 1)
        .withColumn("latest_end", F.max(end).over(in_order.rowsBetween(Window.unboundedPreceding, -1)))
        .withColumn("next_start", F.lead("joined_on").over(in_order))
    )
    meets_another = F.coalesce(F.col("latest_end") > F.col("joined_on"), F.lit(False)) | F.coalesce(
        F.col("next_start") < end, F.lit(False)
    )
    overlaps = F.col("comparable") & ~F.col("duplicated") & meets_another
    bits = F.when(F.col("duplicated"), F.lit(SET_BITS["member_duplicated"])).when(
        overlaps, F.lit(SET_BITS["member_spells_overlap"])
    )
    return (
        compared.withColumn("key_bits", bits.cast("bigint"))
        .where("key_bits is not null")
        .select(*KEY, "key_bits")
        .distinct()
    )
