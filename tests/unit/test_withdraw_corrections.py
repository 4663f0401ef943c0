"""A settlement with corrections posted into it is withdrawn: they stay and count in the next settlement. No Java."""

import pytest

from jobs.base.environment import load_environment
from jobs.base.errors import Refused
from jobs.cli import main
from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables
from jobs.pipeline.request import PeriodRequest
from jobs.register.lake_record import record_lake
from jobs.register.publications import CORRECT, corrections_into, publish, published_in
from jobs.register.runs import Run, recorded
from jobs.works.correct_pinning import pin_correction
from jobs.works.history import history_before
from schemas import TABLES
from tests.runs_recorded import done

PLAN, OTHER = "critical_illness", "senior_cancer"
P1, P2, P3, P4 = "2020-12-P1", "2020-12-P2", "2021-01-P1", "2021-01-P2"
POOLS = TABLES["settled/adjusted_pools"]


@pytest.fixture
def small(tmp_path):
    """P1 is closed and P2 settled; a correction of P1 adds 45 fen to the residual that P3 brings forward."""
    small = SmallTables(str(tmp_path))
    record_lake(small, "xianghubao", "settle")
    for period in (P1, P2):
        run_id = done(small, "settle", period, (PLAN,))
        carried_fen = {P1: 20, P2: 7}[period]
        pool = empty_row(TABLES["settled/pools"]) | {"period": period, "plan_id": PLAN, "run_id": run_id}
        pool["carried_forward_fen"] = carried_fen
        small.append(TABLES["settled/pools"], [pool], run_id)
    done(small, "collect", P1, (PLAN,), stage="final")
    done(small, "close", P1, (PLAN,), "closed")
    corrected(small, P3, 45)
    return small


def empty_row(table):
    """A row whose numbers are 0 and whose texts are short."""
    return {column.name: 0 if column.type == "BIGINT" else "x" for column in table.columns}


def corrected(small, into, adjusted_fen, revision=1, plan=PLAN):
    """A correction of P1 that is published, with its row of settled/adjusted_pools."""
    run = Run(CORRECT, "xianghubao", into, (plan,), {"reason": str(revision)}, {}, {"as_of": "2021-01-01"})
    with recorded(small, run) as record:
        record.begin(run)
        row = empty_row(POOLS) | {
            "period": into, "plan_id": plan, "origin_period": P1, "revision": revision, "adjusted_fen": adjusted_fen,
            "run_id": run.run_id,
        }  # fmt: skip
        small.append(POOLS, [row], run.run_id)
        publish(small, CORRECT, into, run.run_id, {plan: "digest"}, origin_period=P1)
        record.save("published")


def withdraw(small, capsys, period, *words):
    options = ["--lake", small.root, "--as-of", "2021-03-01", "--period", period, "--reason", "r"]
    return main(["withdraw", *options, *words]), *capsys.readouterr()


def lake_of(small):
    return Lake(small, lambda: pytest.fail("no Spark is needed"), lambda: False)


def brought_forward_fen(small, xianghubao, period):
    calendar = xianghubao.calendar
    return history_before(lake_of(small), calendar, calendar.period(period)).brought_forward_fen([PLAN])[PLAN]


def test_the_corrections_into_a_withdrawn_settlement_count_when_it_is_settled_again(small, xianghubao, capsys):
    done(small, "settle", P3, (PLAN,))
    before = corrections_into(small, P3)
    assert brought_forward_fen(small, xianghubao, P3) == 7 + 45
    exit_code, _, err = withdraw(small, capsys, P3)
    assert exit_code == 0 and f"{PLAN}: 1 corrections are posted into {P3}" in err
    assert published_in(small, "settle", P3) == {} and corrections_into(small, P3) == before
    assert brought_forward_fen(small, xianghubao, P3) == 7 + 45
    corrected(small, P3, 100, revision=2)
    assert [act.revision for act in corrections_into(small, P3)] == [1, 2]
    assert brought_forward_fen(small, xianghubao, P3) == 7 + 145, "withdrawn, the period takes further corrections"


def test_the_corrections_of_other_plans_and_periods_are_not_mentioned(small, capsys):
    done(small, "settle", P3, (PLAN, OTHER))
    assert "corrections" not in withdraw(small, capsys, P3, "--plan", OTHER)[2]


def test_corrections_into_a_later_period_stay_and_count_there(small, xianghubao, capsys):
    """P2 is withdrawn; the correction into P3 does not count in P2, but in P3 after P2 is settled again."""
    assert withdraw(small, capsys, P2)[0] == 0
    assert brought_forward_fen(small, xianghubao, P2) == 20
    done(small, "settle", P2, (PLAN,))
    assert brought_forward_fen(small, xianghubao, P3) == 7 + 45


@pytest.mark.parametrize("into", [P2, P3])
def test_nothing_is_corrected_into_a_period_before_one_that_has_corrections(small, xianghubao, capsys, into):
    """A correction into P2 cannot take into account the aid of the correction into P3, which is not paid yet."""
    withdraw(small, capsys, P2)
    with pytest.raises(Refused) as refused:
        pin(small, xianghubao, into)
    message = str(refused.value)
    assert f"posted into {P3} already" in message and f"`fentan settle --period {P2}`" in message
    assert f"`fentan correct --period {P1} --into {P3} --plan {PLAN} --reason ...`" in message


@pytest.mark.parametrize("into", [P2, P4])
def test_the_refusal_of_a_settled_or_later_period_names_the_first_open_one(small, xianghubao, into):
    with pytest.raises(Refused, match=f"`fentan correct --period {P1} --into {P3} --plan {PLAN} --reason ...`"):
        pin(small, xianghubao, into)


def test_an_origin_that_is_not_closed_is_closed_or_withdrawn_first(small, xianghubao):
    commands = f"`fentan close --period {P2}`.*`fentan withdraw --period {P2} --reason"
    with pytest.raises(Refused, match=commands) as refused:
        pin(small, xianghubao, P3, origin=P2)
    assert refused.value.exit_code == 4


def pin(small, xianghubao, into, origin=P1):
    calendar = xianghubao.calendar
    as_of, period = calendar.publicity_on(calendar.period(P4)), calendar.period(into)
    request = PeriodRequest(load_environment(None), xianghubao, small.root, as_of, period, (PLAN,))
    return pin_correction(request, lake_of(small), calendar.period(origin), "a reason")
