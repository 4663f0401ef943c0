"""Rules of source/claim_reviews: every application for aid that was reviewed."""

from expectations.dates import date_rules
from expectations.expectation import all_not_null, no_rows_where, not_null, not_null_between, not_null_in_set
from expectations.rule import AnyRowRule, RowRule, Severity
from schemas.codes import DECISIONS
from schemas.sources import CLAIM_REVIEWS

ERROR, WARNING = Severity.ERROR, Severity.WARNING
# A hundred times the highest published aid of a case: a mistake of units.
LARGEST_PLAUSIBLE_AID_FEN = 3_000_000_000

ROW_RULES: tuple[AnyRowRule, ...] = (
    RowRule("review_key_missing", ERROR, "review_id and claim_id are given.",
            lambda _: all_not_null("review_id", "claim_id")),
    RowRule("review_plan_missing", ERROR, "plan_id is given.", lambda _: not_null("plan_id")),
    RowRule("review_decision_unknown", ERROR, "The decision is approved, refused or fraud.",
            lambda _: not_null_in_set("decision", DECISIONS)),
    RowRule("review_days_out_of_order", ERROR,
            "The day of the decision is given and not before the application came in.",
            lambda _: no_rows_where("received_on IS NULL OR decided_on IS NULL OR decided_on < received_on")),
    RowRule("review_aid_out_of_range", ERROR, "The aid asked for is at least zero and of a plausible size.",
            lambda _: not_null_between("requested_aid_fen", 0, LARGEST_PLAUSIBLE_AID_FEN)),
    RowRule("review_technique_missing", WARNING, "The review names the technique that settled it.",
            lambda _: not_null("technique")),
    *date_rules("review", CLAIM_REVIEWS),
)  # fmt: skip
