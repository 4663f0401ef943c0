"""Which settlement a period continues, also if a settled period is settled or compared again."""

import pytest

from jobs.base.errors import Refused
from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables
from jobs.register.publications import publish
from jobs.register.stages import stages_in
from jobs.works.history import history_before

PLAN, LATER_PLAN = "critical_illness", "senior_cancer"


@pytest.fixture
def lake(tmp_path):
    """P1, P2 and the next P1 of a plan are settled; another plan begins with P2."""
    small = SmallTables(str(tmp_path))
    for period, plans in (("2020-12-P1", [PLAN]), ("2020-12-P2", [PLAN, LATER_PLAN]), ("2021-01-P1", [PLAN])):
        publish(small, "settle", period, f"settle-{period}", {plan: f"digest {period}" for plan in plans})
    return Lake(small, lambda: pytest.fail("no Spark is needed"), lambda: False)


def history(lake, xianghubao, period):
    return history_before(lake, xianghubao.calendar, xianghubao.calendar.period(period))


def test_a_settled_period_still_continues_the_same_settlement_after_later_ones(lake, xianghubao):
    assert history(lake, xianghubao, "2020-12-P1").predecessor(PLAN) is None, "the plan's first period, settled already"
    before = {"2020-12-P2": "2020-12-P1", "2021-01-P1": "2020-12-P2", "2021-01-P2": "2021-01-P1"}
    for period, previous in before.items():
        assert history(lake, xianghubao, period).predecessor(PLAN).period == previous
    assert history(lake, xianghubao, "2020-12-P2").predecessor(LATER_PLAN) is None


def test_a_period_before_the_first_settled_one_is_refused(lake, xianghubao):
    for period, plan in (("2020-11-P2", PLAN), ("2020-12-P1", LATER_PLAN), ("2021-02-P1", PLAN)):
        with pytest.raises(Refused, match="is not settled"):
            history(lake, xianghubao, period).predecessor(plan)
    assert history(lake, xianghubao, "2020-12-P1").is_before_first(LATER_PLAN)
    assert not history(lake, xianghubao, "2020-12-P2").is_before_first(LATER_PLAN), "it is the plan's first"
    assert not history(lake, xianghubao, "2020-12-P1").is_before_first("chronic"), "a plan without settlements"


def test_the_stage_of_a_period_is_that_of_its_latest_publication(lake):
    small = lake.small
    assert stages_in(small, "2020-12-P1", [PLAN, LATER_PLAN]) == {PLAN: "settled", LATER_PLAN: "not settled"}
    publish(small, "collect", "2020-12-P1", "collect", {PLAN: "digest"})
    assert stages_in(small, "2020-12-P1", [PLAN]) == {PLAN: "collected"}
    publish(small, "close", "2020-12-P1", "close", {PLAN: "digest"}, action="closed")
    assert stages_in(small, "2020-12-P1", [PLAN]) == {PLAN: "closed"}
    assert stages_in(small, "2020-12-P2", [PLAN, LATER_PLAN]) == {PLAN: "settled", LATER_PLAN: "settled"}
