"""Rules of source/receipts: one row is one attempt to deduct money from a payer."""

from pyspark.sql import functions as F

from expectations.rule import RowRule, Rule, Severity, holds, missing, not_one_of
from schemas.codes import RECEIPT_OUTCOMES

ERROR, WARNING, CRITICAL = Severity.ERROR, Severity.WARNING, Severity.CRITICAL

# Nobody owes a ten-thousandth of it: a receipt above a million yuan is a mistake of units.
LARGEST_PLAUSIBLE_RECEIPT_FEN = 100_000_000


def _amount_out_of_range(_):
    amount = F.coalesce(F.col("amount_fen").between(1, LARGEST_PLAUSIBLE_RECEIPT_FEN), F.lit(False))
    return holds(F.col("outcome") == "collected") & ~amount


ROW_RULES = (
    RowRule("receipt_key_missing", ERROR, "receipt_id, payer_id and the day of the attempt are given.",
            lambda _: missing("receipt_id", "payer_id", "attempted_on")),
    RowRule("receipt_outcome_unknown", ERROR, "The outcome is collected or failed.",
            lambda _: not_one_of("outcome", RECEIPT_OUTCOMES)),
    RowRule("receipt_amount_out_of_range", ERROR, "Money that came in is above zero and at most a million yuan.",
            _amount_out_of_range),
    RowRule("receipt_before_publicity", ERROR, "Nobody is charged before the period is public.",
            lambda terms: holds(F.col("attempted_on") < F.lit(terms.publicity_on))),
)  # fmt: skip

SET_RULES = (
    Rule("receipt_duplicated", ERROR, "No two receipts of different content share an id, in one period or in two."),
    Rule("receipt_repeated", ERROR, "No two receipts are equal in every column; one of such rows is the money."),
    Rule("receipt_without_bill", ERROR, "Money is received from payers with a bill of the period."),
    Rule("receipt_after_grace", ERROR, "Money is received before the grace limit."),
    Rule("receipt_overpaid", ERROR, "No payer pays more than he owes."),
    Rule("receipt_not_enough", ERROR, "Money meets whole shares."),
    Rule("receipt_after_lapse", ERROR, "Money is received before a lapse that a later period was made from."),
)

PERIOD_UNKNOWN = Rule("receipt_period_unknown", ERROR, "The period is one of the platform's calendar.")

TABLE_RULES = (
    Rule("receipts_present", WARNING, "There are receipts of the period once its deduction day has come."),
    Rule("receipts_quarantined_rate", CRITICAL, "The part of receipts held back stays below the ceiling of the conf."),
)
