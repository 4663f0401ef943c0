"""Members with a case: whether, when and of which illness, from the member's number alone, so that source/members and
source/approved_claims agree."""

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.rulebook.rules import BenefitRules
from jobs.sample.columns import big, bits, day_number, div, pick, scaled, spread
from jobs.sample.exits import with_exit
from jobs.sample.people import numbers, people
from jobs.sample.population import BLOCK, Population
from jobs.sample.profiles import ACCIDENTS, ILLNESS_WEIGHTS

# Fields of the hash of a case (from bit, width).
PERIOD, CHANCE, APPROVED, DELAY, LIGHT = (0, 12), (12, 14), (26, 6), (32, 7), (39, 7)
OBJECTION, STAYS, KEPT, NEXT = (46, 10), (56, 4), (60, 2), (62, 2)
PENDING, UPHELD, DISMISSED = 5, 2, 3  # of 1024 cases: 0.5%, 0.2%, 0.3%
APPROVED_DAYS_BEFORE, DELAY_DAYS_MIN = 13, 20
LARGE_PRIME = 2_147_483_647
NO_CASE = {"claims": "boolean", "case_exit_day": "bigint", "case_left_for": "string"}


def claimants(spark: SparkSession, population: Population, places: range) -> DataFrame:
    """One row per member in these `places` of a block; `claims`: whether the member has a case.

    Key: member_id. `claim_id`: of the possible case. `case_exit_day` and `case_left_for`: how the case ends the
    membership, null if it does not; `exit_day` and `left_for`: how it would end without a case. Cases are drawn evenly
    over the periods; a member has one only if the membership was in force at the diagnosis.
    """
    partitions = max(1, population.joined_count // 20_000_000)
    members = people(numbers(spark, population, places, partitions), population)
    candidates = with_exit(members, population)
    if not population.claim_periods:
        return candidates.withColumns({name: F.lit(None).cast(kind) for name, kind in NO_CASE.items()})
    drawn = candidates.withColumns({"claim_id": _claim_id(population), "case": _hash(population, 3)}).withColumn(
        "aid", _hash(population, 4)
    )
    return _with_outcome(_with_chance(_with_illness(_with_days(drawn, population), population), population), population)


def publicity_day(index: Column, population: Population) -> Column:
    """The day number of the publicity day of the period with that index; null beyond the last period."""
    return pick(index, [day_number(day) for _, day in population.claim_periods], "bigint")


def _with_days(drawn: DataFrame, population: Population) -> DataFrame:
    """Adds period, approval (within a fortnight before publicity) and diagnosis (20 to 147 days before that)."""
    indexed = drawn.withColumn("period_index", scaled(bits("case", *PERIOD), PERIOD[1], len(population.claim_periods)))
    dated = indexed.withColumn("public_day", publicity_day(F.col("period_index"), population))
    approved = F.col("public_day") - 1 - scaled(bits("case", *APPROVED), APPROVED[1], APPROVED_DAYS_BEFORE)
    return dated.withColumn("approved_day", approved).withColumn(
        "diagnosed_day", F.col("approved_day") - DELAY_DAYS_MIN - bits("case", *DELAY)
    )


def _with_illness(dated: DataFrame, population: Population) -> DataFrame:
    """Adds illness, accident and severity, of those that the plan helps."""
    rules = population.plan.benefit_rules()
    by_sex = {sex: spread(_weights(sex, rules), 1024) for sex in ILLNESS_WEIGHTS}
    place = bits("aid", 0, 10)
    illness = F.when(F.col("sex") == "F", pick(place, by_sex["F"], "string")).otherwise(
        pick(place, by_sex["M"], "string")
    )
    named = dated.withColumn("illness_code", illness)
    is_light = bits("case", *LIGHT) < big((population.profile.light_ppm << LIGHT[1]) // 1_000_000)
    return named.withColumns(
        {
            "accident": F.col("illness_code").isin(*ACCIDENTS),
            "severity": F.when(is_light & ~_removed_when_light(rules), "light").otherwise("severe"),
        }
    )


def _with_chance(ill: DataFrame, population: Population) -> DataFrame:
    """Adds `claims`: covered on the day of diagnosis, mostly after the waiting period, more often with age."""
    covered = (
        (F.col("joined_day") < F.col("diagnosed_day"))
        & (F.col("end_day").isNull() | (F.col("diagnosed_day") < F.col("end_day")))
        & (F.col("exit_day").isNull() | (F.col("diagnosed_day") <= F.col("exit_day")))
    )
    waiting = F.col("diagnosed_day") <= F.col("joined_day") + population.joining.waiting_days
    in_waiting = waiting & ~F.col("accident")
    approved_while_waiting = bits("case", *KEPT) == 0
    may_claim = F.col("number") % BLOCK >= population.claim_places.start
    drawn = may_claim & (bits("case", *CHANCE) < _chance(population))
    return ill.withColumn("in_waiting", in_waiting).withColumn(
        "claims", covered & (~in_waiting | approved_while_waiting) & drawn
    )


def _with_outcome(ill: DataFrame, population: Population) -> DataFrame:
    """Adds the objection, the period of the second publicity after a pending objection, and how the membership ends."""
    place = bits("case", *OBJECTION)
    objection = (
        F.when(place < PENDING, "pending")
        .when(place < PENDING + UPHELD, "upheld")
        .when(place < PENDING + UPHELD + DISMISSED, "dismissed")
        .otherwise("none")
    )
    judged = ill.withColumns(
        {"objection": objection, "again_index": F.col("period_index") + 1 + bits("case", *NEXT) % 2}
    )
    is_pending = F.col("objection") == "pending"
    last_index = F.when(is_pending, F.col("again_index")).otherwise(F.col("period_index"))
    refused = (F.col("objection") == "upheld") | F.col("in_waiting")
    leaves = bits("case", *STAYS) > 0
    return judged.withColumns(
        {
            "case_exit_day": F.when(leaves, publicity_day(last_index, population) + 4),
            "case_left_for": F.when(refused, "ineligible").otherwise("aided"),
        }
    )


def _chance(population: Population) -> Column:
    """The chance of a case by age at diagnosis, in units of the field CHANCE."""
    age_days = F.col("diagnosed_day") - F.col("birth_day")
    chance = None
    for below_years, relative in population.profile.incidence_by_age:
        ppm = population.chance_ppm(relative, len(population.claim_places))
        parts = big((ppm << CHANCE[1]) // 1_000_000)
        younger = age_days < big(below_years * 1461 // 4)
        chance = F.when(younger, parts) if chance is None else chance.when(younger, parts)
    return chance.otherwise(big(0))


def _claim_id(population: Population) -> Column:
    """A number for each candidate, in an order that does not reveal the member."""
    places = population.claim_places
    candidate = div(F.col("number"), BLOCK) * len(places) + F.col("number") % BLOCK - places.start
    count = (population.joined_count // BLOCK + 1) * len(places)
    return candidate * LARGE_PRIME % big(count) + big(population.first_member_id // 10 + 1)


def _hash(population: Population, salt: int) -> Column:
    return F.xxhash64("member_id", big(population.seed), big(salt))


def _weights(sex: str, rules: tuple[BenefitRules, ...]) -> dict[str, int]:
    helped = [each.helped_illnesses for each in rules if each.helped_illnesses is not None]
    weights = {code: part for code, part in ILLNESS_WEIGHTS[sex].items() if all(code in codes for codes in helped)}
    return weights or dict.fromkeys(sorted(helped[0]), 1)


def _removed_when_light(rules: tuple[BenefitRules, ...]) -> Column:
    removed = F.lit(False)
    for each in rules:
        codes = sorted(illness for illness, severity in each.removed_illnesses if severity == "light")
        if codes:
            removed = removed | (F.col("illness_code").isin(*codes) & diagnosed_within(each))
    return removed


def diagnosed_within(rules: BenefitRules) -> Column:
    """Whether these rules were in force on the day of diagnosis."""
    has_begun = F.col("diagnosed_day") >= day_number(rules.from_on)
    return has_begun if rules.until_on is None else has_begun & (F.col("diagnosed_day") < day_number(rules.until_on))
