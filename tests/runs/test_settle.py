"""Settlements through the command, on real Delta tables: published, refused, and without any change."""

from datetime import date

import pytest
from delta.tables import DeltaTable

from tests.collected import collect
from tests.lakes import PERIOD, LakeFolder, claim, member, receipt

TABLES_OF_A_SETTLEMENT = (
    "settled/benefits", "settled/pools", "settled/rates", "settled/assessments", "settled/bills", "ledger/journal",
    "ledger/fee",
)  # fmt: skip


@pytest.fixture
def hundred(lake):
    """100 standard members; one claim of 100,000 yuan, of which the per-case cap allows 0.10 yuan x 100 = 1,000 fen."""
    return with_hundred(lake)


def with_hundred(lake):
    return lake.load([member(i) for i in range(1, 101)], [claim(1, 7)])


@pytest.fixture(scope="module")
def hundred_once(spark, tmp_path_factory):
    lake = with_hundred(LakeFolder(spark, tmp_path_factory.mktemp("hundred") / "lake"))
    return lake, lake.settle()


@pytest.fixture
def settled_hundred(hundred_once, tmp_path):
    """A settled copy of `hundred_once`, and the result of the command."""
    lake, ended = hundred_once
    return lake.copied(tmp_path / "lake"), ended


def test_a_case_is_shared_up_to_the_cap_and_the_rest_is_sponsored(settled_hundred):
    hundred, ended = settled_hundred
    assert ended.exit_code == 0, ended.err
    (pool,) = hundred.rows("settled/pools")
    # aid 10,000,000 + fee 800,000 = 10,800,000; 10 x 100 = 1,000 allowed; 10,799,000 sponsored by the platform
    assert (pool["benefit_fen"], pool["fee_fen"], pool["case_sponsored_fen"]) == (10_000_000, 800_000, 10_799_000)
    assert (pool["pool_fen"], pool["billed_fen"], pool["due_fen"], pool["carried_forward_fen"]) == (
        1_000,
        1_000,
        1_000,
        0,
    )
    (rate,) = hundred.rows("settled/rates")
    # 10 fen each; the fee part is 10 x 800,000 / 10,800,000 = 0.74 -> 1
    assert (rate["share_fen"], rate["share_aid_fen"], rate["share_fee_fen"]) == (10, 9, 1)
    assert {row["due_fen"] for row in hundred.rows("settled/assessments")} == {10}


def test_the_journal_balances_and_the_fee_ledger_follows_from_it(settled_hundred):
    hundred, _ = settled_hundred
    entries = [(e["debit_account"], e["credit_account"], e["amount_fen"]) for e in hundred.rows("ledger/journal")]
    assert entries == [
        ("pool", "benefits_payable", 10_000_000),
        ("pool", "fee_accrued", 800_000),
        ("members_receivable", "pool", 1_000),
        ("sponsor_receivable", "pool", 10_799_000),
    ]
    (fee,) = hundred.rows("ledger/fee")
    # sponsored: 800,000 x 10,799,000 / (1,000 + 10,799,000) = 799,925.9 -> 799,925
    assert (fee["accrued_fen"], fee["sponsored_fen"], fee["outstanding_fen"]) == (800_000, 799_925, 75)


def test_settling_again_from_the_same_inputs_changes_nothing(settled_hundred):
    hundred, first = settled_hundred
    before = {
        table: hundred.spark.read.format("delta").load(str(hundred.folder / table)).count()
        for table in TABLES_OF_A_SETTLEMENT
    }
    again = hundred.settle()
    assert again.exit_code == 0
    assert again.document["state"] == "already settled"
    assert again.document["run_id"] == first.document["run_id"]
    assert len(hundred.rows("control/publications")) == 1
    assert before == {
        t: hundred.spark.read.format("delta").load(str(hundred.folder / t)).count() for t in TABLES_OF_A_SETTLEMENT
    }


def test_a_run_killed_right_after_its_publication_gets_its_record_completed(settled_hundred):
    hundred, _ = settled_hundred
    runs = DeltaTable.forPath(hundred.spark, str(hundred.folder / "control/runs"))
    runs.update(set={"state": "'running'", "finished_at": "null"})
    assert hundred.settle().document["state"] == "already settled"
    (run,) = hundred.rows("control/runs")
    assert run["state"] == "published" and run["finished_at"] is not None


def test_newer_versions_with_the_same_rows_change_nothing_and_with_other_rows_are_refused(settled_hundred):
    hundred, _ = settled_hundred
    hundred.write("source/approved_claims", [claim(9, 9, publicity_period="2020-12-P2")], mode="append")
    assert hundred.settle().exit_code == 0
    hundred.write("source/members", [member(101)], mode="append")
    refused = hundred.settle()
    assert refused.exit_code == 4
    assert "Nothing was changed" in refused.err
    assert len(hundred.rows("settled/assessments")) == 100


def test_a_preview_shows_the_digest_that_is_settled_and_writes_nothing(hundred):
    preview = hundred.run("preview", "--period", PERIOD)
    assert preview.exit_code == 0, preview.err
    assert not any(hundred.exists(table) for table in (*TABLES_OF_A_SETTLEMENT, "control/publications"))
    shown = preview.document["plans"]["critical_illness"]["digest"]
    assert hundred.settle(PERIOD, "--expect-digest", "0" * 64).exit_code == 4
    assert not hundred.exists("control/publications")
    approved = hundred.settle(PERIOD, "--expect-digest", shown)
    assert approved.exit_code == 0, approved.err
    assert approved.document["plans"]["critical_illness"]["digest"] == shown
    assert hundred.settle(PERIOD, "--expect-digest", shown).document["state"] == "already settled"
    assert hundred.settle(PERIOD, "--expect-digest", "0" * 64).exit_code == 4, "settled, but with another digest"


def test_periods_of_a_plan_are_settled_in_order_and_carry_the_residual(lake):
    lake.load(
        [member(i) for i in range(1, 8)],
        [claim(1, 1, approved_aid_fen=20), claim(2, 2, approved_aid_fen=20, publicity_period="2020-12-P2")],
    )
    assert lake.settle("2020-12-P1").exit_code == 0
    # 20 + 2 (8% = 1.6, half up) = 22 over 7 -> 3.14 -> 4 each; 28 - 22 = 6 carried
    assert [p["carried_forward_fen"] for p in lake.rows("settled/pools")] == [6]
    skipping = lake.settle("2021-01-P1")
    assert skipping.exit_code == 4
    assert "2020-12-P2" in skipping.err
    assert lake.settle("2020-12-P2").exit_code == 0
    # 22 - 6 = 16 over 7 -> 2.3 -> 3 each; 21 - 16 = 5 carried
    (pool,) = lake.rows("settled/pools", "2020-12-P2")
    assert (pool["brought_forward_fen"], pool["pool_fen"], pool["billed_fen"], pool["carried_forward_fen"]) == (
        6,
        16,
        21,
        5,
    )
    # The first period again, after the second: nothing to do, and the other commands still work on it.
    again = lake.settle("2020-12-P1")
    assert (again.exit_code, again.document["state"]) == (0, "already settled"), again.err
    checked = lake.run("check", "--period", "2020-12-P1")
    assert checked.exit_code == 0 and checked.document["stages"] == {"critical_illness": "settled"}, checked.err
    preview = lake.run("preview", "--period", "2020-12-P1")
    assert preview.exit_code == 0 and preview.document["stages"] == {"critical_illness": "settled"}, preview.err
    digest = preview.document["plans"]["critical_illness"]["digest"]
    assert preview.document["published_digests"] == {"critical_illness": digest}
    assert len(lake.rows("control/publications")) == 1


def test_settling_an_earlier_period_again_omits_plans_that_began_later(lake):
    lake.load([member(i) for i in range(1, 8)], [])
    assert lake.settle("2020-12-P1").exit_code == 0
    lake.write("source/members", [member(9, "senior_cancer", joined_on=date(2020, 12, 15))], mode="append")
    assert lake.settle("2020-12-P2").exit_code == 0
    again = lake.settle("2020-12-P1")
    assert (again.exit_code, list(again.document["plans"])) == (0, ["critical_illness"]), again.err


def test_later_lapses_do_not_refuse_settling_an_earlier_period_again(settled):
    for period in ("2020-12-P2", "2021-01-P1"):
        assert settled.settle(period).exit_code == 0
    settled.write("source/receipts", [receipt(i, i, 10) for i in range(4, 11)])
    assert collect(settled, "2020-12-26").exit_code == 0, "1, 2 and 3 lapse on a day before the third publicity day"
    again = settled.settle("2021-01-P1")
    assert (again.exit_code, again.document["state"]) == (0, "already settled"), again.err
    assert "collections published after 2021-01-P1 was settled" in again.err
    assert settled.settle("2020-12-P2").exit_code == 0


def test_a_payer_has_one_bill_for_all_his_members(settled_once):
    """Payer 1 pays for himself, 2 and 3; each member owes 10 fen."""
    bills = [(b["payer_id"], b["member_count"], b["due_fen"]) for b in settled_once.rows("settled/bills")]
    assert bills == [(1, 3, 30), *((i, 1, 10) for i in range(4, 11))]


def test_a_period_without_claims_charges_nothing_and_can_be_explained(without_claims):
    rows = without_claims.rows("settled/assessments")
    assert [(row["share_fen"], row["due_fen"]) for row in rows] == [(0, 0), (0, 0)]
    assert [(row["member_count"], row["due_fen"]) for row in without_claims.rows("settled/bills")] == [(1, 0), (1, 0)]


def test_a_preview_splits_the_change_of_the_share_and_estimates_the_duration(lake):
    lake.load(
        [member(i) for i in range(1, 8)],
        [claim(1, 1, approved_aid_fen=20), claim(2, 2, approved_aid_fen=40, publicity_period="2020-12-P2")],
    )
    first = lake.run("preview", "--period", "2020-12-P1")
    assert first.document["share_changes"] == [] and first.document["expected_run"] is None
    assert lake.settle("2020-12-P1").exit_code == 0
    preview = lake.run("preview", "--period", "2020-12-P2")
    assert preview.exit_code == 0, preview.err
    (change,) = preview.document["share_changes"]
    # 22 over 7 -> 4; 40 + 2 -> 6; 40 + 3 -> 6.1 -> 7; less 6 brought forward -> 37 over 7 -> 6
    assert (change["before_fen"], change["now_fen"], change["change_fen"]) == (4, 6, 2)
    assert {part: fen for part, fen in change["parts"].items() if fen} == {
        "benefits": 2,
        "fee": 1,
        "brought_forward": -1,
    }
    assert preview.document["due_changes"] == [
        {"plan_id": "critical_illness", "before_fen": 28, "now_fen": 42, "change_fen": 14}
    ]
    assert preview.document["expected_run"]["milliseconds"] > 0
    text = lake.run("preview", "--period", "2020-12-P2", as_json=False).out
    assert "Compared with the previous period" in text and "Expected time of `fentan settle`" in text
