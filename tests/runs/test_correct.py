"""The worked examples of a correction through commands: ten standard members, aid 900, share 98; 10 never pays."""

from datetime import date

import pytest

from tests.collected import collect
from tests.confs import write_conf
from tests.lakes import PERIOD, LakeFolder, claim, member, receipt
from tests.platforms import LONG_AGO, write_platform

BETWEEN, NEXT, PLAN = "2020-12-P2", "2021-01-P1", "critical_illness"
LATE = claim(2, 2, approved_aid_fen=500)


@pytest.fixture
def corrected(corrected_once, tmp_path):
    """A copy of `corrected_once` for one test."""
    return corrected_once.copied(tmp_path / "lake")


@pytest.fixture(scope="module")
def corrected_once(spark, tmp_path_factory):
    """P, settled without a per-case cap, collected and closed: due 980, carried 8, 98 written off = fee 8 + aid 90.

    The following period has no cases and carries the 8 forward. It is public before the lapse of member 10; the next
    period is public after it.
    """
    folder = tmp_path_factory.mktemp("corrected")
    uncapped = {PLAN: {"per_case_cap": {LONG_AGO: None}}}
    lake = LakeFolder(
        spark, folder / "lake", write_platform(folder / "platforms", "xianghubao", uncapped, "2019-01-P2")
    )
    lake.load([member(i) for i in range(1, 11)], [claim(1, 1, approved_aid_fen=900)])
    assert lake.settle().exit_code == 0
    lake.write("source/receipts", [receipt(i, i, 98) for i in range(1, 10)])
    ended = collect(lake, "2020-12-26")
    assert ended.exit_code == 0, ended.err
    ended = lake.run("close", "--period", PERIOD, "--as-of", "2020-12-26")
    assert ended.exit_code == 0, ended.err
    assert lake.settle(BETWEEN).exit_code == 0
    return lake


def correct(lake, reason="a claim came late", into=NEXT, period=PERIOD):
    return lake.run("correct", "--period", period, "--into", into, "--reason", reason, "--as-of", "2021-01-07")


def parts(lake) -> dict:
    rows = lake.rows("settled/adjustments", NEXT)
    return {(row["member_id"], row["disposition"]): row["delta_fen"] for row in rows}


def pool(lake) -> dict:
    (row,) = lake.rows("settled/adjusted_pools", NEXT)
    return row


def test_a_late_claim_from_the_correction_to_the_close_of_the_next_period(corrected):
    lake = corrected
    lake.write("source/approved_claims", [LATE], mode="append")
    ended = correct(lake)
    assert ended.exit_code == 0, ended.err
    assert parts(lake) == {**{(m, "asked"): 54 for m in range(1, 10)}, (10, "pooled"): 54}
    judged = {row["table_name"] for row in lake.rows("control/quality", NEXT, run_id=ended.document["run_id"])}
    assert {"source/members", "source/approved_claims", "settled/adjustments"} <= judged, "as for settle"
    row = pool(lake)
    assert (row["delta_due_fen"], row["delta_fee_fen"], row["asked_fen"], row["adjusted_fen"]) == (540, 40, 486, -54)
    twice = correct(lake)
    assert twice.exit_code == 0 and twice.document["state"] == "nothing differs", twice.err
    assert len(lake.rows("control/publications", NEXT, job="correct")) == 1
    ended = lake.settle(NEXT)
    assert ended.exit_code == 0, ended.err
    settled = ended.document["plans"][PLAN]["pool"]
    assert (settled["brought_forward_fen"], settled["adjusted_fen"], settled["due_fen"]) == (-46, -54, 54)
    assert {r["adjustment_fen"] for r in lake.rows("settled/bills", NEXT)} == {54}
    ended = collect(lake, "2021-01-12", BETWEEN)
    assert ended.exit_code == 0, ended.err
    ended = lake.run("close", "--period", BETWEEN, "--as-of", "2021-01-12")
    assert ended.exit_code == 0, ended.err
    paid = [receipt(20 + i, i, 60, date(2021, 1, 14), NEXT) for i in range(1, 10)]
    lake.write("source/receipts", paid, mode="append")
    ended = collect(lake, "2021-01-26", NEXT)
    assert ended.exit_code == 0, ended.err
    assert {r["status"] for r in lake.rows("settled/adjustment_collections", NEXT)} == {"collected"}
    ended = lake.run("close", "--period", NEXT, "--as-of", "2021-01-26")
    assert ended.exit_code == 0, ended.err
    balances = {r["account"]: r["carried_forward_fen"] for r in lake.rows("ledger/balances", NEXT)}
    assert {a: fen for a, fen in balances.items() if fen} == {
        "cash": 112, "fee_income": -104, "pool": -8, "bad_debt": 90, "platform_funding": -90,
    }  # fmt: skip
    explained = steps(lake, NEXT, 1)
    assert explained["adjustment"] == [54] and explained["adjustment collected"] == [54]
    assert explained["bill"] == [6, 54] and explained["due"] == [6]
    assert steps(lake, PERIOD, 1)["due after corrections"] == [98 + 54]
    assert steps(lake, PERIOD, 10)["corrected"] == [54], "pooled"
    reported_in_both_periods(lake)


def steps(lake, period: str, member_id: int) -> dict[str, list]:
    """By name of a step of the explanation, its amounts."""
    ended = lake.run("explain", "--period", period, "--member", str(member_id))
    assert ended.exit_code == 0, ended.err
    (plan,) = ended.document["plans"]
    amounts: dict[str, list] = {}
    for step in plan["steps"]:
        amounts.setdefault(step["name"], []).append(step["amount_fen"])
    return amounts


def reported_in_both_periods(lake) -> None:
    """The report of P says where it was corrected, that of the open period from where; each by 540 fen of dues."""
    for period, key, topic, other in (
        (PERIOD, "corrected", "corrected", NEXT),
        (NEXT, "corrections", "corrections", PERIOD),
    ):
        ended = lake.run("report", "--period", period)
        assert ended.exit_code == 0, ended.err
        (line,) = ended.document[key]
        assert (line["delta_due_fen"], line["asked_fen"], line["pooled_fen"], line["case_count"]) == (540, 486, 54, 1)
        rows = [row for row in lake.rows("report/period_summary", period) if row["topic"] == topic]
        assert {row["measure"]: row["amount_fen"] for row in rows}["adjusted_fen"] == -54
        assert {row["item"] for row in rows} == {other}
    notice = (lake.folder / f"report/html/notice-{NEXT}.html").read_text(encoding="utf-8")
    assert "posted into this one" in notice and "a claim came late" in notice


def test_a_member_who_had_left_before_is_refunded(corrected):
    left = member(9, exited_on=date(2020, 12, 1))
    corrected.load([*(member(i) for i in range(1, 9)), left, member(10)], [claim(1, 1, approved_aid_fen=900)])
    ended = correct(corrected, "9 had left")
    assert ended.exit_code == 0, ended.err
    assert parts(corrected) == {
        **{(m, "asked"): 10 for m in range(1, 9)}, (9, "refunded"): -98, (10, "pooled"): 10,
    }  # fmt: skip
    assert pool(corrected)["adjusted_fen"] == -18


def test_a_member_who_never_owed_is_reinstated(corrected):
    left = member(10, exited_on=date(2020, 12, 1))
    corrected.load([*(member(i) for i in range(1, 10)), left], [claim(1, 1, approved_aid_fen=900)])
    ended = correct(corrected, "10 had left")
    assert ended.exit_code == 0, ended.err
    assert parts(corrected) == {**{(m, "asked"): 10 for m in range(1, 10)}, (10, "written_off"): -98}
    (void,) = corrected.rows("settled/reinstatements", NEXT)
    assert (void["member_id"], void["reason"], void["amount_fen"]) == (10, "nothing_owed", 0)
    assert pool(corrected)["adjusted_fen"] == -8
    journal = corrected.rows("ledger/journal", NEXT, job="correct", reason="write_off_taken_back")
    assert {row["credit_account"]: row["amount_fen"] for row in journal} == {"fee_accrued": 8, "bad_debt": 90}


def test_a_fraud_changes_nothing_until_aid_is_recovered(corrected):
    lake = corrected
    lake.write("source/approved_claims", [claim(1, 1, approved_aid_fen=900, objection="upheld")])
    ended = correct(lake, "fraud")
    assert ended.exit_code == 0 and ended.document["state"] == "nothing differs", ended.err
    back = {"recovery_id": 1, "claim_id": 1, "amount_fen": 540, "recovered_on": date(2020, 12, 25)}
    lake.write("source/recoveries", [back])
    ended = correct(lake, "fraud")
    assert ended.exit_code == 0, ended.err
    (case,) = lake.rows("settled/adjusted_benefits", NEXT)
    assert (case["delta_benefit_fen"], case["recovered_fen"], case["marker"]) == (-540, 540, "recovered")


def test_refused_corrections(corrected):
    ended = correct(corrected, into=PERIOD)
    assert ended.exit_code == 2 and "later period" in ended.err
    ended = correct(corrected, reason=" ")
    assert ended.exit_code == 2 and "--reason" in ended.err
    ended = correct(corrected, into="2021-01-P2")
    assert ended.exit_code == 4 and f"it is {NEXT}" in ended.err


def test_what_is_asked_and_taken_back_before_the_bill_is_paid_to_nobody(corrected):
    lake = corrected
    lake.write("source/approved_claims", [LATE], mode="append")
    assert correct(lake).exit_code == 0
    lake.write("source/approved_claims", [claim(1, 1, approved_aid_fen=900)])
    ended = correct(lake, "the late claim was a mistake")
    assert ended.exit_code == 0, ended.err
    second = {
        (row["member_id"], row["disposition"]): row["delta_fen"]
        for row in lake.rows("settled/adjustments", NEXT)
        if row["revision"] == 2
    }
    assert second == {**{(m, "asked"): -54 for m in range(1, 10)}, (10, "pooled"): -54}
    assert lake.settle(NEXT).exit_code == 0
    assert {row["adjustment_fen"] for row in lake.rows("settled/bills", NEXT)} == {0}
    of_member = steps(lake, PERIOD, 1)
    assert sorted(of_member["corrected"]) == [-54, 54] and of_member["due after corrections"] == [98]


def test_a_waived_claim_is_in_no_correction(corrected):
    lake = corrected
    lake.write("source/approved_claims", [LATE], mode="append")
    assert lake.settle(BETWEEN).exit_code == 0, "settled already: it holds the late claim"
    (held,) = lake.rows("control/quarantine_claims")
    ended = lake.run("quarantine", "waive", held["held_id"], "--by", "Li Wei", "--reason", "paid elsewhere")
    assert ended.exit_code == 0, ended.err
    ended = correct(lake)
    assert ended.exit_code == 0 and ended.document["state"] == "nothing differs", ended.err


def test_a_refund_that_meets_no_share_is_paid_out_although_another_payer_s_money_went_back(corrected):
    """540 of the 900 are recovered: each due of P is 59 lower (540 + fee 43 over 10 members, rounded up). The next
    period has 1,800 + fee 144 over 9 members: 216 each. 4 to 9 pay 157 and have 59 as refunds: 216. 3 pays 157, which
    goes back; 1 and 2 pay nothing: the refunds of these three meet nothing and are paid out."""
    lake = corrected
    lake.write("source/approved_claims", [claim(1, 1, approved_aid_fen=900, objection="upheld")])
    back = {"recovery_id": 1, "claim_id": 1, "amount_fen": 540, "recovered_on": date(2020, 12, 25)}
    lake.write("source/recoveries", [back])
    case = claim(3, 3, publicity_period=NEXT, approved_on=date(2020, 12, 20), approved_aid_fen=1_800)
    lake.write("source/approved_claims", [case], mode="append")
    assert correct(lake, "fraud").exit_code == 0
    assert parts(lake) == {**{(m, "refunded"): -59 for m in range(1, 10)}, (10, "written_off"): -59}
    assert lake.settle(NEXT).exit_code == 0
    paid = [receipt(20 + i, i, 157, date(2021, 1, 14), NEXT) for i in range(3, 10)]
    returned = receipt(40, 3, 157, date(2021, 1, 15), NEXT, outcome="returned")
    lake.write("source/receipts", [*paid, returned], mode="append")
    ended = collect(lake, "2021-01-16", NEXT)
    assert ended.exit_code == 0, ended.err
    rows = lake.rows("settled/collections", NEXT)
    assert {r["member_id"]: r["collected_fen"] for r in rows} == {i: 216 if i >= 4 else 0 for i in range(1, 10)}
    assert not lake.exists("control/quarantine_receipts")
    cash = [
        r
        for r in lake.rows("ledger/journal", NEXT, job="collect")
        if "cash" in (r["debit_account"], r["credit_account"])
    ]
    assert {r["reason"]: r["amount_fen"] for r in cash} == {
        "collected": 6 * 216 + 157, "returned": 157, "refunded": 9 * 59, "aid_paid": 1_800 - 216,
    }  # fmt: skip


@pytest.mark.slow
def test_three_corrections_of_one_period_in_a_large_lake(spark, tmp_path):
    """Where all members differ, where one of twelve does, and again all, after earlier corrections.

    The per-case cap is 10 fen a member, so a case adds 10 to each due, and a member who had left changes no other due.
    """
    lake = LakeFolder(spark, tmp_path / "lake", write_conf(tmp_path / "large.toml", few_rows_most=0))
    lake.load([member(i) for i in range(1, 13)], [claim(1, 1)])
    lake.write("source/receipts", [receipt(i, i, 10) for i in range(1, 13) if i != 10])
    for words in (["settle"], ["collect", "--as-of", "2020-12-26"], ["close", "--as-of", "2020-12-26"]):
        ended = lake.run(*words, "--period", PERIOD)
        assert ended.exit_code == 0, ended.err

    def differences(reason) -> dict:
        ended = correct(lake, reason, into=BETWEEN)
        assert ended.exit_code == 0, ended.err
        rows = lake.rows("settled/adjustments", BETWEEN)
        last = max(row["revision"] for row in rows)
        return {(r["member_id"], r["disposition"]): r["delta_fen"] for r in rows if r["revision"] == last}

    lake.write("source/approved_claims", [claim(2, 2)], mode="append")
    assert differences("a claim came late") == {(m, "asked"): 10 for m in range(1, 13)}
    left = member(9, exited_on=date(2020, 12, 1))
    lake.write("source/members", [*(member(i) for i in range(1, 13) if i != 9), left])
    assert differences("9 had left") == {(9, "asked"): -10, (9, "refunded"): -10}
    lake.write("source/approved_claims", [claim(1, 1)])
    assert differences("no such claim") == {(m, "asked"): -10 for m in range(1, 13) if m != 9}
