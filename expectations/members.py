"""Rules of source/members: one row is one spell of one member in one plan and tier."""

from datetime import date, timedelta

from expectations.dates import date_rules
from expectations.expectation import (
    Expectation,
    all_not_null,
    at_least_one_row,
    in_order,
    in_set,
    newest_not_before,
    no_rows_in,
    no_rows_where,
    not_null,
    not_null_between,
    not_null_in_set,
    unique,
)
from expectations.rule import AnyRowRule, GateRule, RowRule, Severity, TableRule, Terms
from expectations.sql import for_plan, literal, one_of, tier_unknown
from schemas.codes import CITY_TIERS, EXIT_REASONS, PROVINCES, SEXES
from schemas.sources import MEMBERS

ERROR, WARNING, CRITICAL = Severity.ERROR, Severity.WARNING, Severity.CRITICAL
# The limits that sentences of the rules name; jobs.works.settle_gate counts by them.
FRESH_DAYS = 31
VOLUME_CHANGE_PERCENT = 20


def _waiting_too_long(terms: Terms) -> Expectation:
    return no_rows_where(f"waiting_ends_on > date_add(joined_on, {for_plan(terms.waiting_days)})")


def _joined_too_young(terms: Terms) -> Expectation:
    return no_rows_where(f"joined_on < date_add(birth_date, {for_plan(terms.joining_age_from_days)})")


def _joined_too_old(terms: Terms) -> Expectation:
    # In days, with a day or two to the member's favour: whole years take Spark as long as all other rules together.
    last_days = {p: (years + 1) * 1461 // 4 + 1 for p, years in terms.joining_age_to_years.items()}
    return no_rows_where(f"datediff(joined_on, birth_date) > {for_plan(last_days)}")


def _over_age(terms: Terms) -> Expectation:
    ages = {plan_id: age for plan_id, age in terms.membership_ends_at_age_years.items() if age is not None}
    born_from = {plan_id: date(terms.publicity_on.year - age - 1, 1, 1) for plan_id, age in ages.items()}
    return no_rows_where(
        f"{one_of('plan_id', ages)} AND exited_on IS NULL AND birth_date < {for_plan(born_from)}" if ages else "false"
    )


def _exit_reason(terms: Terms) -> Expectation:
    unknown = f"(exit_reason IS NULL OR NOT {one_of('exit_reason', EXIT_REASONS)})"
    return no_rows_where(f"(exited_on IS NOT NULL AND {unknown}) OR (exited_on IS NULL AND exit_reason IS NOT NULL)")


def _overlapping(terms: Terms) -> Expectation:
    in_order_of_joining = "PARTITION BY plan_id, member_id, comparable ORDER BY joined_on, exited_on ASC NULLS LAST"
    return no_rows_in(f"""
        SELECT * FROM (
          SELECT *, count(*) OVER (PARTITION BY plan_id, member_id, joined_on) > 1 AS duplicated,
            max(ends_on) OVER ({in_order_of_joining} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS latest_end,
            lead(joined_on) OVER ({in_order_of_joining}) AS next_start
          FROM (
            SELECT *, coalesce(exited_on, {literal(date(9999, 12, 31))}) AS ends_on,
              coalesce(exited_on >= joined_on, true) AS comparable
            FROM {{batch}} WHERE plan_id IS NOT NULL AND member_id IS NOT NULL AND joined_on IS NOT NULL))
        WHERE comparable AND NOT duplicated AND (latest_end > joined_on OR next_start < ends_on)""")


ROW_RULES: tuple[AnyRowRule, ...] = (
    RowRule("member_key_missing", ERROR, "plan_id, member_id and joined_on are given.",
            lambda _: all_not_null("plan_id", "member_id", "joined_on")),
    RowRule("member_plan_unknown", ERROR, "The plan is one of the platform's plans.",
            lambda terms: in_set("plan_id", terms.tiers)),
    RowRule("member_tier_unknown", ERROR, "The tier has a weight in the plan's rules.",
            lambda terms: no_rows_where(tier_unknown(terms.tiers))),
    RowRule("member_payer_missing", ERROR, "Somebody pays for the member, who need not be a member himself.",
            lambda _: not_null("payer_id")),
    RowRule("member_birth_date_missing", ERROR, "The day of birth is given.", lambda _: not_null("birth_date")),
    RowRule("member_birth_after_joining", ERROR, "The member was born by the day of joining.",
            lambda _: in_order("birth_date", "joined_on")),
    RowRule("member_sex_unknown", ERROR, "The sex is F or M.", lambda _: not_null_in_set("sex", SEXES)),
    RowRule("member_province_unknown", ERROR, "The province is a GB/T 2260 code.",
            lambda _: not_null_in_set("province_code", PROVINCES)),
    RowRule("member_city_tier_unknown", ERROR, "The city tier is 1 to 6.",
            lambda _: not_null_between("city_tier", CITY_TIERS[0], CITY_TIERS[-1])),
    RowRule("member_exit_before_joining", ERROR, "The spell does not end before it began.",
            lambda _: in_order("joined_on", "exited_on")),
    RowRule("member_waiting_end_missing", ERROR, "The last day of the waiting period is given.",
            lambda _: not_null("waiting_ends_on")),
    RowRule("member_waiting_too_long", WARNING, "The waiting period is not longer than the plan's.",
            _waiting_too_long),
    RowRule("member_joined_too_young", WARNING, "The member was old enough to join.", _joined_too_young),
    RowRule("member_joined_too_old", WARNING, "The member was not older at joining than the plan allows.",
            _joined_too_old),
    RowRule("member_over_age", WARNING, "The membership ended at the plan's end age.", _over_age),
    RowRule("member_exit_reason", WARNING, "A spell that ended, and only such a one, has a known exit reason.",
            _exit_reason),
    *date_rules("member", MEMBERS),
)  # fmt: skip

SET_RULES = (
    TableRule("member_duplicated", ERROR,
              "No two rows share plan, member and day of joining; all of such rows are held.",
              lambda _: unique("plan_id", "member_id", "joined_on")),
    TableRule("member_spells_overlap", ERROR,
              "Spells of a member in a plan do not overlap; all of such spells are held.", _overlapping),
)  # fmt: skip

TABLE_RULES = (
    TableRule("members_present", CRITICAL, "There is at least one row.", lambda _: at_least_one_row()),
    GateRule("members_quarantined_rate", CRITICAL,
             "The part of rows held back stays below the ceiling of the conf.", "the rows held and the conf"),
    TableRule("members_fresh", WARNING, "Somebody joined within 31 days before the publicity day.",
              lambda terms: newest_not_before("joined_on", terms.publicity_on - timedelta(days=FRESH_DAYS))),
    GateRule("members_volume", WARNING, "The head count is within 20% of the previous period's.",
             "settled/pools of the previous period"),
)  # fmt: skip
