"""Rules of source/receipts: one row is one attempt to deduct money from a payer."""

from expectations.dates import date_rules
from expectations.expectation import (
    Expectation,
    all_not_null,
    at_least_one_row,
    no_rows_in,
    no_rows_where,
    not_before,
    not_null_in_set,
)
from expectations.rule import AnyRowRule, GateRule, RowRule, Severity, TableRule, Terms
from schemas.codes import RECEIPT_OUTCOMES
from schemas.sources import RECEIPTS

ERROR, WARNING, CRITICAL = Severity.ERROR, Severity.WARNING, Severity.CRITICAL

# No payer owes a ten-thousandth of it: a receipt above a million yuan is a mistake of units.
LARGEST_PLAUSIBLE_RECEIPT_FEN = 100_000_000
IMPOSSIBLE_AMOUNT = (
    f"(outcome IN ('collected', 'returned') AND NOT coalesce(amount_fen BETWEEN 1 AND {LARGEST_PLAUSIBLE_RECEIPT_FEN}, "
    "false)) OR (outcome = 'failed' AND amount_fen <> 0)"
)
ALLOCATION = "the allocation of receipts to the bills of the period"


def _copies(terms: Terms) -> Expectation:
    columns = ", ".join(RECEIPTS.column_names)
    return no_rows_in(f"""
        SELECT * FROM (
          SELECT *, row_number() OVER (PARTITION BY {columns} ORDER BY receipt_id) AS number FROM {{batch}})
        WHERE number > 1""")


ROW_RULES: tuple[AnyRowRule, ...] = (
    RowRule("receipt_key_missing", ERROR, "receipt_id, payer_id and the day of the attempt are given.",
            lambda _: all_not_null("receipt_id", "payer_id", "attempted_on")),
    RowRule("receipt_outcome_unknown", ERROR, "The outcome is collected, failed or returned.",
            lambda _: not_null_in_set("outcome", RECEIPT_OUTCOMES)),
    RowRule("receipt_amount_out_of_range", ERROR,
            "Money that came in or went back is above zero and at most a million yuan; a failed attempt has none.",
            lambda _: no_rows_where(IMPOSSIBLE_AMOUNT)),
    RowRule("receipt_before_publicity", ERROR, "Nobody is charged before the period is public.",
            lambda terms: not_before("attempted_on", terms.publicity_on)),
    *date_rules("receipt", RECEIPTS),
)  # fmt: skip

SET_RULES = (
    GateRule("receipt_duplicated", ERROR,
             "No two receipts of different content share an id, in one period or in two.",
             "the receipts of all other periods"),
    TableRule("receipt_repeated", ERROR,
              "No two receipts are equal in every column; one of such rows is the money.", _copies),
    GateRule("receipt_without_bill", ERROR, "Money is received from payers with a bill of the period.", ALLOCATION),
    GateRule("receipt_after_grace", ERROR, "Money is received before the grace limit.", ALLOCATION),
    GateRule("receipt_overpaid", ERROR, "No payer pays more than he owes.", ALLOCATION),
    GateRule("receipt_not_enough", ERROR, "Money meets whole shares.", ALLOCATION),
    GateRule("receipt_after_lapse", ERROR, "Money is received before a lapse that a later period was made from.",
             ALLOCATION),
    GateRule("receipt_returned_too_much", ERROR, "No more money goes back than came in from the payer before.",
             "the payer's receipts of the period, in order of time"),
    GateRule("receipt_after_close", ERROR, "Money goes back before the period's books are closed.",
             "the closes, and the receipts that closed books were made from"),
)  # fmt: skip

PERIOD_UNKNOWN = GateRule(
    "receipt_period_unknown", ERROR, "The period is one of the platform's calendar.",
    "the rows of no known period, which belong to no period's receipts",
)  # fmt: skip

TABLE_RULES = (
    TableRule("receipts_present", WARNING, "There are receipts of the period once its deduction day has come.",
              lambda _: at_least_one_row()),
    GateRule("receipts_quarantined_rate", CRITICAL,
             "The part of receipts held back stays below the ceiling of the conf.", "the rows held and the conf"),
)  # fmt: skip
