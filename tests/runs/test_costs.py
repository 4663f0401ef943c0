"""Fee expenditure: bad costs and visits, late ones, and those of a plan that is closed later than the others."""

from datetime import date

import pytest

from tests.lakes import PERIOD, LakeFolder, claim, measured, member, receipt

NEXT, MONTH = "2020-12-P2", "2020-12"
USED = ("used_investigation_fen", "used_technology_fen", "used_staff_and_premises_fen")


def cost(cost_id, amount_fen, month=MONTH, category="technology") -> dict:
    return {"cost_id": cost_id, "month": month, "category": category, "amount_fen": amount_fen, "description": "-"}


def visit(visit_id, claim_id, fee_fen, on=date(2020, 12, 10), site_kind="hospital") -> dict:
    return {"visit_id": visit_id, "claim_id": claim_id, "investigator_id": 1, "site_kind": site_kind, "site_id": 1,
            "visited_on": on, "fee_fen": fee_fen}  # fmt: skip


@pytest.fixture(scope="module")
def collected_once(spark, tmp_path_factory):
    """Four members, one helped with 90 fen and 7 of fee. At most 10 per member and case: of 97 the platform sponsors 57
    and the members pay 40, all collected. P2 has no case."""
    lake = LakeFolder(spark, tmp_path_factory.mktemp("collected") / "lake")
    lake.load([member(i) for i in range(1, 5)], [claim(1, 2, approved_aid_fen=90)])
    assert lake.settle().exit_code == 0
    lake.write("source/receipts", [receipt(i, i, 25) for i in range(1, 5)])
    assert lake.run("collect", "--period", PERIOD, "--as-of", "2020-12-26").exit_code == 0
    return lake


@pytest.fixture
def collected(collected_once, tmp_path):
    return collected_once.copied(tmp_path / "lake")


def close(lake, period=PERIOD, day="2020-12-26", *words):
    ended = lake.run("close", "--period", period, "--as-of", day, *words)
    assert ended.exit_code == 0, ended.err
    return ended


def used(lake, period=PERIOD):
    return {row["plan_id"]: tuple(row[part] for part in USED) for row in lake.rows("ledger/fee", period)}


def held(lake, table, period=PERIOD):
    rows = lake.rows(f"control/quarantine_{table}", held_in_period=period)
    return {
        (row["cost_id" if table == "costs" else "visit_id"], row["amount_at_stake_fen"], *row["reasons"])
        for row in rows
    }


def test_bad_costs_and_visits_are_held_and_posted_in_the_next_period_of_the_month_after_correction(collected):
    bad = [cost(3, -1), cost(4, 5, month=None), cost(5, 5, month="2020-13"), cost(6, 5, category="bonus")]
    bad += [cost(8, 7, month=f"{MONTH}\r"), cost(9, 7, month=f"{MONTH}\n"), cost(10, 7, month="2202-12")]
    collected.write("source/operating_costs", [cost(1, 101), cost(2, 8), cost(2, 8), *bad])
    # The claim of visit 1 was approved without review; claim 77 of visit 2 does not exist.
    visits = [visit(1, 1, 6), visit(2, 77, 2), visit(3, 1, 4, site_kind="home"), visit(4, 1, 9), visit(4, 1, 9)]
    visits += [visit(6, 1, 9, date(2202, 12, 10))]
    collected.write("source/field_visits", visits)
    ended = close(collected)
    # Half of the month's sound costs of 101, and the sound visits of 6 and 2.
    assert used(collected) == {"critical_illness": (8, 50, 0)}
    assert held(collected, "costs") == {
        (2, 8, "cost_duplicated"), (3, -1, "cost_amount_out_of_range"), (4, 5, "cost_key_missing"),
        (5, 5, "cost_month_malformed", "cost_month_unknown"), (6, 5, "cost_category_unknown"),
        (8, 7, "cost_month_malformed", "cost_month_unknown"), (9, 7, "cost_month_malformed", "cost_month_unknown"),
        (10, 7, "cost_month_unknown"),
    }  # fmt: skip
    assert len(collected.rows("control/quarantine_costs")) == 9, "both rows of one id"
    assert held(collected, "visits") == {
        (3, 4, "visit_site_unknown"), (4, 9, "visit_duplicated"), (6, 9, "visit_day_unknown"),
    }  # fmt: skip
    assert "control/quarantine_costs" in ended.err and "control/quarantine_visits" in ended.err

    collected.write("source/operating_costs", [cost(1, 101), cost(2, 8), cost(7, 40, category="staff_and_premises")])
    collected.write(
        "source/field_visits", [*visits[:2], visit(3, 1, 4), visit(4, 1, 9), visit(5, 1, 1, date(2020, 12, 22))]
    )
    assert collected.settle(NEXT).exit_code == 0
    assert collected.run("collect", "--period", NEXT, "--as-of", "2021-01-12").exit_code == 0
    close(collected, NEXT, "2021-01-12")
    # Costs of 109 and 40 in total, of which 50 and 0 are in the books of P1; visits of 22 in total, of which 8.
    assert used(collected, NEXT) == {"critical_illness": (14, 59, 40)}
    assert {row[0] for row in held(collected, "costs", NEXT)} == set() == held(collected, "visits", NEXT)
    assert len(held(collected, "costs")) == 9 - 1 and len(held(collected, "visits")) == 3, (
        "the quarantine of P1 is unchanged"
    )


@pytest.fixture(scope="module")
def closed_once(collected_once, tmp_path_factory):
    """Costs of 100 and visits of 9 in total, one of them of a plan that is settled later. P1 is closed with all."""
    lake = collected_once.copied(tmp_path_factory.mktemp("closed") / "lake")
    lake.write("source/operating_costs", [cost(1, 100)])
    lake.write("source/field_visits", [visit(1, 1, 6), visit(2, 9, 3)])
    close(lake)
    assert used(lake) == {"critical_illness": (9, 50, 0)}
    return lake


@pytest.fixture
def closed(closed_once, tmp_path):
    return closed_once.copied(tmp_path / "lake")


def settle_late_plan(lake):
    """The second plan: 27 of aid and 2 of fee in P1 (the closed plan has a fee of 7). No member pays for it."""
    lake.write("source/members", [member(i, "senior_cancer") for i in (1, 21)], mode="append")
    lake.write("source/approved_claims", [claim(9, 21, "senior_cancer", approved_aid_fen=27)], mode="append")
    assert lake.settle(PERIOD, "--plan", "senior_cancer").exit_code == 0


def test_costs_are_posted_once_if_a_plan_is_closed_after_the_others(closed):
    """The first close posted all costs and visits of the period, including the late plan's visit."""
    settle_late_plan(closed)
    closed.write("source/operating_costs", [cost(1, 100), cost(2, 30)])
    assert closed.run("collect", "--period", PERIOD, "--as-of", "2020-12-26").exit_code == 0
    close(closed)
    assert used(closed) == {"critical_illness": (9, 50, 0), "senior_cancer": (0, 15, 0)}
    # The year's report equals the ledger: visits of 9, and P1's half of the costs of 130. Of the fee of 7 the sponsored
    # part is 7 x 57 / 97 = 4.11; the late plan's fee of 2 was received in full.
    reported = closed.run("report", "--year", "2020")
    assert reported.exit_code == 0, reported.err
    year = lambda measure, item="all": measured(reported.document["annual"], topic="fee", measure=measure, item=item)  # noqa: E731
    assert [year("used_fen", item) for item in ("investigation", "technology", "staff_and_premises")] == [9, 65, 0]
    assert (year("used_fen"), year("used_ppm", "investigation")) == (74, 121_622), "9 / 74 = 0.1216216"
    assert year("result_fen") == sum(row["result_fen"] for row in closed.rows("ledger/fee")) == (7 - 4) + 2 - 74


def test_costs_posted_by_a_later_close_are_not_posted_again_by_a_late_plan(closed):
    """Costs are 100, then 130: P1 used 50 and P2 the other 80 before the late plan's P1 is closed."""
    closed.write("source/operating_costs", [cost(1, 130)])
    assert closed.settle(NEXT).exit_code == 0
    assert closed.run("collect", "--period", NEXT, "--as-of", "2021-01-12").exit_code == 0
    close(closed, NEXT, "2021-01-12")
    assert used(closed, NEXT) == {"critical_illness": (0, 80, 0)}
    settle_late_plan(closed)
    assert closed.run("collect", "--period", PERIOD, "--as-of", "2020-12-26").exit_code == 0
    close(closed)
    assert used(closed)["senior_cancer"] == (0, 0, 0)
