"""Judges the claims of a period, a few thousand rows, with the membership spells of their claimants."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F

from expectations.claims import ROW_RULES, SET_RULES
from expectations.rule import Severity, Terms, bits_of, broken_bits, reasons
from jobs.gate.held_id import is_one_of
from jobs.settlement.coverage import MEMBER, cut_by_lapses, in_force_on, with_member_since
from schemas.sources import APPROVED_CLAIMS as CLAIMS

ROW_ERRORS = bits_of(ROW_RULES, Severity.ERROR)
SET_ERRORS = bits_of(SET_RULES, Severity.ERROR)
CLAIM_KEY = ("publicity_period", "plan_id", "claim_id")
CLAIM_CONTENT = ("member_id", "illness_code", "severity", "approved_aid_fen")  # what settled/benefits keeps of it
IS_RELEASED = "is_released"
SET_BITS = {rule.id: 1 << position for position, rule in enumerate(SET_RULES)}


@dataclass(frozen=True)
class ClaimGate:
    """The claims with the rules they break. `groups`: counts of rows and aid by plan and by the rules they break.

    `judged`: every row with `broken` (bits of ROW_RULES), `set_broken` (bits of SET_RULES), `member_since` and
    `waiting_ends_on` of the spell in force on the day of diagnosis.
    """

    judged: DataFrame
    groups: list[Row]

    @property
    def good(self) -> DataFrame:
        """One row per claim that is not held back, with `member_since` and `waiting_ends_on`."""
        return self.judged.where(~_is_held())

    @property
    def held(self) -> DataFrame:
        """One row per claim held back, with all its `reasons`."""
        every_reason = F.concat(reasons(ROW_RULES, F.col("broken")), reasons(SET_RULES, F.col("set_broken")))
        return self.judged.where(_is_held()).withColumn("reasons", every_reason)


def numbered_claims(claims: DataFrame) -> DataFrame:
    """The claims, each with a `row_number` of its own, so that equal rows remain two rows."""
    return claims.withColumn("row_number", F.monotonically_increasing_id()).localCheckpoint()


def with_released_claims(own: DataFrame, source: DataFrame, released: Collection[Mapping], period: str) -> DataFrame:
    """The claims with `is_released`, and the released claims of earlier periods as if this period publicised them.

    `own`: the claims to judge. `released`: rows of source/approved_claims; without any, `own` as it is. Of equal rows
    one is released.
    """
    if not released:
        return own
    equal_rows = Window.partitionBy(*own.columns).orderBy("claim_id")
    is_first = F.row_number().over(equal_rows) == 1
    now = [row for row in released if row["publicity_period"] == period]
    flagged = own.withColumn("is_first", is_first).withColumn(
        IS_RELEASED, F.col("is_first") & is_one_of(CLAIMS, "claim_id", now)
    )
    earlier = [row for row in released if row["publicity_period"] != period]
    carried = source.where(is_one_of(CLAIMS, "claim_id", earlier)).select(*own.columns).dropDuplicates()
    carried = carried.withColumns({"publicity_period": F.lit(period), IS_RELEASED: F.lit(True)})
    return flagged.drop("is_first").unionByName(carried)


def publicised_claims(claims: DataFrame, period: str, released: Collection[Mapping]) -> DataFrame:
    """The rows of source/approved_claims that a settlement of the period read, as if the period publicised each.

    `released`: the rows whose release the settlement used; no other row of their id is returned.
    """
    own = claims.where(F.col("publicity_period") == period)
    if not released:
        return own
    others = own.where(~F.col("claim_id").isin(*sorted({row["claim_id"] for row in released})))
    used = claims.where(is_one_of(CLAIMS, "claim_id", released)).dropDuplicates()
    return others.unionByName(used.withColumn("publicity_period", F.lit(period)).select(*others.columns))


def judge_claims(numbered: DataFrame, spells: DataFrame, counted_before: DataFrame, terms: Terms) -> ClaimGate:
    """Judges every claim of the period. `numbered`: from `numbered_claims`.

    `spells`: one row per spell of a claimant that is not held back, with `member_since`. `counted_before`: one row per
    benefit that counted in an earlier period (plan_id, member_id, claim_id, illness_code). A row with `is_released`
    passes the rules of severity error.
    """
    judged = numbered.withColumn("broken", broken_bits(ROW_RULES, terms))
    judged = _with_duplicates(judged)
    judged = _with_illness_claimed_twice(judged, counted_before)
    judged = _with_membership(judged, spells)
    broken = _set_bits(
        claim_duplicated=F.col("duplicated"),
        claim_illness_claimed_twice=F.col("twice_now") | F.col("twice_ever"),
        claim_member_unknown=_keyed() & F.col("spell_count").isNull(),
        claim_not_covered_on_diagnosis=_keyed()
        & F.col("diagnosed_on").isNotNull()
        & F.col("spell_count").isNotNull()
        & F.col("member_since").isNull(),
        claim_tier_differs=_is_true(F.col("tier") != F.col("membership_tier")),
        claim_counted_before=F.col("counted_already"),
        claim_differs_from_member=_is_true(F.col("birth_date") != F.col("membership_birth_date"))
        | _is_true(F.col("sex") != F.col("membership_sex")),
    )
    kept = [name for name in numbered.columns if name not in ("row_number", IS_RELEASED)]
    kept += ["broken", "set_broken", "member_since", "waiting_ends_on"]
    judged = judged.withColumn("set_broken", broken)
    if IS_RELEASED in numbered.columns:
        judged = _with_released_passing(judged)
    judged = judged.select(*kept).localCheckpoint()
    plan_id = F.when(F.col("plan_id").isin(*terms.tiers), F.col("plan_id")).alias("plan_id")
    groups = judged.groupBy(plan_id, "broken", "set_broken").agg(
        F.count(F.lit(1)).alias("count"), F.sum(_plausible_aid_fen()).alias("aid_fen")
    )
    return ClaimGate(judged, groups.collect())


def _with_released_passing(judged: DataFrame) -> DataFrame:
    """The claims, where a released one breaks no rule of severity error; its warnings stay."""
    without = lambda bits, errors: F.when(F.col(IS_RELEASED), bits.bitwiseAND(F.lit(~errors))).otherwise(bits)  # noqa: E731
    return judged.withColumns(
        {
            "broken": without(F.col("broken"), ROW_ERRORS),
            "set_broken": without(F.col("set_broken"), SET_ERRORS),
        }
    )


def _is_held() -> Column:
    return (F.col("broken").bitwiseAND(F.lit(ROW_ERRORS)) != 0) | (
        F.col("set_broken").bitwiseAND(F.lit(SET_ERRORS)) != 0
    )


def _is_true(condition: Column) -> Column:
    """The condition, where null counts as no: a missing value is another rule's business."""
    return F.coalesce(condition, F.lit(False))


def _keyed() -> Column:
    return F.col("plan_id").isNotNull() & F.col("member_id").isNotNull()


def _set_bits(**conditions: Column) -> Column:
    bits = F.lit(0).cast("bigint")
    for rule_id, condition in conditions.items():
        bits = bits + F.when(condition, F.lit(SET_BITS[rule_id])).otherwise(F.lit(0)).cast("bigint")
    return bits


def _with_duplicates(claims: DataFrame) -> DataFrame:
    same_id = Window.partitionBy("claim_id")
    duplicated = F.col("claim_id").isNotNull() & (F.count(F.lit(1)).over(same_id) > 1)
    return claims.withColumn("duplicated", duplicated)


def _with_illness_claimed_twice(claims: DataFrame, counted_before: DataFrame) -> DataFrame:
    sound = (F.col("broken").bitwiseAND(F.lit(ROW_ERRORS)) == 0) & ~F.col("duplicated")
    same_illness = Window.partitionBy("plan_id", "member_id", "illness_code", "sound")
    earlier = counted_before.groupBy("plan_id", "member_id", "illness_code").agg(
        F.collect_set("claim_id").alias("earlier_claim_ids")
    )
    with_history = claims.withColumn("sound", sound).join(
        F.broadcast(earlier), on=["plan_id", "member_id", "illness_code"], how="left"
    )
    counted_already = F.coalesce(F.array_contains("earlier_claim_ids", F.col("claim_id")), F.lit(False))
    return (
        with_history.withColumn("twice_now", F.col("sound") & (F.count(F.lit(1)).over(same_illness) > 1))
        .withColumn("counted_already", counted_already)
        .withColumn("twice_ever", F.col("earlier_claim_ids").isNotNull() & ~F.col("counted_already"))
    )


def claims_added(claims: Sequence[dict], benefits: Iterable[Mapping], held: Iterable[Mapping]) -> list[dict]:
    """The claims that are in no settlement, because they did not exist when their period was settled, or were held then
    and have been mended since.

    `benefits`: the settlement's rows, with the columns of CLAIM_KEY and of CLAIM_CONTENT. `held`: the claims that it
    held. Left out are the rows equal to a held one, and of each key as many more as there are benefits: first those of
    the same content, then any, because a claim that was settled may have been restated.
    """
    still_held = Counter(_values(row, CLAIMS.column_names) for row in held)
    contents: dict[tuple, list[tuple]] = {}
    for row in benefits:
        contents.setdefault(_values(row, CLAIM_KEY), []).append(_values(row, CLAIM_CONTENT))
    by_key: dict[tuple, list[dict]] = {}
    for row in claims:
        content = _values(row, CLAIMS.column_names)
        if still_held[content]:
            still_held[content] -= 1
        else:
            by_key.setdefault(_values(row, CLAIM_KEY), []).append(row)
    added = []
    for key, rows in by_key.items():
        same = contents.get(key, [])
        rows = sorted(rows, key=lambda row: (_values(row, CLAIM_CONTENT) not in same, str(_values(row, CLAIM_CONTENT))))
        added += rows[len(same) :]
    return added


def _values(row: Mapping, names: Iterable[str]) -> tuple:
    return tuple(row[name] for name in names)


def spells_of_claimants(kept_members: DataFrame, numbered: DataFrame, lapses: DataFrame | None = None) -> DataFrame:
    """One row per spell of a claimant in the plan of a claim, with `member_since`: when his unbroken membership began.

    A switch of tier ends one spell and begins the next on the same day; the membership continues. `lapses` end spells:
    one row per lapse (plan_id, member_id, lapsed_on); None: no lapse.
    """
    claimants = F.broadcast(numbered.where(_keyed()).select(*MEMBER).distinct())
    spells = kept_members.join(claimants, on=MEMBER, how="left_semi")
    if lapses is not None:  # few of many: found in one pass
        lapses = lapses.join(claimants, on=MEMBER, how="left_semi").localCheckpoint()
    return with_member_since(cut_by_lapses(spells, lapses)).localCheckpoint()


def helped_memberships(counted_before: DataFrame, spells: DataFrame) -> DataFrame:
    """One row per unbroken membership of a claimant with a benefit in it: plan_id, member_id, member_since.

    `counted_before`: one row per benefit that counted earlier, with its diagnosed_on.
    """
    earlier = counted_before.select("plan_id", "member_id", "diagnosed_on")
    return (
        spells.join(earlier, on=["plan_id", "member_id"], how="inner")
        .where(in_force_on(F.col("diagnosed_on")))
        .select("plan_id", "member_id", "member_since")
        .distinct()
    )


def _with_membership(claims: DataFrame, spells: DataFrame) -> DataFrame:
    known = spells.groupBy("plan_id", "member_id").agg(F.count(F.lit(1)).alias("spell_count"))
    diagnosed = claims.select("row_number", "plan_id", "member_id", "diagnosed_on")
    in_force = (
        diagnosed.join(spells, on=["plan_id", "member_id"], how="inner")
        .where(in_force_on(F.col("diagnosed_on")))
        .select(
            "row_number",
            "member_since",
            "waiting_ends_on",
            F.col("tier").alias("membership_tier"),
            F.col("birth_date").alias("membership_birth_date"),
            F.col("sex").alias("membership_sex"),
        )
    )
    return claims.join(known, on=["plan_id", "member_id"], how="left").join(in_force, on="row_number", how="left")


def _plausible_aid_fen() -> Column:
    """The claim's aid where it is plausible, else zero: an absurd amount must not overflow the sum."""
    return F.when(F.col("approved_aid_fen").between(0, 10**13), F.col("approved_aid_fen")).otherwise(
        F.lit(0).cast("bigint")
    )
