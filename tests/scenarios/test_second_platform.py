"""Another platform by configuration only: meituan_huzhu, three periods a month, public on the 6th, 15th and 24th."""

from datetime import date

import pytest

from tests.lakes import LakeFolder, claim, member, receipt

PLAN = "major_illness"
PLATFORM = ("--platform", "meituan_huzhu")


def plan_member(member_id, **given):
    return member(member_id, PLAN, **given)


def plan_claim(claim_id, member_id, period, aid_fen):
    return claim(claim_id, member_id, PLAN, publicity_period=period, approved_aid_fen=aid_fen)


@pytest.fixture(scope="module")
def settled(spark, tmp_path_factory):
    """2020-12-P2 and P3 settled. Members 1 to 7 standard, 12 basic; 8 to 11 join or leave around the 24th (P3)."""
    lake = LakeFolder(spark, tmp_path_factory.mktemp("second") / "lake")
    lake.load(
        [
            *(plan_member(n) for n in range(1, 8)),
            plan_member(8, joined_on=date(2020, 12, 23), waiting_ends_on=date(2021, 3, 23)),
            plan_member(9, joined_on=date(2020, 12, 24), waiting_ends_on=date(2021, 3, 24)),
            plan_member(10, exited_on=date(2020, 12, 23), exit_reason="left"),
            plan_member(11, exited_on=date(2020, 12, 24), exit_reason="left"),
            plan_member(12, tier="basic"),
        ],
        [plan_claim(1, 1, "2020-12-P2", 55), plan_claim(2, 2, "2020-12-P3", 100), plan_claim(3, 3, "2021-01-P1", 20)],
    )
    for period in ("2020-12-P2", "2020-12-P3"):
        ended = lake.settle(period, *PLATFORM)
        assert ended.exit_code == 0, ended.err
    return lake


def pool(lake, period):
    (row,) = lake.rows("settled/pools", period)
    return row


def test_the_second_period_of_the_month_is_shared_by_those_covered_on_the_15th(settled):
    row = pool(settled, "2020-12-P2")
    # members 1 to 7, 10, 11 standard, 12 basic at half: basis 9.5; 55 + 4 (4.4) = 59; 59 / 9.5 = 6.21 -> 7, 3.11 -> 4
    assert (row["covered_count"], row["pool_fen"]) == (10, 59)
    assert [(r["tier"], r["share_fen"]) for r in settled.rows("settled/rates", "2020-12-P2")] == [
        ("basic", 4), ("standard", 7),
    ]  # fmt: skip
    # 9 x 7 + 4 = 67
    assert (row["billed_fen"], row["carried_forward_fen"]) == (67, 8)


def test_the_third_period_brings_forward_the_residual_of_the_second(settled):
    row = pool(settled, "2020-12-P3")
    # joined on the 23rd and left on the 24th: covered; joined on the 24th or left on the 23rd: not. 1 to 8, 11, 12
    assert [r["member_id"] for r in settled.rows("settled/assessments", "2020-12-P3")] == [*range(1, 9), 11, 12]
    # the case costs 100 + 8 = 108, allowed are 10 fen x the basis of 9.5: 13 are sponsored
    assert (row["brought_forward_fen"], row["case_sponsored_fen"]) == (8, 13)
    # 100 + 8 - 8 - 13 = 87 over the same basis: 9.16 -> 10 and 4.58 -> 5; 9 x 10 + 5 = 95
    assert (row["pool_fen"], row["billed_fen"], row["carried_forward_fen"]) == (87, 95, 8)


def test_transfers_are_posted_on_the_publicity_day(settled):
    assert {entry["posted_on"] for entry in settled.rows("ledger/journal", "2020-12-P3")} == {date(2020, 12, 24)}


def test_the_next_month_follows_the_third_period(settled):
    skipping = settled.settle("2021-01-P2", *PLATFORM)
    assert skipping.exit_code == 4
    assert "2021-01-P1" in skipping.err
    absent = settled.settle("2020-12-P4", *PLATFORM)
    assert (absent.exit_code, "3 periods a month" in absent.err) == (2, True)
    assert len(settled.rows("control/publications", "2021-01-P2")) == 0


def test_its_residual_counts_receipts_before_the_next_publicity_day(lake):
    """Ten members, none of whom lapses before the 16th. Every amount is in fen."""
    periods = ("2020-12-P1", "2020-12-P2", "2020-12-P3")
    cases = zip((1, 2, 3), periods, (90, 84, 50), strict=True)
    lake.load(
        [plan_member(n) for n in range(1, 11)], [plan_claim(n, n, period, aid_fen) for n, period, aid_fen in cases]
    )
    brought = lambda period: pool(lake, period)["brought_forward_fen"]  # noqa: E731
    run = lambda command, period, day: lake.run(command, "--period", period, "--as-of", day, *PLATFORM)  # noqa: E731

    # P1, public on the 6th: 90 + 7 of fee = 97, ten pay 10; eight on the 9th, one on the 15th, one never.
    assert run("settle", periods[0], "2020-12-06").exit_code == 0
    money = [receipt(n, n, 10, date(2020, 12, 9 if n < 9 else 15), periods[0]) for n in range(1, 10)]
    lake.write("source/receipts", money)
    early = run("settle", periods[1], "2020-12-15")
    assert early.exit_code == 4 and "not collected up to 2020-12-14" in early.err and "fentan collect" in early.err
    assert run("collect", periods[0], "2020-12-10").exit_code == 0
    # Nothing is received until the 14th: a collection up to that day is still recorded.
    assert run("collect", periods[0], "2020-12-14").document["state"] == "nothing new"

    # P2, public on the 15th: 3 too much billed, 20 unpaid: 17 are charged again. 84 + 7 + 17 = 108, 11 each.
    assert run("settle", periods[1], "2020-12-15").exit_code == 0
    assert (brought(periods[1]), pool(lake, periods[1])["due_fen"]) == (-17, 110)
    # On the 16th the grace of P1 ends: 10 were paid late and 10 are written off. Of P2 nine pay 11 on the 18th.
    assert run("collect", periods[0], "2020-12-16").exit_code == 0
    money += [receipt(n + 20, n, 11, date(2020, 12, 18), periods[1]) for n in range(1, 10)]
    lake.write("source/receipts", money)
    assert run("collect", periods[1], "2020-12-23").exit_code == 0

    # P3, public on the 24th: 90 + 99 received, 97 + 91 spent, less the fee of 1 in the 10 written off: 2 remain.
    assert run("settle", periods[2], "2020-12-24").exit_code == 0
    assert brought(periods[2]) == 2


def test_without_any_receipt_its_residual_is_based_on_the_billed_amount(settled):
    assert pool(settled, "2020-12-P3")["brought_forward_fen"] == pool(settled, "2020-12-P2")["carried_forward_fen"] == 8
