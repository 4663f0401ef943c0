"""`withdraw` takes back a settlement that no later run depends on; `status` and the next settlement follow. No Java."""

import json
from datetime import date, datetime

import pytest

from jobs.cli import main
from jobs.lake.small import SmallTables
from jobs.ledger.journal import NETTED_FROM_NEXT
from jobs.register.lake_record import record_lake
from jobs.register.publications import published_in, withdrawn_in
from jobs.register.runs import is_published
from schemas import TABLES
from tests.runs_recorded import done

PLAN, OTHER = "critical_illness", "senior_cancer"
P1, P2, P3 = "2020-12-P1", "2020-12-P2", "2021-01-P1"
REASON = "the claims of May were missing"


@pytest.fixture
def small(tmp_path):
    """P1 is settled for two plans by one run."""
    small = SmallTables(str(tmp_path))
    record_lake(small, "xianghubao", "settle")
    done(small, "settle", P1, (PLAN, OTHER))
    return small


def command(small, capsys, *words, as_of="2021-03-01"):
    try:
        exit_code = main([words[0], "--lake", small.root, "--as-of", as_of, *words[1:]])
    except SystemExit as stop:
        exit_code = stop.code
    out, err = capsys.readouterr()
    return exit_code, out, err


def withdraw(small, capsys, period=P1, *words, reason=REASON):
    return command(small, capsys, "withdraw", "--period", period, "--reason", reason, *words)


def acts(small, period=P1, job="settle"):
    rows = small.rows("control/publications", f"period = '{period}' and job = '{job}'")
    return sorted((row["plan_id"], row["revision"], row["action"], row["run_id"]) for row in rows)


def test_the_row_withdrawn_names_the_revision_and_run_it_takes_back(small, capsys):
    (run_id,) = {act.run_id for act in published_in(small, "settle", P1).values()}
    exit_code, out, err = withdraw(small, capsys, P1, "--plan", PLAN, "--json")
    assert exit_code == 0, err
    assert json.loads(out)["plans"][PLAN]["revision"] == 1
    assert acts(small) == [
        (PLAN, 1, "published", run_id), (PLAN, 1, "withdrawn", run_id), (OTHER, 1, "published", run_id),
    ]  # fmt: skip
    assert list(published_in(small, "settle", P1)) == [OTHER]
    assert list(withdrawn_in(small, "settle", P1)) == [PLAN]


def test_the_reason_and_the_operator_are_kept_in_control_runs(small, capsys, monkeypatch):
    monkeypatch.setenv("FENTAN_BY", "Li Wei")
    assert withdraw(small, capsys, reason="  two\nwords ")[0] == 0
    (run,) = small.rows("control/runs", "job = 'withdraw'")
    settings = json.loads(run["settings"])
    assert (run["state"], settings["reason"], settings["withdrawn_by"]) == ("published", "two words", "Li Wei")
    assert is_published(small, run)


def test_withdrawing_twice_changes_nothing(small, capsys):
    withdraw(small, capsys)
    before = acts(small)
    exit_code, out, _ = withdraw(small, capsys, P1, "--json")
    assert (exit_code, json.loads(out)["state"]) == (0, "already withdrawn")
    assert acts(small) == before and len(small.rows("control/runs", "job = 'withdraw'")) == 1


@pytest.mark.parametrize("words", [(), ("--reason", ""), ("--reason", "  ")], ids=["none", "empty", "blank"])
def test_a_missing_reason_is_wrong_usage(small, capsys, words):
    assert command(small, capsys, "withdraw", "--period", P1, *words)[0] == 2
    assert len(acts(small)) == 2


def test_a_period_that_was_never_settled_is_refused(small, capsys):
    exit_code, _, err = withdraw(small, capsys, P2)
    assert exit_code == 4 and "not settled" in err and "`fentan status`" in err


def test_the_next_settlement_is_the_next_revision_also_from_the_same_sources(small, capsys):
    """Also under the same run id: its rows are valid again, by its later revision."""
    withdraw(small, capsys)
    run_id = done(small, "settle", P1, (PLAN, OTHER))
    assert acts(small)[-3:] == [
        (OTHER, 1, "published", run_id), (OTHER, 1, "withdrawn", run_id), (OTHER, 2, "published", run_id),
    ]  # fmt: skip
    assert {act.revision for act in published_in(small, "settle", P1).values()} == {2}
    assert withdraw(small, capsys)[0] == 0
    assert published_in(small, "settle", P1) == {}
    assert {act.revision for act in withdrawn_in(small, "settle", P1).values()} == {2}


@pytest.mark.parametrize("job", ["collect", "close"])
def test_a_collected_or_closed_settlement_is_refused_with_the_next_command(small, capsys, job):
    done(small, "collect", P1, (PLAN,), stage="final")
    if job == "close":
        done(small, "close", P1, (PLAN,), "closed")
    exit_code, _, err = withdraw(small, capsys)
    assert exit_code == 4 and "Nothing was withdrawn" in err and "collected by collect-" in err
    assert f"`fentan correct --period {P1} --into {P2} --plan {PLAN} --reason" in err
    assert (f"`fentan close --period {P1}" in err) is (job == "collect")
    assert len(published_in(small, "settle", P1)) == 2, "neither plan"
    assert withdraw(small, capsys, P1, "--plan", OTHER)[0] == 0, "of this plan nothing was collected"


def test_the_previous_period_is_collected_again_afterwards_while_it_is_open(small, capsys):
    done(small, "settle", P2, (PLAN,))
    done(small, "collect", P1, (PLAN,), stage="final")
    exit_code, _, err = withdraw(small, capsys, P2)
    assert exit_code == 0 and f"`fentan collect --period {P1}` again" in err
    done(small, "settle", P2, (PLAN,))
    done(small, "close", P1, (PLAN,), "closed")
    assert "fentan collect" not in withdraw(small, capsys, P2)[2]


def test_a_later_settlement_must_be_withdrawn_first(small, capsys):
    for period in (P2, P3):
        done(small, "settle", period, (PLAN,))
    exit_code, _, err = withdraw(small, capsys, P1, "--plan", PLAN)
    assert exit_code == 4 and f"{P2} is settled" in err and f"{P3} is settled" in err
    assert f"`fentan withdraw --period {P3} --plan {PLAN} --reason" in err
    for period in (P3, P2, P1):
        assert withdraw(small, capsys, period, "--plan", PLAN)[0] == 0


def test_a_settlement_whose_aid_paid_arrears_of_the_previous_period_is_refused(small, capsys):
    done(small, "settle", P2, (PLAN,))
    run_id = done(small, "collect", P1, (PLAN,), stage="final")
    entry = {"period": P1, "plan_id": PLAN, "job": "collect", "posted_on": date(2020, 12, 26), "run_id": run_id,
             "debit_account": "benefits_payable", "credit_account": "members_receivable", "amount_fen": 12_34,
             "reason": NETTED_FROM_NEXT, "reference": "r", "entry_id": "e"}  # fmt: skip
    small.append(TABLES["ledger/journal"], [entry], run_id)
    exit_code, _, err = withdraw(small, capsys, P2)
    assert exit_code == 4 and f"the collection of {P1} set off 12.34 yuan" in err
    assert f"`fentan correct --period {P2} --into {P3}" in err


def held(small, table, run_id, **values):
    days = {"first_seen_period": P1, "held_in_period": P1, "amount_at_stake_fen": 12, "run_id": run_id}
    small.append(TABLES[table], [{"reasons": ["member_key_missing"], **days, **values}], run_id)


def test_rows_it_held_are_removed(small, capsys):
    """Rows of unknown plans stay while the other plan of the run is settled; its late claims are no longer held."""
    (run_id,) = {act.run_id for act in published_in(small, "settle", P1).values()}
    late = {"reasons": ["claim_after_settlement"], "publicity_period": P1}
    for number, plan_id in enumerate([PLAN, OTHER, "nonsense", None]):
        held(small, "control/quarantine_members", run_id, plan_id=plan_id, member_id=number)
        held(small, "control/quarantine_claims", run_id, plan_id=plan_id, claim_id=number)
        held(small, "control/quarantine_claims", run_id, plan_id=plan_id, claim_id=10 + number, **late)
    held(small, "control/quarantine_claims", run_id, plan_id=PLAN, claim_id=20, **{**late, "publicity_period": P2})
    held(
        small, "control/quarantine_claims", "settle-later", plan_id=PLAN, claim_id=21, **{**late, "held_in_period": P2}
    )
    held(small, "control/quarantine_members", run_id, plan_id=PLAN, member_id=30, released_by="Wang Fang")
    held(small, "control/quarantine_claims", run_id, plan_id=PLAN, claim_id=31, **late, released_by="Wang Fang")
    withdraw(small, capsys, P1, "--plan", PLAN)
    assert _held_ids(small) == ([1, 2, 3, 30], [1, 2, 3, 11, 12, 13, 20, 31])
    withdraw(small, capsys, P1, "--plan", OTHER)
    assert _held_ids(small) == ([30], [12, 13, 20, 31]), "rows with a decision are kept"


def _held_ids(small):
    members, claims = (small.rows(f"control/quarantine_{name}") for name in ("members", "claims"))
    return sorted(row["member_id"] for row in members), sorted(row["claim_id"] for row in claims)


def test_status_lists_the_withdrawal_with_its_reason_and_proposes_to_settle(small, capsys):
    withdraw(small, capsys, P1, "--plan", PLAN)
    _, out, _ = command(small, capsys, "status", "--json")
    document = json.loads(out)
    assert [(row["period"], row["plan_id"]) for row in document["periods"]] == [(P1, OTHER)]
    ((row),) = document["withdrawn"]
    assert (row["period"], row["plan_id"], row["revision"], row["reason"]) == (P1, PLAN, 1, REASON)
    settle = [
        step for step in document["next"] if step["command"].endswith(f"settle --lake {small.root} --period {P1}")
    ]
    assert [step["plans"] for step in settle] == [[PLAN]]
    _, out, _ = command(small, capsys, "status")
    assert REASON in out


def test_status_shows_the_instant_of_the_latest_revision(small, capsys):
    withdraw(small, capsys)
    done(small, "settle", P1, (PLAN, OTHER))
    _, out, _ = command(small, capsys, "status", "--json")
    document = json.loads(out)
    last = max(row["published_at"] for row in small.rows("control/publications", "revision = 2"))
    assert {datetime.fromisoformat(row["published_at"]) for row in document["periods"]} == {last}
    assert document["withdrawn"] == []


def test_a_withdrawal_killed_after_its_commit_is_finished_by_the_next(small, capsys):
    (run_id,) = {act.run_id for act in published_in(small, "settle", P1).values()}
    withdraw(small, capsys, P1, "--plan", PLAN)
    (row,) = small.rows("control/runs", "job = 'withdraw'")
    small.replace(TABLES["control/runs"], [{**row, "state": "running"}], f"run_id = '{row['run_id']}'", row["run_id"])
    held(small, "control/quarantine_members", run_id, plan_id=PLAN, member_id=1)
    assert withdraw(small, capsys, P1, "--plan", PLAN)[0] == 0
    assert _held_ids(small)[0] == []
    assert [row["state"] for row in small.rows("control/runs", "job = 'withdraw'")] == ["published"]
