"""A released claim counts in exactly one settlement, at any time of release; settled periods keep their claims."""

from hypothesis import given
from hypothesis import strategies as st

from jobs.register.publications import Publication
from jobs.rulebook import load_platform
from jobs.works.releases import _is_claim_of
from tests.worlds_rows import claim

CALENDAR = load_platform("xianghubao").calendar
PERIODS = CALENDAR.between(CALENDAR.period("2020-01-P1"), CALENDAR.period("2020-06-P2"))
PLANS = ("critical_illness", "senior_cancer")


def used_in(period, plan_id) -> Publication:
    return Publication(str(period), plan_id, "settle", 1, "published", f"settle-{period}", "digest")


@given(
    of=st.integers(0, len(PERIODS) - 1),
    released_before=st.integers(0, len(PERIODS)),
    withdrawn=st.booleans(),
    elsewhere=st.lists(st.sampled_from(PERIODS), max_size=3),
)
def test_a_released_claim_counts_once(of, released_before, withdrawn, elsewhere):
    """`released_before`: the number of the period that is settled next when the claim is released."""
    row = {**claim(1, 1, PLANS[0], publicity_period=str(PERIODS[of])), "held_id": "x"}
    # The settlement of another plan in the same run does not use this row.
    users = {"x": [used_in(period, PLANS[1]) for period in elsewhere]}
    counted = []
    for number, period in enumerate(PERIODS):
        if number < released_before or not _is_claim_of(row, CALENDAR, period, users):
            continue
        if withdrawn and not counted:  # the first settlement with it is withdrawn, and settled again
            assert _is_claim_of(row, CALENDAR, period, users)
        users["x"].append(used_in(period, PLANS[0]))
        counted.append(number)
        assert _is_claim_of(row, CALENDAR, period, users), "settled again, the period has it still"
    first = max(of, released_before)
    assert counted == ([first] if first < len(PERIODS) else [])
