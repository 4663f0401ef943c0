"""What a correction is pinned from: decisions on receipts are among its inputs, recoveries are judged. No Java."""

from dataclasses import replace
from datetime import date

import pytest
from deltalake import write_deltalake

from jobs.base.environment import load_environment
from jobs.base.errors import GateStopped
from jobs.cli import main
from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables, arrow_table
from jobs.pipeline.request import PeriodRequest
from jobs.register.decisions import USED
from jobs.register.lake_record import record_lake
from jobs.register.publications import publish
from jobs.register.runs import Run
from jobs.works.correct import Correct, CorrectionResult
from jobs.works.correct_pinning import pin_correction
from schemas import TABLES
from tests.lakes import PERIOD, claim, member, receipt
from tests.runs_recorded import done
from tests.unit.test_decisions import hold, key

PLAN, OTHER, NEXT = "critical_illness", "senior_cancer", "2020-12-P2"
ONE_ID = [receipt(21, 7, 30), receipt(21, 7, 40)]
BACK = {"recovery_id": 1, "claim_id": 1, "amount_fen": 540, "recovered_on": date(2020, 12, 25)}


def load(small, source, rows):
    write_deltalake(small.path(source), arrow_table(TABLES[source], rows), mode="overwrite")


@pytest.fixture
def small(tmp_path):
    """The period is closed for one plan and open for the other; two receipts of one id are held."""
    small = SmallTables(str(tmp_path))
    record_lake(small, "xianghubao", "settle")
    load(small, "source/members", [member(7), member(8, OTHER)])
    load(small, "source/approved_claims", [claim(1, 7)])
    load(small, "source/receipts", ONE_ID)
    inputs = {"source/members": 0, "source/approved_claims": 0}
    run_id = done(small, "settle", PERIOD, (PLAN, OTHER), **inputs)
    pools = [pool_row(plan_id, run_id) for plan_id in (PLAN, OTHER)]
    small.append(TABLES["settled/pools"], pools, run_id)
    done(small, "collect", PERIOD, (PLAN, OTHER), stage="final")
    done(small, "close", PERIOD, (PLAN,), "closed")
    for row in ONE_ID:
        hold(small, "source/receipts", row, "receipt_duplicated", fen=row["amount_fen"])
    return small


def pool_row(plan_id, run_id):
    empty = {column.name: 0 if column.type == "BIGINT" else "x" for column in TABLES["settled/pools"].columns}
    return {**empty, "period": PERIOD, "plan_id": plan_id, "run_id": run_id}


def pin(small, xianghubao):
    calendar, lake = xianghubao.calendar, Lake(small, lambda: pytest.fail("no Spark is needed"), lambda: False)
    request = PeriodRequest(
        load_environment(None), xianghubao, small.root, date(2020, 12, 28), calendar.period(NEXT), (PLAN,)
    )
    return pin_correction(request, lake, calendar.period(PERIOD), "a reason")


def test_a_decision_is_an_input(small, xianghubao, capsys):
    before = pin(small, xianghubao).run
    assert USED not in before.input_versions
    true, untrue = (key(row, "source/receipts") for row in ONE_ID)
    by = ("--by", "Li Wei", "--reason", "bank statement", "--as-of", "2020-12-28")
    assert main(["quarantine", "release", true, "--lake", small.root, *by]) == 0, capsys.readouterr().err
    after = pin(small, xianghubao).run
    assert after.input_versions[USED] == {true: "release", untrue: "waive"}
    assert after.run_id != before.run_id == pinned_without(after, USED).run_id


def test_what_was_waived_is_never_settled(small, xianghubao, capsys):
    """A late claim and a receipt are waived: the correction leaves them out, equal rows of the claim both."""
    late = claim(2, 7, approved_aid_fen=500)
    load(small, "source/approved_claims", [claim(1, 7), late, late])
    lapsed = receipt(30, 7, 98)
    load(small, "source/receipts", [*ONE_ID, lapsed])
    hold(small, "source/approved_claims", late, "claim_after_settlement")
    hold(small, "source/receipts", lapsed, "receipt_after_lapse", fen=98)
    before = pin(small, xianghubao)
    assert before.origin.late_claims.added == [] and before.waived_receipt_ids == []
    for row, source in ((late, "source/approved_claims"), (lapsed, "source/receipts")):
        by = ("--by", "Li Wei", "--reason", "paid back", "--as-of", "2020-12-28")
        assert main(["quarantine", "waive", key(row, source), "--lake", small.root, *by]) == 0, capsys.readouterr().err
    pinned = pin(small, xianghubao)
    assert pinned.origin.late_claims.added == [late, late] and pinned.waived_receipt_ids == [30]
    assert set(pinned.run.input_versions[USED].values()) == {"waive"}
    assert pinned.run.run_id != before.run.run_id


def test_plans_of_a_period_with_corrections_are_closed_together(small, capsys):
    done(small, "settle", NEXT, (PLAN, OTHER), **{"source/members": 0, "source/approved_claims": 0})
    words = ["close", "--lake", small.root, "--period", NEXT, "--as-of", "2021-03-01", "--plan", PLAN]
    assert main(words) == 4 and "not collected up to" in (before := capsys.readouterr().err), before
    run = Run("correct", "xianghubao", NEXT, (OTHER,), {}, {}, {})
    publish(small, "correct", NEXT, run.run_id, {OTHER: "digest"}, origin_period=PERIOD)
    assert main(words) == 4
    message = capsys.readouterr().err
    assert f"{OTHER} would stay open" in message and f"`fentan close --period {NEXT}`" in message


def pinned_without(run, name):
    return replace(run, input_versions={key: value for key, value in run.input_versions.items() if key != name})


def test_recoveries_are_judged_and_their_results_recorded(small, xianghubao):
    assert pin(small, xianghubao).recovery_results == []
    load(small, "source/recoveries", [BACK])
    pinned = pin(small, xianghubao)
    results = pinned.recovery_results
    assert [(r.table_name, r.success, r.element_count) for r in results] == [("source/recoveries", True, 1)] * 3
    work, nothing = Correct(pinned.origin.request.period, "r"), CorrectionResult({}, {}, {})
    gate = type("Gate", (), {"results": ("a result of the gate",)})
    assert work.rule_results(pinned, gate, None) == ("a result of the gate", *results)
    assert work.rule_results(pinned, gate, nothing) == ("a result of the gate", *results)
    load(small, "source/recoveries", [{**BACK, "amount_fen": 0}])
    with pytest.raises(GateStopped, match="The amount is above zero"):
        pin(small, xianghubao)
