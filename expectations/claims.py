"""Rules of source/approved_claims: one row is one approved claim as publicised in one period."""

from expectations.dates import date_rules
from expectations.expectation import (
    Expectation,
    all_not_null,
    at_least_one_row,
    in_set,
    no_rows_where,
    not_null,
    not_null_between,
    not_null_in_set,
    unique,
)
from expectations.rule import AnyRowRule, GateRule, RowRule, Severity, TableRule, Terms
from expectations.sql import literal, tier_unknown
from schemas.codes import OBJECTIONS, PROVINCES, SEVERITIES, SEXES
from schemas.sources import APPROVED_CLAIMS

ERROR, WARNING, CRITICAL = Severity.ERROR, Severity.WARNING, Severity.CRITICAL

# No plan pays a hundredth of it: an amount above 100 million yuan is a mistake of units, not an approval.
LARGEST_PLAUSIBLE_AID_FEN = 10_000_000_000
CLAIMS_TIMES_MOST = 3  # the limit that the sentence of claims_volume names; jobs.works.settle_gate counts by it
SPELLS = "source/members"
EARLIER_BENEFITS = "settled/benefits of earlier periods"


def _dates_out_of_order(terms: Terms) -> Expectation:
    return no_rows_where(
        f"birth_date > diagnosed_on OR diagnosed_on > approved_on OR approved_on > {literal(terms.publicity_on)}"
    )


ROW_RULES: tuple[AnyRowRule, ...] = (
    RowRule("claim_key_missing", ERROR, "claim_id, plan_id, member_id and publicity_period are given.",
            lambda _: all_not_null("claim_id", "plan_id", "member_id", "publicity_period")),
    RowRule("claim_period_unknown", ERROR, "The publicity period is in the calendar.",
            lambda terms: in_set("publicity_period", terms.period_names)),
    RowRule("claim_plan_unknown", ERROR, "The plan is one of the platform's plans.",
            lambda terms: in_set("plan_id", terms.tiers)),
    RowRule("claim_tier_unknown", ERROR, "The tier has a weight in the plan's rules.",
            lambda terms: no_rows_where(tier_unknown(terms.tiers))),
    RowRule("claim_illness_unknown", ERROR, "The illness is listed by the platform.",
            lambda terms: not_null_in_set("illness_code", terms.illness_codes)),
    RowRule("claim_severity_unknown", ERROR, "The severity is severe or light.",
            lambda _: not_null_in_set("severity", SEVERITIES)),
    RowRule("claim_accident_missing", ERROR, "It is said whether an accident was the cause.",
            lambda _: not_null("accident")),
    RowRule("claim_objection_unknown", ERROR, "The objection is none, pending, upheld or dismissed.",
            lambda _: not_null_in_set("objection", OBJECTIONS)),
    RowRule("claim_aid_out_of_range", ERROR, "The approved aid is above zero and at most 100 million yuan.",
            lambda _: not_null_between("approved_aid_fen", 1, LARGEST_PLAUSIBLE_AID_FEN)),
    RowRule("claim_dates_missing", ERROR, "The days of birth, diagnosis and approval are given.",
            lambda _: all_not_null("birth_date", "diagnosed_on", "approved_on")),
    RowRule("claim_dates_out_of_order", ERROR, "Birth, diagnosis, approval and publicity follow one another.",
            _dates_out_of_order),
    RowRule("claim_sex_unknown", ERROR, "The sex is F or M.", lambda _: not_null_in_set("sex", SEXES)),
    RowRule("claim_province_unknown", ERROR, "The province is a GB/T 2260 code.",
            lambda _: not_null_in_set("province_code", PROVINCES)),
    *date_rules("claim", APPROVED_CLAIMS),
)  # fmt: skip

SET_RULES = (
    TableRule("claim_duplicated", ERROR, "No two claims of the period share an id; all of such rows are held.",
              lambda _: unique("claim_id")),
    GateRule("claim_illness_claimed_twice", ERROR,
             "One illness of a member is claimed once, in this period and ever.", EARLIER_BENEFITS),
    GateRule("claim_member_unknown", ERROR, "The claimant has a membership in the plan that is not held back.",
             SPELLS),
    GateRule("claim_not_covered_on_diagnosis", ERROR,
             "The claimant's membership was in force on the day of diagnosis.", f"{SPELLS} and settled/lapses"),
    GateRule("claim_tier_differs", ERROR,
             "The claim's tier is that of the membership on the day of diagnosis.", SPELLS),
    GateRule("claim_aid_above_limit", WARNING, "The approved aid is within the plan's limit.",
             "the benefit limits of the day of diagnosis"),
    GateRule("claim_counted_before", WARNING, "A claim counts once ever.", EARLIER_BENEFITS),
    GateRule("claim_differs_from_member", WARNING, "The claim's day of birth and sex are the member's.", SPELLS),
)  # fmt: skip

AFTER_SETTLEMENT = GateRule(
    "claim_after_settlement", ERROR, "A claim is there when the period it names is settled.",
    "settled/benefits of settled periods",
)  # fmt: skip

TABLE_RULES = (
    GateRule("claims_have_members", CRITICAL, "A plan with claims has covered members.", SPELLS),
    GateRule("claims_quarantined_rate", CRITICAL,
             "The part of rows held back stays below the ceiling of the conf.", "the rows held and the conf"),
    TableRule("claims_present", WARNING, "Claims are publicised in the period.", lambda _: at_least_one_row()),
    GateRule("claims_volume", WARNING,
             "There are at most three times as many claims as in the previous period.",
             "settled/pools of the previous period"),
)  # fmt: skip
