"""Views show only published rows; a payer's bills are summed over his plans."""

import pytest

from tests.shown import FIRST, PLAN, SENIOR


def test_views_show_published_rows_and_bills_over_all_plans_of_a_payer(shown, tmp_path):
    lake = shown.copied(tmp_path / "lake")
    unpublished = lake.spark.read.format("delta").load(str(lake.folder / "settled/bills")).selectExpr(
        "* except (run_id)", "'never-published' as run_id"
    )  # fmt: skip
    unpublished.write.format("delta").mode("append").save(str(lake.folder / "settled/bills"))
    made = lake.run("views", "--create", "--schema", "fentan_test")
    assert made.exit_code == 0 and "the catalog of this Spark is in memory" in made.err, made.err
    bills = lake.spark.table("fentan_test.settled_bills").where(f"period = '{FIRST}'").collect()
    assert sorted((row.plan_id, row.payer_id) for row in bills) == [
        (PLAN, 1), *((PLAN, i) for i in range(4, 41)), (SENIOR, 1),
    ]  # fmt: skip
    assert {row.run_id for row in bills} == {row["run_id"] for row in lake.rows("control/publications", job="settle")}
    # Payer 1: 50 fen each for three members; in the other plan 10 and 1 for the one member.
    bill_rows = lake.spark.table("fentan_test.payer_bills").where(f"period = '{FIRST}'").collect()
    payers = {row.payer_id: row.asDict() for row in bill_rows}
    assert payers[1] == {"period": FIRST, "payer_id": 1, "member_count": 4, "due_fen": 3 * 50 + 11,
                         "adjustment_fen": 0, "plan_count": 2}  # fmt: skip
    assert payers[4]["due_fen"] == 25
    lake.spark.sql("drop schema fentan_test cascade")


def test_an_invalid_schema_name_is_refused(lake):
    refused = lake.run("views", "--schema", "x; drop")
    assert refused.exit_code == 2 and "Nothing was done" in refused.err


@pytest.mark.parametrize("command", ["views", "conform"])
def test_a_folder_without_tables_is_an_error(lake, command):
    refused = lake.run(command)
    assert refused.exit_code == 2 and "none of the output tables is there" in refused.err
