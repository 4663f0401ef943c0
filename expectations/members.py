"""Rules of source/members: one row is one spell of one member in one plan and tier."""

from datetime import date

from pyspark.sql import functions as F

from expectations.rule import RowRule, Rule, Severity, for_plan, holds, missing, not_one_of
from schemas.codes import CITY_TIERS, EXIT_REASONS, PROVINCES, SEXES

ERROR, WARNING, CRITICAL = Severity.ERROR, Severity.WARNING, Severity.CRITICAL


def _tier_unknown(terms):
    plans_of: dict[tuple[str, ...], list[str]] = {}
    for plan_id, tiers in terms.tiers.items():
        plans_of.setdefault(tiers, []).append(plan_id)
    unknown = F.lit(False)
    for tiers, plan_ids in plans_of.items():
        unknown = unknown | (F.col("plan_id").isin(*plan_ids) & not_one_of("tier", tiers))
    return holds(unknown)


def _waiting_too_long(terms):
    return holds(F.col("waiting_ends_on") > F.date_add("joined_on", for_plan(terms.waiting_days)))


def _joined_too_young(terms):
    return holds(F.col("joined_on") < F.date_add("birth_date", for_plan(terms.joining_age_from_days)))


def _joined_too_old(terms):
    # Counted in days, a day or two to the member's favour: whole years take Spark as long as all other rules.
    last_days = {p: (years + 1) * 1461 // 4 + 1 for p, years in terms.joining_age_to_years.items()}
    return holds(F.date_diff("joined_on", "birth_date") > for_plan(last_days))


def _over_age(terms):
    ages = {plan_id: age for plan_id, age in terms.membership_ends_at_age_years.items() if age is not None}
    if not ages:
        return F.lit(False)
    born_from = {plan_id: date(terms.publicity_on.year - age - 1, 1, 1) for plan_id, age in ages.items()}
    of_plan = F.col("plan_id").isin(*ages) & F.col("exited_on").isNull()
    return holds(of_plan & (F.col("birth_date") < for_plan(born_from)))


def _exit_reason(terms):
    exited = F.col("exited_on").isNotNull()
    return (exited & not_one_of("exit_reason", EXIT_REASONS)) | (~exited & F.col("exit_reason").isNotNull())


ROW_RULES = (
    RowRule("member_key_missing", ERROR, "plan_id, member_id and joined_on are given.",
            lambda terms: missing("plan_id", "member_id", "joined_on")),
    RowRule("member_plan_unknown", ERROR, "The plan is one of the platform's plans.",
            lambda terms: holds(~F.col("plan_id").isin(*terms.tiers))),
    RowRule("member_tier_unknown", ERROR, "The tier has a weight in the plan's rules.", _tier_unknown),
    RowRule("member_payer_missing", ERROR, "Somebody pays for the member.",
            lambda terms: missing("payer_id")),
    RowRule("member_birth_date_missing", ERROR, "The day of birth is given.",
            lambda terms: missing("birth_date")),
    RowRule("member_birth_after_joining", ERROR, "The member was born by the day of joining.",
            lambda terms: holds(F.col("birth_date") > F.col("joined_on"))),
    RowRule("member_sex_unknown", ERROR, "The sex is F or M.",
            lambda terms: not_one_of("sex", SEXES)),
    RowRule("member_province_unknown", ERROR, "The province is a GB/T 2260 code.",
            lambda terms: not_one_of("province_code", PROVINCES)),
    RowRule("member_city_tier_unknown", ERROR, "The city tier is 1 to 6.",
            lambda terms: F.col("city_tier").isNull() | ~F.col("city_tier").between(CITY_TIERS[0], CITY_TIERS[-1])),
    RowRule("member_exit_before_joining", ERROR, "The spell does not end before it began.",
            lambda terms: holds(F.col("exited_on") < F.col("joined_on"))),
    RowRule("member_waiting_end_missing", ERROR, "The last day of the waiting period is given.",
            lambda terms: missing("waiting_ends_on")),
    RowRule("member_waiting_too_long", WARNING, "The waiting period is not longer than the plan's.",
            _waiting_too_long),
    RowRule("member_joined_too_young", WARNING, "The member was old enough to join.", _joined_too_young),
    RowRule("member_joined_too_old", WARNING, "The member was not older at joining than the plan allows.",
            _joined_too_old),
    RowRule("member_over_age", WARNING, "The membership ended at the plan's end age.", _over_age),
    RowRule("member_exit_reason", WARNING, "A spell that ended, and only such a one, has a known exit reason.",
            _exit_reason),
)  # fmt: skip

SET_RULES = (
    Rule("member_duplicated", ERROR, "No two rows share plan, member and day of joining; all of such rows are held."),
    Rule("member_spells_overlap", ERROR, "Spells of a member in a plan do not overlap; all of such spells are held."),
    Rule("member_payer_unknown", ERROR, "Whoever pays for somebody else is a member, in any plan."),
)

# The limits that the sentences below name; jobs.works.settle_gate counts by them.
FRESH_DAYS = 31
VOLUME_CHANGE_PERCENT = 20
TABLE_RULES = (
    Rule("members_present", CRITICAL, "There is at least one row."),
    Rule("members_quarantined_rate", CRITICAL, "The part of rows held back stays below the ceiling of the conf."),
    Rule("members_fresh", WARNING, "Somebody joined within 31 days before the publicity day."),
    Rule("members_volume", WARNING, "The head count is within 20% of the previous period's."),
)
