"""Views show published rows and no others; a payer's bills are summed over his plans."""

from datetime import date

import pytest

from tests.lakes import PERIOD, claim, member


def test_views_show_what_is_published_and_payers_bills_over_all_plans(lake):
    senior = {"birth_date": date(1955, 6, 1)}
    lake.load(
        [*(member(i, payer_id=1) for i in range(1, 4)), member(4), member(8, "senior_cancer", payer_id=1)],
        [claim(1, 2, approved_aid_fen=30), claim(2, 8, "senior_cancer", approved_aid_fen=10, **senior)],
    )
    assert lake.settle().exit_code == 0
    unpublished = lake.spark.read.format("delta").load(str(lake.folder / "settled/bills")).selectExpr(
        "* except (run_id)", "'never-published' as run_id"
    )  # fmt: skip
    unpublished.write.format("delta").mode("append").save(str(lake.folder / "settled/bills"))
    made = lake.run("views", "--create", "--schema", "fentan_test")
    assert made.exit_code == 0 and "the catalog of this Spark is in memory" in made.err, made.err
    bills = lake.spark.table("fentan_test.settled_bills").collect()
    assert sorted((row.plan_id, row.payer_id) for row in bills) == [
        ("critical_illness", 1), ("critical_illness", 4), ("senior_cancer", 1),
    ]  # fmt: skip
    assert {row.run_id for row in bills} == {row["run_id"] for row in lake.rows("control/publications")}
    # 30 fen and 2 of fee over 4 members -> 8 each, 24 for payer 1; in the other plan 10 and 1 for the one member.
    payers = {row.payer_id: row.asDict() for row in lake.spark.table("fentan_test.payer_bills").collect()}
    assert payers[1] == {"period": PERIOD, "payer_id": 1, "member_count": 4, "due_fen": 24 + 11, "plan_count": 2}
    assert payers[4]["due_fen"] == 8
    lake.spark.sql("drop schema fentan_test cascade")


def test_a_schema_that_is_no_name_is_refused(lake):
    refused = lake.run("views", "--schema", "x; drop")
    assert refused.exit_code == 2 and "Nothing was done" in refused.err


@pytest.mark.parametrize("command", ["views", "conform"])
def test_a_folder_without_tables_is_told_not_passed(lake, command):
    refused = lake.run(command)
    assert refused.exit_code == 2 and "none of the output tables is there" in refused.err
