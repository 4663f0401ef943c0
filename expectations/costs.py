"""Rules of source/operating_costs and source/field_visits, the fee expenditure."""

from expectations.dates import date_rules
from expectations.expectation import (
    Expectation,
    all_not_null,
    in_set,
    matches,
    no_rows_where,
    not_null_between,
    not_null_in_set,
    unique,
)
from expectations.rule import AnyRowRule, RowRule, Severity, TableRule, Terms
from expectations.sql import literal
from schemas.codes import COST_CATEGORIES, SITE_KINDS
from schemas.sources import FIELD_VISITS

ERROR = Severity.ERROR
# A thousand times the published fee of a year: a mistake of units.
LARGEST_PLAUSIBLE_COST_FEN = 100_000_000_000_000
# Ends with "nothing follows", because `$` also matches before a line feed or, in Java, a carriage return.
COST_MONTH = "^[0-9]{4}-(0[1-9]|1[0-2])(?!(?s:.))"


def _visited_outside_calendar(terms: Terms) -> Expectation:
    first_on, end_on = terms.calendar_days
    return no_rows_where(f"visited_on < {literal(first_on)} OR visited_on >= {literal(end_on)}")


COST_RULES: tuple[AnyRowRule, ...] = (
    RowRule("cost_key_missing", ERROR, "cost_id and month are given.", lambda _: all_not_null("cost_id", "month")),
    RowRule("cost_month_malformed", ERROR, "The month is written YYYY-MM.", lambda _: matches("month", COST_MONTH)),
    RowRule("cost_category_unknown", ERROR, "The category is investigation, technology or staff_and_premises.",
            lambda _: not_null_in_set("category", COST_CATEGORIES)),
    RowRule("cost_amount_out_of_range", ERROR, "The amount is at least zero and of a plausible size.",
            lambda _: not_null_between("amount_fen", 0, LARGEST_PLAUSIBLE_COST_FEN)),
)  # fmt: skip

# What depends on the calendar of the platform.
COST_CALENDAR_RULES: tuple[AnyRowRule, ...] = (
    RowRule("cost_month_unknown", ERROR, "The month is one of the platform's calendar.",
            lambda terms: in_set("month", terms.months)),
)  # fmt: skip

COST_SET_RULES = (
    TableRule("cost_duplicated", ERROR, "No two costs share an id; all of such rows are held.",
              lambda _: unique("cost_id")),
)  # fmt: skip

VISIT_RULES: tuple[AnyRowRule, ...] = (
    RowRule("visit_key_missing", ERROR, "visit_id and the day of the visit are given.",
            lambda _: all_not_null("visit_id", "visited_on")),
    RowRule("visit_site_unknown", ERROR, "The place is a hospital or an insurance office.",
            lambda _: not_null_in_set("site_kind", SITE_KINDS)),
    RowRule("visit_fee_out_of_range", ERROR, "The fee is at least zero and of a plausible size.",
            lambda _: not_null_between("fee_fen", 0, LARGEST_PLAUSIBLE_COST_FEN)),
    *date_rules("visit", FIELD_VISITS),
)  # fmt: skip

VISIT_CALENDAR_RULES: tuple[AnyRowRule, ...] = (
    RowRule("visit_day_unknown", ERROR, "The day of the visit is in a period of the platform's calendar.",
            _visited_outside_calendar),
)  # fmt: skip

VISIT_SET_RULES = (
    TableRule("visit_duplicated", ERROR, "No two visits share an id; all of such rows are held.",
              lambda _: unique("visit_id")),
)  # fmt: skip
