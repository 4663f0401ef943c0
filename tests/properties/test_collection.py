"""Allocation of random receipts: no fen is created or lost, and the result does not depend on order or files."""

from collections import Counter
from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.collection.days import CollectionDays
from jobs.gate.receipts import judge_receipts
from jobs.works.collect_allocation import allocate
from schemas.settled import ASSESSMENTS, BILLS
from schemas.sources import RECEIPTS
from tests.lakes import PERIOD, receipt

DAYS = CollectionDays(date(2020, 12, 7), date(2020, 12, 14), date(2020, 12, 26), date(2020, 12, 31))
WORLDS = 8  # in one collection: the ids of world n are those of world 0 plus 100 n
# (plan, member, payer, due in fen, day of joining): 1 pays for himself in two plans, for 2 and for 3; 4 owes nothing.
WORLD = (
    ("chronic", 1, 1, 3, date(2020, 5, 1)),
    ("critical_illness", 1, 1, 10, date(2019, 6, 1)),
    ("critical_illness", 2, 1, 10, date(2019, 5, 1)),
    ("critical_illness", 3, 1, 7, date(2019, 5, 1)),
    ("critical_illness", 4, 4, 0, date(2019, 5, 1)),
    ("critical_illness", 5, 5, 10, date(2019, 5, 1)),
)
MEMBERS = tuple((p, 100 * n + m, 100 * n + payer, due, day) for n in range(WORLDS) for p, m, payer, due, day in WORLD)

one_world = st.lists(
    st.builds(
        lambda payer_id, fen, day: (payer_id, fen, DAYS.publicity_on + timedelta(days=day)),
        st.sampled_from((1, 1, 4, 5, 99)),
        st.sampled_from((1, 3, 7, 10, 13, 20, 30, 31)),
        st.integers(0, 22),
    ),
    max_size=6,
)
receipts = st.lists(one_world, min_size=WORLDS, max_size=WORLDS).map(
    lambda worlds: [
        receipt(100 * n + number, 100 * n + payer, fen, day)
        for n, world in enumerate(worlds)
        for number, (payer, fen, day) in enumerate(world, 1)
    ]
)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=receipts, order=st.randoms(use_true_random=False), files=st.integers(1, 3), whole=st.booleans())
def test_no_fen_is_created_or_lost_and_order_and_files_do_not_matter(spark, drawn, order, files, whole):
    shares, excess = allocation_of(spark, drawn, 1, whole)
    assert len(shares) == len(MEMBERS)
    due_fen = {(plan_id, member_id): due for plan_id, member_id, _, due, _ in MEMBERS}
    for n in range(WORLDS):
        here = [share for share in shares if share[1] // 100 == n]
        money_fen = sum(r["amount_fen"] for r in drawn if r["payer_id"] // 100 == n)
        suspense_fen = sum(fen * count for (receipt_id, fen, _, _), count in excess.items() if receipt_id // 100 == n)
        assert sum(fen for _, _, fen, _ in here) + suspense_fen == money_fen
        in_part = [fen for plan_id, member_id, fen, _ in here if fen not in (0, due_fen[plan_id, member_id])]
        assert len(in_part) <= (0 if whole else 2), "at most one partly paid share for each of the two payers"
    assert all((fen > 0) == (day != "None") for _, _, fen, day in shares)
    shuffled = list(drawn)
    order.shuffle(shuffled)
    assert allocation_of(spark, shuffled, files, whole, is_large=True) == (shares, excess)


def allocation_of(spark, came, files, whole_shares, is_large=False):
    """The allocated amount of every share, and the unapplied amounts of receipts."""
    judged = judge_receipts(frame(spark, RECEIPTS, came).repartition(files), frame(spark, RECEIPTS, []), DAYS)
    allocated = allocate(
        assessments(spark), bills(spark), judged, lambda _: joined(spark), whole_shares, "chronic", is_large=is_large
    )
    shares = sorted((r.plan_id, r.member_id, r.collected_fen, str(r.collected_on)) for r in allocated.shares.collect())
    excess = Counter((r.receipt_id, r.excess_fen, r.reason, r.plan_id) for r in allocated.excess.collect())
    return shares, excess


def assessments(spark):
    rows = [
        {"period": PERIOD, "plan_id": p, "member_id": m, "payer_id": payer, "tier": "standard", "share_fen": due or 10,
         "sponsored_fen": 0 if due else 10, "due_fen": due} for p, m, payer, due, _ in MEMBERS
    ]  # fmt: skip
    return frame(spark, ASSESSMENTS, rows)


def bills(spark):
    dues, counts = Counter(), Counter()
    for plan_id, _, payer_id, due_fen, _ in MEMBERS:
        dues[plan_id, payer_id] += due_fen
        counts[plan_id, payer_id] += 1
    return frame(spark, BILLS, [
        {"period": PERIOD, "plan_id": p, "payer_id": payer, "member_count": n, "due_fen": dues[p, payer]}
        for (p, payer), n in counts.items()
    ])  # fmt: skip


def joined(spark):
    return spark.createDataFrame(
        [(p, m, day) for p, m, _, _, day in MEMBERS], "plan_id string, member_id long, joined_on date"
    )


def frame(spark, table, rows):
    values = [tuple(row.get(column) for column in table.column_names) for row in rows]
    return spark.createDataFrame(values, table.spark_schema)
