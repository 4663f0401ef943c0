"""Bad input: a clear error, the right exit code, no partial publication, and other plans are still settled."""

from datetime import date
from itertools import count

import pytest
from pyspark.sql import functions as F

from tests.lakes import PERIOD, claim, member
from tests.platforms import write_platform
from tests.worlds_rows import bad_claims, bad_members

GOOD = [member(i) for i in range(1, 41)]

JOINED_ON, PUBLIC_ON = date(2019, 6, 1), date(2020, 12, 7)
CLAIMANTS = range(101, 151)
BAD_MEMBERS = bad_members(member, "critical_illness", JOINED_ON)
BAD_CLAIMS = [
    *bad_claims(claim, count(801).__next__, list(CLAIMANTS), JOINED_ON, PUBLIC_ON),
    ("claim_member_unknown", [claim(900, 1, plan_id="senior_cancer")]),
]


def test_every_kind_of_bad_member_is_held_with_all_reasons_and_good_members_are_settled(lake):
    canary = member(987_654_321_987, tier="gold", birth_date=date(1901, 2, 3))
    with_three = member(900, tier="gold", sex="X", payer_id=None)
    bad = [*(row for _, rows in BAD_MEMBERS for row in rows), canary, with_three]
    # Enough good rows that less than a fifth is held; 77,777 pays for two members and is no member.
    good = [*(member(i) for i in range(1, 159)), member(159, payer_id=77_777), member(160, payer_id=77_777)]
    lake.load(good + bad, [claim(1, 7, approved_aid_fen=1_480)])
    ended = lake.settle()
    assert ended.exit_code == 0, ended.err
    unknown_count = sum(row["plan_id"] == "no_such_plan" for row in bad)
    assert f"{unknown_count} rows belong to no plan of the platform xianghubao" in ended.err
    held = lake.rows("control/quarantine_members")
    assert len(held) == len(bad)
    assert {reason for row in held for reason in row["reasons"]} == {reason for reason, _ in BAD_MEMBERS}
    assert {row["first_seen_period"] for row in held} == {PERIOD}
    assert [row["member_id"] for row in lake.rows("settled/assessments")] == [row["member_id"] for row in good]
    # 1,480 + 118 = 1,598 fen over 160 members = 9.99 -> 10 each; a held member would have paid as much
    assert {row["amount_at_stake_fen"] for row in held if row["reasons"] == ["member_sex_unknown"]} == {10}
    assert [(b["member_count"], b["due_fen"]) for b in lake.rows("settled/bills") if b["payer_id"] == 77_777] == [
        (2, 20)
    ]
    assert [row["reasons"] for row in held if row["member_id"] == 900] == [
        ["member_tier_unknown", "member_payer_missing", "member_sex_unknown"]
    ]
    assert_no_personal_value(lake, ended, str(canary["member_id"]), "1901-02-03")


def assert_no_personal_value(lake, ended, *values):
    """No value is in messages, control/runs, control/quality or control/publications."""
    written = ended.out + ended.err
    for table in ("control/runs", "control/quality", "control/publications"):
        written += str(lake.rows(table))
    assert PERIOD in written and not [value for value in values if value in written]


def test_every_kind_of_bad_claim_is_held_with_its_reason_and_good_claims_are_settled(lake):
    canary = claim(987_654_321_987, 1, approved_aid_fen=-5)
    bad = [*(row for _, rows in BAD_CLAIMS for row in rows), canary]
    # enough good claims to keep the held part below the ceiling of one half
    good = [claim(n, n, approved_aid_fen=100) for n in range(2, 41)]
    lake.load([*GOOD, *(member(n) for n in CLAIMANTS)], good + bad)
    ended = lake.settle()
    # The plan senior_cancer has a claim but no covered member: that stops this plan and no other.
    assert ended.exit_code == 3 and "senior_cancer" in ended.err
    assert [(p["plan_id"], p["action"]) for p in lake.rows("control/publications")] == [
        ("critical_illness", "published")
    ]
    held = lake.rows("control/quarantine_claims")
    assert len(held) == len(bad)
    assert {reason for row in held for reason in row["reasons"]} == {reason for reason, _ in BAD_CLAIMS}
    assert [row["case_count"] for row in lake.rows("settled/pools")] == [len(good)]
    assert_no_personal_value(lake, ended, str(canary["claim_id"]))


def test_every_source_row_is_counted_in_exactly_one_outcome(lake):
    rows = [
        *GOOD,
        member(50, exited_on=date(2020, 12, 6), exit_reason="left"),
        member(51, joined_on=date(2020, 12, 7)),
        member(52, tier="gold"),
        member(53),
        member(53),
    ]
    lake.load(rows, [])
    outcomes = lake.settle().document["plans"]["critical_illness"]["member_rows"]
    assert outcomes == {"assessed": 40, "not_yet_joined": 1, "exited": 1, "lapsed": 0, "quarantined": 3}
    assert sum(outcomes.values()) == len(rows)


def test_too_many_bad_rows_stop_the_run(lake):
    lake.load(GOOD + [member(100 + n, tier="gold") for n in range(25)], [])
    ended = lake.settle()
    assert ended.exit_code == 3
    assert "members_quarantined_rate" in ended.err
    assert not lake.exists("control/publications")
    assert [r["success"] for r in lake.rows("control/quality", id="members_quarantined_rate")] == [False]


@pytest.mark.parametrize(
    ("claims", "message"),
    [([], "no rows"), ([claim(1, 7)], "1 claims, but no covered member")],
    ids=["no claims", "claims"],
)
def test_empty_members_stop_the_run(lake, claims, message):
    lake.load([], claims)
    ended = lake.settle()
    assert ended.exit_code == 3
    assert message in ended.err
    assert not lake.exists("control/publications")


@pytest.mark.parametrize("command", ["settle", "check", "preview"])
def test_members_of_another_platform_stop_the_run(lake, command):
    lake.load([member(n, plan_id="of_another_platform") for n in range(1, 51)], [])
    ended = lake.run(command, "--period", PERIOD)
    assert ended.exit_code == 3 and "none of its 50 rows belongs to a plan of the platform xianghubao" in ended.err
    assert not lake.exists("control/publications")


def test_the_smallest_and_the_largest_ids_are_settled(lake):
    """Also an id that collides with another in the id filter, and a negative payer id."""
    smallest, largest, collides_with_one = -(2**63), 2**63 - 1, 2**27 + 1
    payers = {
        1: 1,
        2: collides_with_one,
        collides_with_one: collides_with_one,
        0: -1,
        -1: -1,
        smallest: largest,
        largest: largest,
    }
    members = [member(n, payer_id=payer) for n, payer in payers.items()]
    lake.load(members, [claim(largest, largest, approved_aid_fen=64)])
    ended = lake.settle()
    assert ended.exit_code == 0, ended.err
    # 64 + 5 (5.12) = 69 over 7 members: 10 each
    assert {row["member_id"]: row["due_fen"] for row in lake.rows("settled/assessments")} == dict.fromkeys(payers, 10)
    bills = {row["payer_id"]: (row["member_count"], row["due_fen"]) for row in lake.rows("settled/bills")}
    assert bills == {1: (1, 10), collides_with_one: (2, 20), -1: (2, 20), largest: (2, 20)}


@pytest.mark.parametrize(
    ("words", "exit_code", "message"),
    [
        (("--period", "2020-13-P1"), 2, "not a period"),
        (("--period", "2020-12-P3"), 2, "2 periods a month"),
        (("--period", "2018-12-P1"), 2, "outside the calendar"),
        (("--period", "2020-12-P1", "--as-of", "2020-12-06"), 2, "become public on 2020-12-07"),
        (("--period", "2020-12-P1", "--plan", "no_such_plan"), 2, "no such plan"),
        (("--period", "2019-12-P1", "--plan", "chronic"), 2, "the plan runs from 2020-05-P1"),
        (("--period", "2020-12-P1", "--conf", "/nowhere.toml"), 2, "cannot be read"),
        (("--period", "2020-12-P1", "--platform", "nobody"), 2, "is not known"),
        (("--period",), 2, ""),
    ],
)
def test_wrong_usage_is_reported_without_a_traceback(lake, words, exit_code, message):
    ended = lake.run("settle", *words)
    assert ended.exit_code == exit_code
    assert message in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("rule, value, message", [
    ("fee_rate", 80_000, "no value of fee_rate is in force on 2020-12-07"),
    ("age_counted_on", "diagnosed_on", "1 claims are diagnosed before 2020-12-20"),
])  # fmt: skip
def test_a_rule_that_starts_later_is_an_error(lake, tmp_path, rule, value, message):
    late = {rule: {date(2020, 12, 20): value}}
    conf = write_platform(tmp_path / "platforms", "xianghubao", {"critical_illness": late, "chronic": late}, PERIOD)
    lake.load(GOOD, [claim(1, 1)])
    ended = lake.settle(PERIOD, "--conf", str(conf))
    assert ended.exit_code == 2 and message in ended.err and "Nothing was settled" in ended.err
    assert not lake.exists("control/publications")


def test_a_missing_lake_or_source_is_reported(lake, tmp_path):
    assert lake.settle().exit_code == 3  # no source tables
    lake.folder = tmp_path / "nowhere"
    ended = lake.settle()
    assert (ended.exit_code, "no such folder" in ended.err) == (2, True)


def test_a_source_that_is_not_delta_stops_the_run(lake):
    lake.load(GOOD, [])
    plain = lake.folder / "source" / "approved_claims"
    for file in sorted(plain.rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()
    (plain / "part.csv").write_text("claim_id\n1\n")
    ended = lake.settle()
    assert ended.exit_code == 3
    assert "no Delta table" in ended.err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop("payer_id"), "payer_id (BIGINT) is missing"),
        (
            lambda frame: frame.withColumn("member_id", F.col("member_id").cast("string")),
            "member_id is STRING instead of BIGINT",
        ),
    ],
)
def test_a_missing_column_or_a_wrong_type_stops_the_run(lake, change, message):
    lake.load(GOOD, [])
    path = str(lake.folder / "source/members")
    frame = change(lake.spark.read.format("delta").load(path)).persist()
    frame.count()
    frame.write.format("delta").mode("overwrite").option("overwriteSchema", "true").partitionBy("plan_id").save(path)
    ended = lake.settle()
    assert ended.exit_code == 3
    assert message in ended.err


def test_an_extra_column_is_ignored(lake):
    lake.load(GOOD, [])
    path = str(lake.folder / "source/members")
    frame = lake.spark.read.format("delta").load(path).withColumn("nickname", F.lit("x")).persist()
    frame.count()
    frame.write.format("delta").mode("overwrite").option("overwriteSchema", "true").partitionBy("plan_id").save(path)
    assert lake.settle().exit_code == 0
