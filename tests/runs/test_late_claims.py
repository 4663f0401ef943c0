"""Claims that arrive after the settlement of their period: held and reported until they are decided or removed."""

from tests.collected import collect
from tests.lakes import PERIOD, claim, member, receipt

NEXT = "2020-12-P2"
CODE = "claim_after_settlement"
COUNTED = claim(1, 7, approved_aid_fen=90)
LATE = [claim(2, 4, approved_aid_fen=50), claim(3, 5, approved_aid_fen=30)]
MESSAGE = (
    f"2 claims of {PERIOD}, critical_illness, came after its settlement and are in no settlement: {CODE}, 0.80 yuan"
)


def held(lake, period=PERIOD, held_in=PERIOD):
    """Claims of `period` held in `held_in`: id, amount at stake, first seen period, reasons."""
    rows = lake.rows("control/quarantine_claims") if lake.exists("control/quarantine_claims") else []
    rows = [r for r in rows if (r["publicity_period"], r["held_in_period"]) == (period, held_in)]
    return sorted((str(r["claim_id"]), r["amount_at_stake_fen"], r["first_seen_period"], *r["reasons"]) for r in rows)


def late_held(first_seen=PERIOD):
    return [("2", 50, first_seen, CODE), ("3", 30, first_seen, CODE)]


def test_settling_again_holds_the_late_claims_and_changes_nothing(settled):
    settled.write("source/approved_claims", LATE, mode="append")
    before = settled.rows("control/publications"), settled.rows("settled/benefits")
    for _ in range(2):
        ended = settled.settle()
        assert (ended.exit_code, ended.document["state"]) == (0, "already settled"), ended.err
        assert MESSAGE in ended.err, ended.err
        assert held(settled) == late_held()
    assert (settled.rows("control/publications"), settled.rows("settled/benefits")) == before
    assert settled.run("preview", "--period", PERIOD).document["plans"]["critical_illness"]["pool"]["case_count"] == 1
    # One row is removed, the other moves to a period that is not settled: nothing is reported any more.
    settled.write("source/approved_claims", [COUNTED, {**LATE[0], "publicity_period": NEXT}])
    ended = settled.settle()
    assert (ended.exit_code, CODE in ended.err, held(settled)) == (0, False, [])
    counted = settled.settle(NEXT)
    assert counted.document["plans"]["critical_illness"]["pool"]["case_count"] == 1 and CODE not in counted.err


def test_other_differences_are_refused(settled):
    for rows in ([{**COUNTED, "approved_aid_fen": 95}, *LATE], LATE, [{**COUNTED, "objection": "upheld"}, *LATE]):
        settled.write("source/approved_claims", rows)
        ended = settled.settle()
        assert ended.exit_code == 4 and "already settled by run" in ended.err, ended.err


def test_commands_report_late_claims_until_they_are_removed(settled):
    settled.write("source/receipts", [receipt(1, 1, 30), *(receipt(i, i, 10) for i in range(4, 11))])
    settled.write("source/approved_claims", LATE, mode="append")
    for words in (
        ("status",),
        ("check", "--period", PERIOD),
        ("check", "--period", NEXT),
        ("preview", "--period", NEXT),
    ):
        ended = settled.run(*words)
        assert ended.exit_code == 0 and MESSAGE in ended.err, (words, ended.err)
        assert held(settled) == [], "these write nothing"
    rules = {rule["id"]: rule for rule in settled.run("check", "--period", PERIOD).document["rules"]}
    assert (rules[CODE]["unexpected_count"], rules[CODE]["amount_at_stake_fen"], rules[CODE]["success"]) == (
        2,
        80,
        False,
    )
    assert rules["claim_duplicated"]["success"] and rules["claims_volume"]["success"]
    assert settled.run("status").document["claims_after_settlement"] == [
        {"period": PERIOD, "plan_id": "critical_illness", "count": 2, "amount_at_stake_fen": 80}
    ]
    later = [
        settled.settle(NEXT), collect(settled, "2020-12-26"), collect(settled, "2020-12-26"),
        settled.run("close", "--period", PERIOD, "--as-of", "2020-12-26"),
        settled.run("close", "--period", PERIOD, "--as-of", "2020-12-26"), collect(settled, "2020-12-28", NEXT),
    ]  # fmt: skip
    for ended in later:
        assert ended.exit_code == 0 and MESSAGE in ended.err, ended.err
    assert held(settled) == held(settled, held_in=NEXT) == late_held(NEXT), (
        "first held by the settlement of the next period"
    )
    assert settled.rows("settled/pools", NEXT)[0]["case_count"] == 0
    settled.write("source/approved_claims", [COUNTED])
    assert CODE not in collect(settled, "2020-12-28", NEXT).err
    assert held(settled, held_in=NEXT) == []
    assert collect(settled, "2020-12-26").document["state"] == "nothing new"
    assert held(settled) == late_held(NEXT), "the closed period keeps what it held"


def test_claims_present_at_settlement_are_not_late(lake):
    """Not late: a claim that counted, one with a pending objection, a held one, two with one id, and one of a plan that
    is settled later."""
    existing = [
        claim(1, 1, approved_aid_fen=50), claim(2, 2, objection="pending"), claim(3, 3, severity="grave"),
        claim(4, 4), claim(4, 5), claim(None, 6), claim(None, 6),
    ]  # fmt: skip
    lake.load([member(i) for i in range(1, 11)], existing)
    assert lake.settle().exit_code == 0
    kept = held(lake)
    assert len(kept) == 5 and not any(CODE in row for row in kept)
    lake.write("source/approved_claims", [claim(5, 7, "senior_cancer")], mode="append")
    lake.write("source/members", [member(7, "senior_cancer")], mode="append")
    ended = lake.settle()
    assert ended.exit_code == 0 and CODE not in ended.err, ended.err
    assert held(lake) == kept
    # A claim that counted is publicised again in a settled period: it is not late.
    assert lake.settle(NEXT).exit_code == 0
    lake.write("source/approved_claims", [claim(1, 1, approved_aid_fen=50, publicity_period=NEXT)], mode="append")
    again = lake.settle(NEXT)
    assert (again.exit_code, again.document["state"], CODE in again.err) == (0, "already settled", False), again.err
    # A claim that was struck out is publicised again in a settled period: it is late.
    lake.write("source/approved_claims", [claim(2, 2, publicity_period=NEXT, approved_aid_fen=7)], mode="append")
    assert CODE in lake.settle(NEXT).err
    assert held(lake, NEXT, NEXT) == [("2", 7, NEXT, CODE)] and held(lake) == kept


def test_a_held_claim_that_is_mended_after_the_settlement_is_late_and_can_be_released(lake):
    bad = claim(2, 2, illness_code=None, approved_aid_fen=50)
    lake.load([member(i) for i in range(1, 11)], [COUNTED, bad])
    assert lake.settle().exit_code == 0
    assert [row[3:] for row in held(lake)] == [("claim_illness_unknown",)]
    mended = claim(2, 2, approved_aid_fen=50)
    lake.write("source/approved_claims", [COUNTED, mended])
    ended = lake.settle()
    assert (ended.exit_code, ended.document["state"]) == (0, "already settled"), ended.err
    assert f"1 claims of {PERIOD}, critical_illness, came after its settlement" in ended.err
    (late,) = [row for row in lake.rows("control/quarantine_claims") if CODE in row["reasons"]]
    released = lake.run("quarantine", "release", late["held_id"], "--by", "Li Wei", "--reason", "the illness was found")
    assert released.exit_code == 0, released.err
    settled = lake.settle(NEXT)
    assert settled.document["plans"]["critical_illness"]["pool"]["case_count"] == 1 and CODE not in settled.err


def test_any_additional_row_is_late(settled):
    """A counted claim again, with the same and another aid, two without an id, one without a plan, one bad row."""
    more = [
        COUNTED, {**COUNTED, "approved_aid_fen": 91}, claim(None, 4, approved_aid_fen=92),
        claim(None, 4, approved_aid_fen=92), claim(1, 4, None, approved_aid_fen=93), claim(9, 4, severity="grave"),
    ]  # fmt: skip
    settled.write("source/approved_claims", more, mode="append")
    ended = settled.settle()
    assert ended.exit_code == 0 and ended.document["state"] == "already settled", ended.err
    assert f"5 claims of {PERIOD}, critical_illness" in ended.err and f"1 claims of {PERIOD}, no plan" in ended.err
    assert sorted(row[1] for row in held(settled)) == [90, 91, 92, 92, 93, 10_000_000]
    assert {row[2:] for row in held(settled)} == {(PERIOD, CODE)}
