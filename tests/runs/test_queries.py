"""The queries of schemas/QUERIES.md, each in its engine, against amounts computed by hand."""

import ast

from tests.readme import examples_of
from tests.shown import FIRST, PLAN, SECOND, SENIOR
from tests.wheels import PROJECT

EXAMPLE = examples_of((PROJECT / "schemas/QUERIES.md").read_text(encoding="utf-8"))


def value_of(*marks: str):
    """Runs the Python examples with these marks and gives the value of the last line."""
    tree = ast.parse("\n".join(EXAMPLE(mark) for mark in marks))
    last, names = tree.body.pop(), {}
    exec(compile(tree, "QUERIES.md", "exec"), names)
    return eval(compile(ast.Expression(last.value), "QUERIES.md", "eval"), names)


def test_each_query_gives_the_amounts_computed_by_hand(shown, monkeypatch):
    monkeypatch.chdir(shown.folder.parent)
    assert shown.run("views", "--create").exit_code == 0
    try:
        spark_sql = lambda mark: [tuple(row) for row in shown.spark.sql(EXAMPLE(mark)).collect()]  # noqa: E731
        assert spark_sql("-- share over time") == [
            (FIRST, PLAN, "basic", 25, None), (SECOND, PLAN, "basic", 10, -15),
            (FIRST, PLAN, "standard", 50, None), (SECOND, PLAN, "standard", 20, -30),
            (FIRST, SENIOR, "standard", 11, None), (SECOND, SENIOR, "standard", 0, -11),
        ]  # fmt: skip
        # payer 1, four members: 3 x 50 + 11 + 3 x 20; others: 50 + 20 or 25 + 10; 39 and 41: one period only
        standard, basic = [i for i in range(5, 39) if i % 4], range(4, 41, 4)
        assert spark_sql("-- bill of a payer") == [
            (1, 221, 4), *((i, 70, 1) for i in standard), (39, 50, 1), *((i, 35, 1) for i in basic), (41, 20, 1),
        ]  # fmt: skip
        assert spark_sql("-- quarantine") == [
            ("members", FIRST, PLAN, "member_sex_unknown", 1, 50),
            ("members", SECOND, PLAN, "member_sex_unknown", 1, 20),
        ]
    finally:
        shown.spark.sql("drop schema fentan cascade")
    # P1: 75 fen of two lapsed members; P2: 350 fen of twenty in grace
    assert value_of("# once, for DuckDB", "# arrears by plan") == [(PLAN, "0-15 days", 22, 350, 75)]
    # P1: 1,200 and 1 accrued. 1,200 x 14,450 / 16,200 = 1,070 are sponsored. With all but 75 of 1,750 fen collected,
    # 1,200 x (14,450 + 1,675) / 16,200 = 1,194 are received, 124 more; and the whole 1. P2: 480 accrued; nothing is
    # written off, so the fee not received is outstanding.
    first, second = value_of("# once, for DuckDB", "# fee accrued")
    assert first == (FIRST, 1_201, 125, 0)
    assert second[:2] == (SECOND, 480) and second[3] > 0
    # Five cases of P1 and two of P2 share an illness, enough for the floor. The other plan has one case.
    assert value_of("# cases by illness").rows() == [
        (PLAN, "breast_cancer", "F", 7, 21_000), (SENIOR, "other_severe", "hidden", 1, 10),
    ]  # fmt: skip
