"""The members' part of the gate: one pass over the rows, and exact set rules without shuffling every row.

Keys and overlaps concern only members with more than one row. They are found by bitmaps: 64 ids share one BIGINT, once
for the spells that last and once for those that ended. A member with a bit in both, or a word whose rows outnumber its
bits, has more than one row; only such members' rows are then compared one with another.
"""

from dataclasses import dataclass

from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F

from expectations.members import ROW_RULES, SET_RULES
from expectations.rule import Severity, Terms, bits_of, broken_bits, reasons
from jobs.settlement.coverage import COVERED

ERROR_BITS = bits_of(ROW_RULES, Severity.ERROR)
KEY = ("plan_id", "member_id", "joined_on")
SET_BITS = {rule.id: 1 << position for position, rule in enumerate(SET_RULES)}


@dataclass(frozen=True)
class MembershipGate:
    """The members as judged.

    `judged`: every row with `cover`, `broken` (bits of ROW_RULES). `held_by_set`: rows that break a set rule, with
    `set_broken` (bits of SET_RULES). `groups`: counts of all rows by plan, tier, cover and broken; `held_groups`: the
    same of held_by_set, by set_broken too.
    """

    judged: DataFrame
    held_by_set: DataFrame
    groups: list[Row]
    held_groups: list[Row]

    @property
    def good(self) -> DataFrame:
        """One row per spell that is not held back."""
        rows = self.judged.where(F.col("broken").bitwiseAND(F.lit(ERROR_BITS)) == 0)
        if not self.held_groups:
            return rows
        return rows.join(self.held_by_set.select(*KEY).distinct(), on=list(KEY), how="left_anti")

    @property
    def held(self) -> DataFrame:
        """One row per spell held back, with all its `reasons`."""
        bad_rows = self.judged.where(F.col("broken").bitwiseAND(F.lit(ERROR_BITS)) != 0)
        alone = bad_rows.join(self.held_by_set.select(*KEY).distinct(), on=list(KEY), how="left_anti")
        together = alone.withColumn("set_broken", F.lit(0).cast("bigint")).unionByName(self.held_by_set)
        every_reason = F.concat(reasons(ROW_RULES, F.col("broken")), reasons(SET_RULES, F.col("set_broken")))
        return together.withColumn("reasons", every_reason)


def judge_memberships(members: DataFrame, all_members: DataFrame, terms: Terms) -> MembershipGate:
    """Judges every spell (columns of source/members and `cover`). `all_members` says who may pay: members of any plan."""
    judged = members.withColumn("broken", broken_bits(ROW_RULES, terms))
    groups = _counts(judged, "broken").collect()
    words = _words_of_ids(members).persist()
    several = _rows_of_members_with_several(judged, words)
    unknown_payers = _unknown_payers(members, all_members)
    held = _held_by_set(several, judged, unknown_payers).localCheckpoint()
    held_groups = _counts(held, "broken", "set_broken").collect()
    words.unpersist()
    return MembershipGate(judged, held, groups, held_groups)


def _counts(rows: DataFrame, *bits: str) -> DataFrame:
    return rows.groupBy("plan_id", "tier", "cover", *bits).agg(
        F.count(F.lit(1)).alias("count"), F.max("joined_on").alias("last_joined_on")
    )


def _word(id_column: str):
    return F.shiftright(id_column, 6)


def _bit(id_column: str):
    return F.expr(f"shiftleft(1L, cast({id_column} & 63 as int))")


def _words_of_ids(members: DataFrame) -> DataFrame:
    """One row per plan and 64 member ids, where at least one of them has several rows: `several_bits`."""
    lasting, ended = F.col("exited_on").isNull(), F.col("exited_on").isNotNull()
    words = members.where(F.col("member_id").isNotNull() & F.col("plan_id").isNotNull()).groupBy(
        "plan_id", _word("member_id").alias("word")
    )
    bits = words.agg(
        F.bit_or(F.when(lasting, _bit("member_id")).otherwise(F.lit(0))).alias("lasting"),
        F.bit_or(F.when(ended, _bit("member_id")).otherwise(F.lit(0))).alias("ended"),
        F.count(F.when(lasting, 1)).alias("lasting_count"),
        F.count(F.when(ended, 1)).alias("ended_count"),
    )
    in_both = F.col("lasting").bitwiseAND(F.col("ended"))
    crowded = [
        F.when(F.col(f"{kind}_count") != F.bit_count(kind), F.col(kind)).otherwise(F.lit(0))
        for kind in ("lasting", "ended")
    ]
    several_bits = in_both.bitwiseOR(crowded[0]).bitwiseOR(crowded[1])
    return bits.select("plan_id", "word", several_bits.alias("several_bits")).where(F.col("several_bits") != 0)


def _rows_of_members_with_several(judged: DataFrame, words: DataFrame) -> DataFrame:
    rows = judged.withColumn("word", _word("member_id")).join(words, on=["plan_id", "word"], how="inner")
    return rows.where(F.col("several_bits").bitwiseAND(_bit("member_id")) != 0).drop("word", "several_bits")


def _unknown_payers(members: DataFrame, all_members: DataFrame) -> DataFrame:
    """One row per 64 payer ids of which at least one pays for somebody else and is no member: `unknown_bits`."""
    for_others = F.col("payer_id") != F.col("member_id")
    payers = (
        members.where(for_others)
        .groupBy(_word("payer_id").alias("word"))
        .agg(F.bit_or(_bit("payer_id")).alias("payers"))
    )
    known = (
        all_members.where(F.col("member_id").isNotNull())
        .groupBy(_word("member_id").alias("word"))
        .agg(F.bit_or(_bit("member_id")).alias("known"))
    )
    unknown = F.col("payers").bitwiseAND(F.bitwise_not(F.coalesce("known", F.lit(0).cast("bigint"))))
    return (
        payers.join(known, on="word", how="left")
        .select("word", unknown.alias("unknown_bits"))
        .where("unknown_bits != 0")
    )


def _held_by_set(several: DataFrame, judged: DataFrame, unknown_payers: DataFrame) -> DataFrame:
    """One row per spell that breaks a set rule, with `set_broken`."""
    same_key = Window.partitionBy(*KEY)
    comparable = F.col("joined_on").isNotNull() & F.coalesce(F.col("exited_on") >= F.col("joined_on"), F.lit(True))
    in_order = Window.partitionBy("plan_id", "member_id", "comparable").orderBy(
        "joined_on", F.col("exited_on").asc_nulls_last()
    )
    end = F.coalesce("exited_on", F.lit("9999-12-31").cast("date"))
    compared = (
        several.withColumn("comparable", comparable)
        .withColumn("duplicated", F.col("joined_on").isNotNull() & (F.count(F.lit(1)).over(same_key) > 1))
        .withColumn("latest_end", F.max(end).over(in_order.rowsBetween(Window.unboundedPreceding, -1)))
        .withColumn("next_start", F.lead("joined_on").over(in_order))
    )
    overlaps = (
        F.col("comparable")
        & ~F.col("duplicated")
        & (
            F.coalesce(F.col("latest_end") > F.col("joined_on"), F.lit(False))
            | F.coalesce(F.col("next_start") < end, F.lit(False))
        )
    )
    several_broken = _bit_if(F.col("duplicated"), "member_duplicated") + _bit_if(overlaps, "member_spells_overlap")
    by_key = compared.withColumn("set_broken", several_broken).select(*judged.columns, "set_broken")
    by_payer = (
        judged.where(F.col("payer_id") != F.col("member_id"))
        .withColumn("word", _word("payer_id"))
        .join(unknown_payers, on="word", how="inner")
        .where(F.col("unknown_bits").bitwiseAND(_bit("payer_id")) != 0)
        .withColumn("set_broken", F.lit(SET_BITS["member_payer_unknown"]).cast("bigint"))
        .select(*judged.columns, "set_broken")
    )
    return _combined(by_key.where("set_broken != 0"), by_payer, judged.columns)


def _combined(by_key: DataFrame, by_payer: DataFrame, columns: list[str]) -> DataFrame:
    """A row that breaks rules of both kinds once, with the bits of both; rows that are equal to the letter stay two."""
    bits_of_key = Window.partitionBy(*KEY)
    both = by_key.withColumn("of_key", F.lit(True)).unionByName(by_payer.withColumn("of_key", F.lit(False)))
    all_bits = both.withColumn("set_broken", F.bit_or("set_broken").over(bits_of_key)).withColumn(
        "has_key_row", F.max("of_key").over(bits_of_key)
    )
    return all_bits.where(F.col("of_key") | ~F.col("has_key_row")).select(*columns, "set_broken")


def _bit_if(condition, rule_id: str):
    return F.when(condition, F.lit(SET_BITS[rule_id])).otherwise(F.lit(0)).cast("bigint")


def covered_count(gate: MembershipGate) -> dict[str, dict[str, int]]:
    """Members covered and not held back, by plan and tier."""
    counts: dict[str, dict[str, int]] = {}
    signed = [(row, 1) for row in gate.groups] + [(row, -1) for row in gate.held_groups]
    for row, sign in signed:
        if row.cover == COVERED and not row.broken & ERROR_BITS:
            tiers = counts.setdefault(row.plan_id, {})
            tiers[row.tier] = tiers.get(row.tier, 0) + sign * row["count"]
    return {plan: {tier: n for tier, n in tiers.items() if n} for plan, tiers in counts.items()}
