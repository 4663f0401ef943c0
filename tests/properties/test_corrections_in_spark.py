"""The rules of corrections as columns agree with the same rules in plain Python, which the oracle checks."""

from datetime import date, timedelta
from itertools import product
from random import Random

from jobs.collection.allocation import with_running_fen
from jobs.collection.days import CollectionDays
from jobs.correction.additional_dues import adjustment_collections, dues_met, whole_dues_met
from jobs.correction.dispositions import DISPOSITIONS, disposition_columns, dispositions, reason_column, reason_of
from jobs.correction.reinstatement import money_by_holder
from jobs.works.correct_money import taken_from_holders

PUBLICITY, DEDUCTION, GRACE = date(2020, 12, 7), date(2020, 12, 14), date(2020, 12, 26)
ARGUMENTS = ("difference_fen", "pooled_fen", "written_off_fen", "is_covered", "unbilled_asked_fen",
             "unbilled_refund_fen")  # fmt: skip
ADJUSTMENT = ("plan_id string, origin_period string, revision int, member_id bigint, payer_id bigint, "
              "delta_fen bigint")  # fmt: skip


def test_the_disposition_of_a_difference(spark):
    values = list(product((-60, -5, 1, 54), (-54, 0, 54), (0, 3, 98), (True, False), (0, 54), (0, 5)))
    types = [f"{name} {'boolean' if name == 'is_covered' else 'bigint'}" for name in ARGUMENTS]
    rows = spark.createDataFrame([(n, *row) for n, row in enumerate(values)], ", ".join(["n int", *types])).coalesce(1)
    for threshold_fen in (1, 6, 100):
        columns = disposition_columns(threshold_fen)
        by_spark = rows.select("n", *(columns[name].cast("bigint").alias(name) for name in DISPOSITIONS)).collect()
        for row in by_spark:
            difference, pooled, written_off, is_covered, *unbilled = values[row.n]
            parts = dispositions(difference, pooled, written_off, is_covered, threshold_fen, *unbilled)
            assert {name: row[name] for name in DISPOSITIONS if row[name]} == parts, (values[row.n], threshold_fen)
            assert sum(parts.values()) == difference


def test_the_reason_of_a_difference(spark):
    values = list(product((None, "standard", "basic"), (None, "standard"), (0, 98)))
    rows = spark.createDataFrame(values, "stored_tier string, tier string, effective_due_fen bigint").coalesce(1)
    for row in rows.withColumn("reason", reason_column()).collect():
        assert row.reason == reason_of(row.stored_tier, row.tier, row.effective_due_fen)


def drawn_payers(random: Random) -> dict[int, tuple[int, list, list]]:
    """By payer: his shares, his additional dues ((origin, member), then the rows of revisions), his receipts."""
    payers = {}
    for payer in range(1, 60):
        dues = [
            ((f"2020-{month:02d}-P1", 10 * payer + member), [fen, *random.choice(([], [-fen], [-1], [5], [-fen, 7]))])
            for month, member, fen in sorted(
                {(random.randint(1, 3), random.randint(1, 2), random.choice((2, 10, 54))) for _ in range(3)}
            )
        ]
        unique = dict(reversed(dues))
        receipts = [(random.randint(1, 60), random.randint(0, 18)) for _ in range(random.randint(0, 3))]
        payers[payer] = random.choice((0, 6, 50)), sorted(unique.items()), receipts
    return payers


def test_additional_dues_are_met_whole_in_their_order_or_not_at_all(spark):
    payers = drawn_payers(Random(20201214))
    asked = [
        ("p", origin, revision, member, payer, fen)
        for payer, (_, dues, _) in payers.items()
        for (origin, member), parts in dues
        for revision, fen in enumerate(parts, 1)
    ]
    receipts = [
        (100 * payer + n, payer, fen, PUBLICITY + timedelta(days=days))
        for payer, (_, _, came) in payers.items()
        for n, (fen, days) in enumerate(came)
    ]
    money = [(payer, sum(fen for fen, _ in came), shares) for payer, (shares, _, came) in payers.items() if came]
    running = with_running_fen(
        spark.createDataFrame(receipts, "receipt_id bigint, payer_id bigint, amount_fen bigint, attempted_on date")
    )
    met = dues_met(
        spark.createDataFrame(asked, ADJUSTMENT),
        spark.createDataFrame(money, "payer_id bigint, received_fen bigint, shares_fen bigint"),
        running,
    ).localCheckpoint()
    assert met.count() == len(asked)
    by_due: dict = {}
    for row in met.collect():
        by_due.setdefault((row.payer_id, row.origin_period, row.member_id), []).append(row)
    for payer, (shares_fen, dues, came) in payers.items():
        owed_before = shares_fen if came else 0  # without money it does not matter
        nets = [sum(parts) for _, parts in dues]
        whole = whole_dues_met(sum(fen for fen, _ in came), owed_before, nets)
        for ((origin, member), _), net, met_fen in zip(dues, nets, whole, strict=True):
            rows = by_due[payer, origin, member]
            assert sum(row.met_fen for row in rows) == met_fen
            is_met = met_fen == net
            assert all(row.met_fen == (row.delta_fen if is_met else 0) for row in rows)
            assert {row.collected_on is not None for row in rows} == {is_met and net > 0}
    rows_of_every_day(spark, met)


def rows_of_every_day(spark, met) -> None:
    """What becomes of the same dues before the deduction day, on it, and at the grace limit."""
    nothing = spark.createDataFrame([], ADJUSTMENT)
    for day, unmet in ((PUBLICITY, "in_grace"), (DEDUCTION, "in_grace"), (GRACE, "written_off")):
        days = CollectionDays(PUBLICITY, DEDUCTION, GRACE, day)
        for row in adjustment_collections(met, nothing, days).collect():
            is_met = row.status == "collected"
            assert row.met_fen == (row.delta_fen if is_met else 0) and (row.collected_on is not None) == is_met
            assert is_met or row.status == unmet


def test_money_paid_in_time_is_taken_from_its_own_suspense_first(spark):
    random, plans = Random(98), ("a", "b", "c")
    draw = lambda: {p: random.randint(1, 90) for p in plans if random.random() < 0.6}  # noqa: E731
    payers = {payer: (draw(), draw()) for payer in range(1, 80)}
    needs = [(payer, plan, fen) for payer, (of_payer, _) in payers.items() for plan, fen in of_payer.items()]
    held = [(payer, plan, fen) for payer, (_, of_payer) in payers.items() for plan, fen in of_payer.items()]
    taken = taken_from_holders(
        spark.createDataFrame(needs, "payer_id bigint, plan_id string, need_fen bigint"),
        spark.createDataFrame(held, "payer_id bigint, holder string, held_fen bigint"),
    )
    by_payer: dict = {payer: {} for payer in payers}
    for row in taken.collect():
        by_payer[row.payer_id][row.plan_id, row.holder] = row.fen
    for payer, (of_payer, in_suspense) in payers.items():
        plain = money_by_holder(of_payer, in_suspense)
        assert by_payer[payer] == {key: fen for key, fen in plain.items() if key[1] is not None}
