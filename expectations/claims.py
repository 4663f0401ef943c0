"""Rules of source/approved_claims: one row is one approved claim as publicised in one period."""

from pyspark.sql import functions as F

from expectations.rule import RowRule, Rule, Severity, holds, missing, not_one_of
from schemas.codes import OBJECTIONS, PROVINCES, SEVERITIES, SEXES

ERROR, WARNING, CRITICAL = Severity.ERROR, Severity.WARNING, Severity.CRITICAL

# No plan pays a hundredth of it: an amount above 100 million yuan is a mistake of units, not an approval.
LARGEST_PLAUSIBLE_AID_FEN = 10_000_000_000


def _tier_unknown(terms):
    known = F.lit(False)
    for plan_id, tiers in terms.tiers.items():
        known = known | ((F.col("plan_id") == plan_id) & F.col("tier").isin(*tiers))
    return holds(F.col("plan_id").isin(*terms.tiers)) & ~holds(known)


def _aid_out_of_range(terms):
    return F.col("approved_aid_fen").isNull() | ~F.col("approved_aid_fen").between(1, LARGEST_PLAUSIBLE_AID_FEN)


def _dates_out_of_order(terms):
    return (
        holds(F.col("birth_date") > F.col("diagnosed_on"))
        | holds(F.col("diagnosed_on") > F.col("approved_on"))
        | holds(F.col("approved_on") > F.lit(terms.publicity_on))
    )


ROW_RULES = (
    RowRule("claim_key_missing", ERROR, "claim_id, plan_id, member_id and publicity_period are given.",
            lambda terms: missing("claim_id", "plan_id", "member_id", "publicity_period")),
    RowRule("claim_period_unknown", ERROR, "The publicity period is in the calendar.",
            lambda terms: holds(~F.col("publicity_period").isin(*terms.period_names))),
    RowRule("claim_plan_unknown", ERROR, "The plan is one of the platform's plans.",
            lambda terms: holds(~F.col("plan_id").isin(*terms.tiers))),
    RowRule("claim_tier_unknown", ERROR, "The tier has a weight in the plan's rules.", _tier_unknown),
    RowRule("claim_illness_unknown", ERROR, "The illness is listed by the platform.",
            lambda terms: not_one_of("illness_code", terms.illness_codes)),
    RowRule("claim_severity_unknown", ERROR, "The severity is severe or light.",
            lambda terms: not_one_of("severity", SEVERITIES)),
    RowRule("claim_accident_missing", ERROR, "It is said whether an accident was the cause.",
            lambda terms: missing("accident")),
    RowRule("claim_objection_unknown", ERROR, "The objection is none, pending, upheld or dismissed.",
            lambda terms: not_one_of("objection", OBJECTIONS)),
    RowRule("claim_aid_out_of_range", ERROR, "The approved aid is above zero and at most 100 million yuan.",
            _aid_out_of_range),
    RowRule("claim_dates_missing", ERROR, "The days of birth, diagnosis and approval are given.",
            lambda terms: missing("birth_date", "diagnosed_on", "approved_on")),
    RowRule("claim_dates_out_of_order", ERROR, "Birth, diagnosis, approval and publicity follow one another.",
            _dates_out_of_order),
    RowRule("claim_sex_unknown", ERROR, "The sex is F or M.",
            lambda terms: not_one_of("sex", SEXES)),
    RowRule("claim_province_unknown", ERROR, "The province is a GB/T 2260 code.",
            lambda terms: not_one_of("province_code", PROVINCES)),
)  # fmt: skip

SET_RULES = (
    Rule("claim_duplicated", ERROR, "No two claims of the period share an id; all of such rows are held."),
    Rule("claim_illness_claimed_twice", ERROR, "One illness of a member is claimed once, in this period and ever."),
    Rule("claim_member_unknown", ERROR, "The claimant has a membership in the plan that is not held back."),
    Rule("claim_not_covered_on_diagnosis", ERROR, "The claimant's membership was in force on the day of diagnosis."),
    Rule("claim_tier_differs", ERROR, "The claim's tier is that of the membership on the day of diagnosis."),
    Rule("claim_aid_above_limit", WARNING, "The approved aid is within the plan's limit."),
    Rule("claim_counted_before", WARNING, "A claim counts once ever."),
    Rule("claim_differs_from_member", WARNING, "The claim's day of birth and sex are the member's."),
)

AFTER_SETTLEMENT = Rule("claim_after_settlement", ERROR, "A claim is there when the period it names is settled.")

CLAIMS_TIMES_MOST = 3  # the limit that the last sentence names; jobs.works.settle_gate counts by it
TABLE_RULES = (
    Rule("claims_have_members", CRITICAL, "A plan with claims has covered members."),
    Rule("claims_quarantined_rate", CRITICAL, "The part of rows held back stays below the ceiling of the conf."),
    Rule("claims_present", WARNING, "Claims are publicised in the period."),
    Rule("claims_volume", WARNING, "There are at most three times as many claims as in the previous period."),
)
