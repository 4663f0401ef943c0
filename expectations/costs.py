"""Rules of source/operating_costs and source/field_visits: what the fee was used for."""

from pyspark.sql import functions as F

from expectations.rule import RowRule, Rule, Severity, holds, missing, not_one_of
from schemas.codes import COST_CATEGORIES, SITE_KINDS

ERROR = Severity.ERROR
# A thousand times the published fee of a year: a mistake of units.
LARGEST_PLAUSIBLE_COST_FEN = 100_000_000_000_000
COST_MONTH = "^[0-9]{4}-(0[1-9]|1[0-2])$"


def _out_of_range(column):
    return ~F.coalesce(F.col(column).between(0, LARGEST_PLAUSIBLE_COST_FEN), F.lit(False))


COST_RULES = (
    RowRule("cost_key_missing", ERROR, "cost_id and month are given.", lambda _: missing("cost_id", "month")),
    RowRule("cost_month_malformed", ERROR, "The month is written YYYY-MM.",
            lambda _: holds(~F.col("month").rlike(COST_MONTH))),
    RowRule("cost_category_unknown", ERROR, "The category is investigation, technology or staff_and_premises.",
            lambda _: not_one_of("category", COST_CATEGORIES)),
    RowRule("cost_amount_out_of_range", ERROR, "The amount is at least zero and of a plausible size.",
            lambda _: _out_of_range("amount_fen")),
)  # fmt: skip

COST_SET_RULES = (Rule("cost_duplicated", ERROR, "No two costs share an id; all of such rows are held."),)

VISIT_RULES = (
    RowRule("visit_key_missing", ERROR, "visit_id and the day of the visit are given.",
            lambda _: missing("visit_id", "visited_on")),
    RowRule("visit_site_unknown", ERROR, "The place is a hospital or an insurance office.",
            lambda _: not_one_of("site_kind", SITE_KINDS)),
    RowRule("visit_fee_out_of_range", ERROR, "The fee is at least zero and of a plausible size.",
            lambda _: _out_of_range("fee_fen")),
)  # fmt: skip

VISIT_SET_RULES = (Rule("visit_duplicated", ERROR, "No two visits share an id; all of such rows are held."),)
