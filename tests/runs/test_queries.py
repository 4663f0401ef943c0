"""The queries that BI people start from, each in its engine, against amounts worked out by hand."""

import ast
from datetime import date

import pytest

from tests.lakes import PERIOD, claim, member
from tests.readme import examples_of
from tests.wheels import PROJECT

SECOND = "2020-12-P2"
EXAMPLE = examples_of((PROJECT / "schemas/QUERIES.md").read_text(encoding="utf-8"))


def value_of(*marks: str):
    """Runs the Python of the examples and gives the value of the last line."""
    tree = ast.parse("\n".join(EXAMPLE(mark) for mark in marks))
    last, names = tree.body.pop(), {}
    exec(compile(tree, "QUERIES.md", "exec"), names)
    return eval(compile(ast.Expression(last.value), "QUERIES.md", "eval"), names)


@pytest.fixture
def books(lake):
    """Two plans and periods, of which the first was collected in part; one member without a sex.

    Critical illness, six members: 40 and 3 of fee over 6 -> 8, 5 too much; then 50 + 4 - 5 = 49 -> 9. Senior: one
    member, 10 and 1 of fee -> 11; then nothing. Payer 1 pays for members 1, 2 and 8, and like 5 and 6 has not paid
    yet.
    """
    senior = {"birth_date": date(1955, 6, 1)}
    members = [member(1), member(2, payer_id=1), *(member(i) for i in range(3, 7)), member(99, sex="X")]
    lake.load(
        [*members, member(8, "senior_cancer", payer_id=1)],
        [claim(1, 3, approved_aid_fen=40), claim(2, 8, "senior_cancer", approved_aid_fen=10, **senior),
         claim(3, 4, approved_aid_fen=50, publicity_period=SECOND)],
    )  # fmt: skip
    paid = {"period": PERIOD, "amount_fen": 8, "outcome": "collected", "attempted_on": date(2020, 12, 14)}
    lake.write("source/receipts", [{"receipt_id": i, "payer_id": i, **paid} for i in (3, 4)])
    for words in (("settle", "--period", PERIOD), ("collect", "--period", PERIOD, "--as-of", "2020-12-20"),
                  ("settle", "--period", SECOND), ("report", "--period", PERIOD)):  # fmt: skip
        ended = lake.run(*words)
        assert ended.exit_code == 0, ended.err
    return lake


def test_each_query_gives_what_was_worked_out_by_hand(books, monkeypatch):
    monkeypatch.chdir(books.folder.parent)
    assert books.run("views", "--create").exit_code == 0
    try:
        spark_sql = lambda mark: [tuple(row) for row in books.spark.sql(EXAMPLE(mark)).collect()]  # noqa: E731
        assert spark_sql("-- share over time") == [
            (PERIOD, "critical_illness", "standard", 8, None), (SECOND, "critical_illness", "standard", 9, 1),
            (PERIOD, "senior_cancer", "standard", 11, None), (SECOND, "senior_cancer", "standard", 0, -11),
        ]  # fmt: skip
        # 8 + 8 + 11 + 9 + 9 of payer 1, for three members; 8 + 9 of the others
        assert spark_sql("-- bill of a payer") == [(1, 45, 3), (3, 17, 1), (4, 17, 1), (5, 17, 1), (6, 17, 1)]
        assert spark_sql("-- quarantine") == [("members", "critical_illness", "member_sex_unknown", 1, 9)]
    finally:
        books.spark.sql("drop schema fentan cascade")
    assert value_of("# once, for DuckDB", "# arrears by plan") == [
        ("critical_illness", "0-15 days", 4, 32, 0), ("senior_cancer", "0-15 days", 1, 11, 0),
    ]  # fmt: skip
    # 3 + 1 accrued; 16 of 48 came in: a third of the 3, and nothing of the 1
    assert value_of("# once, for DuckDB", "# fee accrued")[0] == (PERIOD, 4, 1, 3)
    assert value_of("# cases by illness").rows() == [
        ("critical_illness", "other_severe", "F", 1, 40), ("senior_cancer", "other_severe", "hidden", 1, 10),
    ]  # fmt: skip
