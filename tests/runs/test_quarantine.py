"""Decisions on held rows: released rows are used by the next settlement, collection or close; waived rows are not."""

from datetime import date

import pytest

from jobs.gate.held_id import held_id_of
from jobs.rulebook import load_platform
from schemas import TABLES
from tests.collected import collect, posted_fen, statuses
from tests.lakes import PERIOD, LakeFolder, claim, member, receipt
from tests.oracle import History, World, settle

NEXT, LATER = "2020-12-P2", "2021-01-P1"
PLAN = "critical_illness"
BY = ("--by", "Li Wei", "--reason", "seen the papers")
MEMBERS, CLAIMS, RECEIPTS, COSTS = (
    "source/members", "source/approved_claims", "source/receipts", "source/operating_costs",
)  # fmt: skip
TEN = [member(i) for i in range(1, 11)]
NO_SEX, TWICE = member(11, sex=None), [member(12), member(12, tier="basic")]
COUNTED, ODD = claim(1, 7, approved_aid_fen=90), claim(2, 4, sex="X", approved_aid_fen=50)
ONE_ID = [claim(3, 5, approved_aid_fen=40), claim(3, 6, approved_aid_fen=30)]
RELEASED = (NO_SEX, TWICE[0], ODD, ONE_ID[1])


def key(row, source):
    return held_id_of(TABLES[source], row)


def decide(lake, action, row, source, exit_code=0):
    ended = lake.run("quarantine", action, key(row, source), *BY)
    assert ended.exit_code == exit_code, ended.err
    return ended


def held(lake, table, period=PERIOD):
    """By held_id, the person who decided on the row held in the period."""
    rows = lake.rows(f"control/quarantine_{table}", held_in_period=period)
    return {row["held_id"]: row["released_by"] for row in rows}


def undecided(lake):
    return {row["table"].split("_")[1]: row["count"] for row in lake.run("status").document["undecided"]}


@pytest.fixture(scope="module")
def released_once(spark, tmp_path_factory):
    """P1 is settled with bad members and claims held, then four of them are released; P2 is not settled yet."""
    lake = LakeFolder(spark, tmp_path_factory.mktemp("released") / "lake")
    lake.load([*TEN, NO_SEX, *TWICE], [COUNTED, ODD, *ONE_ID])
    ended = lake.settle()
    assert ended.exit_code == 0, ended.err
    lake.undecided = undecided(lake)
    sources = (MEMBERS, MEMBERS, CLAIMS, CLAIMS)
    lake.decided = [decide(lake, "release", row, source) for row, source in zip(RELEASED, sources, strict=True)]
    return lake


def world(released=()):
    return World(load_platform("xianghubao"), (*TEN, NO_SEX, *TWICE), (COUNTED, ODD, *ONE_ID), released=released)


def test_held_rows_have_the_id_that_python_computes(released_once):
    members = {key(row, MEMBERS) for row in (NO_SEX, *TWICE)}
    claims = {key(row, CLAIMS) for row in (ODD, *ONE_ID)}
    assert set(held(released_once, "members")) == members and set(held(released_once, "claims")) == claims
    assert released_once.undecided == {"members": 3, "claims": 3}


def test_a_release_marks_the_quarantine_waives_rows_of_the_same_key_and_is_recorded(released_once):
    assert [ended.document["waived"] for ended in released_once.decided] == [
        [], [key(TWICE[1], MEMBERS)], [], [key(ONE_ID[0], CLAIMS)],
    ]  # fmt: skip
    assert set(held(released_once, "members").values()) == set(held(released_once, "claims").values()) == {"Li Wei"}
    assert undecided(released_once) == {}
    runs = [row for row in released_once.rows("control/runs") if row["job"] == "quarantine"]
    assert {row["state"] for row in runs} == {"published"} and len(runs) == 4


def test_released_members_and_claims_are_settled_next_and_agree_with_the_oracle(released_once, tmp_path):
    lake = released_once.copied(tmp_path / "lake")
    before = lake.rows("settled/pools"), lake.rows("settled/assessments")
    assert lake.settle().document["state"] == "already settled", "a release does not change a settled period"
    preview = lake.run("preview", "--period", NEXT)
    ended = lake.settle(NEXT)
    assert ended.exit_code == 0, ended.err
    first = settle(world(), PERIOD, History())
    expected = settle(world(RELEASED), NEXT, History().after(first)).plans[PLAN]
    (pool,) = lake.rows("settled/pools", NEXT)
    assert {name: pool[name] for name in expected.pool} == expected.pool
    by_member = {row["member_id"]: (row["tier"], row["share_fen"]) for row in lake.rows("settled/assessments", NEXT)}
    assert by_member == {row["member_id"]: (row["tier"], row["share_fen"]) for row in expected.assessments}
    assert set(by_member) == set(range(1, 13)) and by_member[12][0] == "standard"
    benefits = {row["claim_id"]: (row["member_id"], row["benefit_fen"]) for row in lake.rows("settled/benefits", NEXT)}
    assert benefits == {2: (4, 50), 3: (6, 30)}
    assert preview.document["plans"][PLAN]["pool"]["due_fen"] == pool["due_fen"], "the same code path"
    assert (lake.rows("settled/pools"), lake.rows("settled/assessments")) == before
    assert held(lake, "members", NEXT) == {key(TWICE[1], MEMBERS): "Li Wei"}, "the waived row is held with its decision"
    # Settling again changes nothing, and the decisions that a settlement used are final.
    assert lake.settle(NEXT).document["state"] == "already settled"
    assert lake.settle().document["state"] == "already settled"
    for row, source in ((NO_SEX, MEMBERS), (ONE_ID[1], CLAIMS)):
        assert f"settle {NEXT}" in decide(lake, "waive", row, source, exit_code=4).err
    decide(lake, "release", ONE_ID[0], CLAIMS, exit_code=4)
    for member_id in ("11", "12"):
        assert lake.run("explain", "--member", member_id, "--period", NEXT).exit_code == 0
    reported = lake.run("report", "--period", NEXT)
    assert reported.exit_code == 0, reported.err
    assert sorted(row["aid_fen"] for row in lake.rows("report/publicity", NEXT)) == [30, 50]
    # The claims have counted; the members stay covered in the next period.
    assert lake.settle(LATER).exit_code == 0
    (later,) = lake.rows("settled/pools", LATER)
    assert (later["case_count"], later["covered_count"]) == (0, 12)


def test_a_decision_that_does_not_affect_a_run_is_not_among_its_inputs(settled, tmp_path):
    """A waiver does not affect a settlement: the run id of P2 is the same with and without it."""
    late = claim(2, 4, approved_aid_fen=50)
    settled.write(CLAIMS, [late], mode="append")
    assert settled.settle().exit_code == 0
    other = settled.copied(tmp_path / "with_a_waiver")
    decide(other, "waive", late, CLAIMS)
    assert settled.settle(NEXT).document["run_id"] == other.settle(NEXT).document["run_id"]


def test_late_claims_are_reported_until_they_are_released_or_waived(settled):
    late = [claim(2, 4, approved_aid_fen=50), claim(3, 5, approved_aid_fen=30)]
    settled.write(CLAIMS, late, mode="append")
    assert "2 claims of" in settled.settle().err
    decide(settled, "waive", late[0], CLAIMS)
    assert "1 claims of" in settled.settle().err
    decide(settled, "release", late[1], CLAIMS)
    again = settled.settle()
    assert (again.exit_code, "came after its settlement" in again.err) == (0, False), again.err
    assert held(settled, "claims") == dict.fromkeys((key(row, CLAIMS) for row in late), "Li Wei")
    assert undecided(settled) == {}
    ended = settled.settle(NEXT)
    assert ended.exit_code == 0 and "came after" not in ended.err, ended.err
    assert settled.settle().document["state"] == settled.settle(NEXT).document["state"] == "already settled"
    assert held(settled, "claims") == dict.fromkeys((key(row, CLAIMS) for row in late), "Li Wei")
    assert [(row["claim_id"], row["benefit_fen"]) for row in settled.rows("settled/benefits", NEXT)] == [(3, 30)]
    assert settled.rows("settled/pools", NEXT)[0]["case_count"] == 1


def test_of_receipts_with_one_id_only_the_released_one_counts(settled):
    true, other = receipt(1, 4, 10), receipt(1, 4, 25)
    settled.write(RECEIPTS, [true, other, *(receipt(i, i, 10) for i in range(5, 11))])
    assert collect(settled, "2020-12-14").exit_code == 0
    assert statuses(settled)[4] == ("in_grace", 0)
    assert posted_fen(settled, PLAN)["cash", "suspense"] == 35, "both are booked until one of them is released"
    shown = settled.run("quarantine", "show", key(true, RECEIPTS)).document
    assert [row["row"]["amount_fen"] for row in shown["same_key"]] == [25]
    assert decide(settled, "release", true, RECEIPTS).document["waived"] == [key(other, RECEIPTS)]
    again = collect(settled, "2020-12-14")
    assert again.exit_code == 0 and again.document["state"] != "nothing new", again.err
    assert statuses(settled)[4] == ("collected", 10)
    assert ("cash", "suspense") not in posted_fen(settled, PLAN)
    both = dict.fromkeys((key(row, RECEIPTS) for row in (true, other)), "Li Wei")
    assert held(settled, "receipts") == both, "the released row stays, so that later runs know it"
    assert collect(settled, "2020-12-14").document["state"] == "nothing new"
    assert collect(settled, "2020-12-26").exit_code == 0
    assert (statuses(settled)[4], held(settled, "receipts")) == (("collected", 10), both)
    assert settled.run("close", "--period", PERIOD, "--as-of", "2020-12-26").exit_code == 0
    closed = decide(settled, "waive", true, RECEIPTS, exit_code=4)
    assert "fentan correct" in closed.err
    assert "which is closed" in decide(settled, "release", other, RECEIPTS, exit_code=4).err
    assert collect(settled, "2020-12-28").document["state"] == "nothing new"


def test_a_released_receipt_from_before_the_publicity_day_counts_on_that_day(settled):
    early = receipt(1, 4, 10, date(2020, 12, 1))
    settled.write(RECEIPTS, [early, *(receipt(i, i, 10) for i in range(5, 11))])
    assert collect(settled, "2020-12-14").exit_code == 0
    decide(settled, "release", early, RECEIPTS)
    assert collect(settled, "2020-12-14").exit_code == 0
    (row,) = settled.rows("settled/collections", member_id=4)
    assert (row["status"], row["collected_on"]) == ("collected", date(2020, 12, 7))


def test_a_released_cost_is_posted_by_the_next_close_of_its_month(settled):
    def cost(amount_fen):
        return {"cost_id": 1, "month": "2020-12", "category": "technology", "amount_fen": amount_fen,
                "description": "-"}  # fmt: skip

    settled.write(RECEIPTS, [receipt(1, 1, 30), *(receipt(i, i, 10) for i in range(4, 11))])
    settled.write(COSTS, [cost(8), cost(80)])
    assert collect(settled, "2020-12-26").exit_code == 0
    first = settled.run("close", "--period", PERIOD, "--as-of", "2020-12-26")
    assert first.exit_code == 0 and "rows are held" in first.err
    assert settled.rows("ledger/fee")[0]["used_technology_fen"] == 0
    decide(settled, "release", cost(8), COSTS)
    assert settled.settle(NEXT).exit_code == 0
    settled.write(RECEIPTS, [receipt(100 + i, i, 10, date(2020, 12, 28), NEXT) for i in range(1, 11)], mode="append")
    assert collect(settled, "2021-01-12", NEXT).exit_code == 0
    last = settled.run("close", "--period", NEXT, "--as-of", "2021-01-12")
    assert last.exit_code == 0 and "rows are held" not in last.err, last.err
    assert settled.rows("ledger/fee", NEXT)[0]["used_technology_fen"] == 8
    assert held(settled, "costs", NEXT) == {key(cost(80), COSTS): "Li Wei"}
    assert f"close {NEXT}" in decide(settled, "release", cost(80), COSTS, exit_code=4).err
