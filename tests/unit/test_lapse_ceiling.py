"""A final collection needs the operator's consent if too many members would lapse."""

import pytest

from jobs.collection.lapse_ceiling import LapseCount, lapse_ceiling_breach


def why(lapsing, owing, accepted=None, has_cash_receipts=True, ceiling_ppm=50_000, floor_rows=20):
    lapses = LapseCount({"a": lapsing, "b": 0}, {"a": owing, "b": 0}, has_cash_receipts)
    return lapse_ceiling_breach(lapses, ceiling_ppm, floor_rows, accepted)


# 5% of 1,000 are 50; of 400 they are 20, which is the floor; of 1,019 they are 50.95.
@pytest.mark.parametrize("lapsing, owing, needs_consent", [
    (50, 1_000, False), (51, 1_000, True), (50, 1_019, False), (51, 1_019, True), (51, 1_020, False),
    (20, 20, False), (21, 21, True), (20, 400, False), (21, 400, True), (0, 0, False),
])  # fmt: skip
def test_consent_is_needed_above_both_ceiling_and_floor(lapsing, owing, needs_consent):
    assert (why(lapsing, owing) is not None) == needs_consent


@pytest.mark.parametrize("accepted, needs_consent", [(None, True), (50, True), (51, False), (1_000, False)])
def test_a_consent_covers_up_to_its_number_of_lapses(accepted, needs_consent):
    assert (why(51, 1_000, accepted) is not None) == needs_consent


@pytest.mark.parametrize("lapsing, owing, accepted, needs_consent", [
    (1, 1, None, True), (0, 3, None, True), (0, 3, 0, False), (1, 1, 0, True), (1, 1, 1, False), (0, 0, None, False),
])  # fmt: skip
def test_without_any_cash_receipt_every_lapse_needs_consent(lapsing, owing, accepted, needs_consent):
    assert (why(lapsing, owing, accepted, has_cash_receipts=False) is not None) == needs_consent


def test_the_summary_has_the_total_and_each_plan():
    text = LapseCount({"b": 1_200, "a": 3}, {"b": 2_000, "a": 4}, True).summary
    assert text == "1,203 of 2,004 members with a due would lapse (a 3 of 4, b 1,200 of 2,000)"
