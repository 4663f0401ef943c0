"""The fee of a year is summed from the ledger; no figure is computed from the sources."""

from jobs.reporting.annual_fee import fee_measures
from jobs.reporting.measures import ANNUAL, YEAR_FEES

FIRST = {
    "accrued_fen": 80, "sponsored_fen": 42, "received_fen": 32, "outstanding_fen": 0, "written_off_fen": 6,
    "used_investigation_fen": 9, "used_technology_fen": 50, "used_staff_and_premises_fen": 0, "result_fen": 32 - 59,
}  # fmt: skip
SECOND = {
    "accrued_fen": 7, "sponsored_fen": 0, "received_fen": 6, "outstanding_fen": 1, "written_off_fen": 0,
    "used_investigation_fen": 0, "used_technology_fen": 15, "used_staff_and_premises_fen": 1, "result_fen": 6 - 16,
}  # fmt: skip
CATEGORIES = ("investigation", "technology", "staff_and_premises")


def test_the_fee_of_a_year_is_the_sum_of_the_ledger_rows():
    rows = list(fee_measures([FIRST, SECOND], has_closed=True))
    for measure in (*YEAR_FEES, "result_fen"):
        assert ANNUAL.value(rows, "fee", measure) == FIRST[measure] + SECOND[measure], measure
    assert [ANNUAL.value(rows, "fee", "used_fen", item=c) for c in CATEGORIES] == [9, 65, 1]
    assert ANNUAL.value(rows, "fee", "used_fen") == 75
    assert [ANNUAL.value(rows, "fee", "used_ppm", item=c) for c in CATEGORIES] == [120_000, 866_667, 13_333]


def test_fee_expenditure_is_unknown_before_the_first_close():
    rows = list(fee_measures([FIRST | {"result_fen": 32}], has_closed=False))
    assert ANNUAL.value(rows, "fee", "received_fen") == 32
    assert ANNUAL.value(rows, "fee", "used_fen") is None and ANNUAL.value(rows, "fee", "result_fen") is None
