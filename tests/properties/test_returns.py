"""Random returns, computed fen by fen: a return takes the latest fen received before it, never a later one."""

from collections import Counter
from datetime import timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jobs.collection.returns import parts_by_account, take_back
from schemas.sources import RECEIPTS
from tests.lakes import receipt
from tests.properties.test_collection import DAYS, frame

PUBLIC_ON, LIMIT_ON = DAYS.publicity_on, DAYS.grace_ends_on


outcomes = st.sampled_from(("collected", "returned"))
# (payer, fen, days after the publicity day, outcome)
lives = st.lists(
    st.tuples(st.sampled_from((1, 1, 2)), st.integers(1, 30), st.integers(0, 24), outcomes), min_size=1, max_size=9
)
LIVES = [
    [(1, 21, 7, "collected"), (1, 21, 9, "returned")],
    [(1, 21, 7, "returned"), (1, 21, 9, "collected"), (1, 30, 23, "returned")],
    [(1, 10, 7, "collected"), (1, 8, 20, "collected"), (1, 11, 22, "returned"), (1, 5, 22, "collected"),
     (1, 9, 23, "returned")],
]  # fmt: skip


def receipts_of(drawn):
    """The receipts of all examples in one list: example n has the payers 10 n + 1 (with shares) and 10 n + 2."""
    return [
        receipt(100 * n + number, 10 * n + payer, fen, PUBLIC_ON + timedelta(days=days), outcome=outcome)
        for n, life in enumerate(drawn)
        for number, (payer, fen, days, outcome) in enumerate(life)
    ]


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=st.lists(lives, min_size=12, max_size=12))
@example(drawn=LIVES)
def test_returns_take_the_latest_fen_received_before_them(spark, drawn):
    receipts = receipts_of(drawn)
    money = [r for r in receipts if r["outcome"] == "collected"]
    in_time, late, returned = (
        frame(spark, RECEIPTS, rows)
        for rows in (
            [r for r in money if r["attempted_on"] < LIMIT_ON],
            [r for r in money if r["attempted_on"] >= LIMIT_ON],
            [r for r in receipts if r["outcome"] == "returned"],
        )
    )
    taken = take_back(in_time, late, returned, LIMIT_ON)
    kept = {
        r.receipt_id: r.amount_fen
        for rows, is_late in ((in_time, False), (late, True))
        for r in taken.less_returned(rows, is_late).collect()
    }
    left, excess, pairs = one_by_one(receipts)
    assert kept == left
    assert {r.receipt_id: r.excess_fen for r in taken.excess.collect()} == excess
    shares = spark.createDataFrame(
        [(10 * n + 1, *share) for n in range(len(drawn)) for share in (("a", 5, 0), ("b", 7, 2))],
        "payer_id long, plan_id string, due_fen long, collected_fen long",
    )
    booked = Counter()
    for r in parts_by_account(taken.parts, shares, "a").collect():
        booked[r.plan_id, r.is_share, r.is_return] += r.fen
    with_shares = [pairs[10 * n + 1, False] for n in range(len(drawn))]
    for is_return in (False, True):
        assert booked["a", True, is_return] == sum(min(fen, 5) for fen in with_shares)
        assert booked["b", True, is_return] == sum(min(max(fen - 5, 0), 5) for fen in with_shares)
        assert sum(fen for (*_, back), fen in booked.items() if back == is_return) == sum(pairs.values())


def one_by_one(receipts):
    """Remaining fen by receipt, excess fen by return, and returned fen by (payer, is late)."""
    stacks, left, excess, pairs = {}, Counter(), Counter(), Counter()
    for r in sorted(receipts, key=lambda r: (r["attempted_on"], r["outcome"] == "returned", r["receipt_id"])):
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
