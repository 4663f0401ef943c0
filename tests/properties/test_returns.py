"""Whatever goes back, fen by fen: a return takes the latest fen that came in before it, never one that came later."""

from collections import Counter
from datetime import timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jobs.collection.returns import parts_by_account, take_back
from schemas.sources import RECEIPTS
from tests.lakes import receipt
from tests.properties.test_collection import DAYS, frame

PUBLIC_ON, LIMIT_ON = DAYS.publicity_on, DAYS.grace_ends_on


def row(number, payer_id, fen, days, outcome):
    return receipt(number, payer_id, fen, PUBLIC_ON + timedelta(days=days), outcome=outcome)


outcomes = st.sampled_from(("collected", "returned"))
lives = st.lists(
    st.tuples(st.sampled_from((1, 1, 2)), st.integers(1, 30), st.integers(0, 24), outcomes),
    min_size=1,
    max_size=9,
).map(lambda drawn: [row(number, *values) for number, values in enumerate(drawn, 1)])  # fmt: skip


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(came=lives)
@example(came=[row(1, 1, 21, 7, "collected"), row(2, 1, 21, 9, "returned")])
@example(came=[row(1, 1, 21, 7, "returned"), row(2, 1, 21, 9, "collected"), row(3, 1, 30, 23, "returned")])
@example(came=[row(1, 1, 10, 7, "collected"), row(2, 1, 8, 20, "collected"), row(3, 1, 11, 22, "returned"),
               row(4, 1, 5, 22, "collected"), row(5, 1, 9, 23, "returned")])  # fmt: skip
def test_returns_take_the_latest_fen_that_came_before_them(spark, came):
    money = [r for r in came if r["outcome"] == "collected"]
    in_time, late, returned = (
        frame(spark, RECEIPTS, rows)
        for rows in (
            [r for r in money if r["attempted_on"] < LIMIT_ON],
            [r for r in money if r["attempted_on"] >= LIMIT_ON],
            [r for r in came if r["outcome"] == "returned"],
        )
    )
    taken = take_back(in_time, late, returned, LIMIT_ON)
    kept = {
        r.receipt_id: r.amount_fen
        for rows, is_late in ((in_time, False), (late, True))
        for r in taken.less_returned(rows, is_late).collect()
    }
    left, excess, pairs = one_by_one(came)
    assert kept == left
    assert {r.receipt_id: r.excess_fen for r in taken.excess.collect()} == excess
    shares = spark.createDataFrame(
        [(1, "a", 5, 0), (1, "b", 7, 2)], "payer_id long, plan_id string, due_fen long, collected_fen long"
    )
    booked = Counter()
    for r in parts_by_account(taken.parts, shares, "a").collect():
        booked[r.plan_id, r.is_share, r.is_return] += r.fen
    in_time_fen = sum(fen for (payer_id, is_late), fen in pairs.items() if payer_id == 1 and not is_late)
    for is_return in (False, True):
        assert booked["a", True, is_return] == min(in_time_fen, 5)
        assert booked["b", True, is_return] == min(max(in_time_fen - 5, 0), 5)
        assert sum(fen for (*_, back), fen in booked.items() if back == is_return) == sum(pairs.values())


def one_by_one(came):
    """What is left of each receipt, what is too much of each return, and what went back by payer and lateness."""
    stacks, left, excess, pairs = {}, Counter(), Counter(), Counter()
    for r in sorted(came, key=lambda r: (r["attempted_on"], r["outcome"] == "returned", r["receipt_id"])):
        stack = stacks.setdefault(r["payer_id"], [])
        for _ in range(r["amount_fen"]):
            if r["outcome"] == "collected":
                stack.append((r["receipt_id"], r["attempted_on"] >= LIMIT_ON))
            elif stack:
                pairs[r["payer_id"], stack.pop()[1]] += 1
            else:
                excess[r["receipt_id"]] += 1
    for stack in stacks.values():
        left.update(number for number, _ in stack)
    return dict(left), dict(excess), pairs
