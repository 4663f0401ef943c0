"""`status` shows the stage of each plan and period, the held rows and the next commands. No Java."""

import json
from datetime import date

import pytest

from jobs.cli import main
from jobs.lake.small import SmallTables
from jobs.register.lake_record import record_lake
from schemas import TABLES
from tests.runs_recorded import done

PLAN, OTHER = "critical_illness", "senior_cancer"
HELD = TABLES["control/quarantine_members"]


@pytest.fixture
def small(tmp_path):
    """P1 is closed for one plan and collected for the other, P2 is settled for both; one member row is held."""
    small = SmallTables(str(tmp_path))
    record_lake(small, "xianghubao", "settle")
    for period in ("2020-12-P1", "2020-12-P2"):
        done(small, "settle", period, (PLAN, OTHER))
    done(small, "collect", "2020-12-P1", (PLAN, OTHER), stage="final")
    done(small, "close", "2020-12-P1", (PLAN,), "closed")
    held = {"plan_id": PLAN, "member_id": 7, "joined_on": date(2019, 6, 1), "reasons": ["member_key_missing"],
            "first_seen_period": "2020-12-P1", "held_in_period": "2020-12-P1", "amount_at_stake_fen": 12,
            "run_id": "settle"}  # fmt: skip
    small.append(HELD, [held], "settle")
    return small


def status(small, capsys, *words):
    assert main(["status", "--lake", small.root, *words]) == 0
    return capsys.readouterr().out


def document(small, capsys, *words):
    return json.loads(status(small, capsys, "--json", *words))


def test_a_period_has_the_stage_days_and_duration_of_its_latest_publication(small, capsys):
    rows = {(row["period"], row["plan_id"]): row for row in document(small, capsys)["periods"]}
    assert {key: row["stage"] for key, row in rows.items()} == {
        ("2020-12-P1", PLAN): "closed", ("2020-12-P1", OTHER): "collected",
        ("2020-12-P2", PLAN): "settled", ("2020-12-P2", OTHER): "settled",
    }  # fmt: skip
    row = rows["2020-12-P1", PLAN]
    assert [row[day] for day in ("publicity_on", "deduction_on", "grace_ends_on")] == [
        "2020-12-07", "2020-12-14", "2020-12-26",
    ]  # fmt: skip
    assert row["action"] == "published" and row["run_id"].startswith("settle-"), "as before: the settlement's"
    assert [name for name in row["stages"]] == ["settled", "collected", "closed"]
    assert row["stages"]["closed"]["run_id"].startswith("close-")
    assert all(stage["duration_seconds"] >= 0 for stage in row["stages"].values())


def test_next_steps_are_commands_with_their_days(small, capsys):
    shown = document(small, capsys, "--as-of", "2020-12-27")
    steps = [(step["command"].split(" --")[0], step["command"].split()[-1], step["from"], step["is_due"], step["plans"])
             for step in shown["next"]]  # fmt: skip
    assert steps == [
        ("fentan close", "2020-12-P1", "2020-12-26", True, [OTHER]),
        ("fentan collect", "2020-12-P2", "2020-12-28", False, [PLAN, OTHER]),
        ("fentan settle", "2021-01-P1", "2021-01-07", False, [PLAN, OTHER]),
    ]
    assert all(f"--lake {small.root} " in step["command"] for step in shown["next"])


def test_a_collection_in_grace_is_collected_again_before_the_close(small, capsys):
    done(small, "collect", "2020-12-P2", (PLAN, OTHER), stage="deducting")
    (step,) = [step for step in document(small, capsys)["next"] if "2020-12-P2" in step["command"]]
    assert step["command"].startswith("fentan collect") and step["from"] == "2021-01-12"


def test_held_rows_are_counted_by_table_and_period(small, capsys):
    assert document(small, capsys)["held"] == [
        {"table": HELD.name, "period": "2020-12-P1", "count": 1, "amount_at_stake_fen": 12}
    ]


def test_the_text_names_stages_days_and_commands(small, capsys):
    text = status(small, capsys, "--as-of", "2020-12-27")
    for expected in ("closed", "collected", "2020-12-26", "fentan close", "now", "from 2020-12-28", HELD.name, "0.12"):
        assert expected in text, (expected, text)


def test_a_lake_without_publications_shows_the_first_command(tmp_path, capsys):
    assert "nothing has been settled yet" in status(SmallTables(str(tmp_path)), capsys)


def test_implausible_amounts_at_stake_are_summed_like_others(small):
    row = {"plan_id": PLAN, "member_id": 8, "reasons": ["a"], "first_seen_period": "2020-12-P2", "run_id": "settle",
           "held_in_period": "2020-12-P2"}  # fmt: skip
    small.append(HELD, [{**row, "amount_at_stake_fen": fen} for fen in (2**62, 2**62, 2**62, -5)], "settle")
    assert small.sums_by(HELD.name, "held_in_period", "amount_at_stake_fen", "released_by is null") == {
        "2020-12-P1": (1, 12), "2020-12-P2": (4, 3 * 2**62 - 5)
    }  # fmt: skip
