"""Which payers need an allocation, found by bitmaps of 64 payers."""

from datetime import date
from random import Random

from jobs.collection.exact_payers import paid_on_by_word, words_of_days, words_of_other_payers

# payer: dues of his bills, amounts of his receipts
PAYERS = {
    64: ([10], [10]),  # exactly what he owes
    65: ([10], [10]),  # the same, in the same word
    128: ([10], [4, 6]),  # in parts
    192: ([5, 5], [10]),  # bills of two plans
    256: ([7], []),  # nothing
    320: ([7], [8]),  # too much
    384: ([], [3]),  # without a bill
    448 + 63: ([0], [2]),  # the last bit of a word
    512: ([9], [9]),
    513: ([9], [9, 9]),  # twice: in a word with one who paid the same amount exactly, both are looked at
    576: ([8], [8]),
    577: ([8, 3], [8]),  # one of two bills
    578: ([8], [8, 3]),  # once too often, with another amount
    579: ([4, 3, 2], [4]),  # three bills: all of the word are looked at
    640: ([8], [8]),
    641: ([8, 3], [11]),  # two bills with one receipt
}


def words_of(spark, payers):
    """The payers found, of a map as PAYERS."""
    bills = [(payer, due) for payer, (dues, _) in payers.items() for due in dues]
    receipts = [(payer, fen) for payer, (_, paid) in payers.items() for fen in paid]
    words = words_of_other_payers(
        spark.createDataFrame(receipts, "payer_id long, amount_fen long"),
        spark.createDataFrame(bills, "payer_id long, due_fen long"),
    )
    return {64 * row.word + bit for row in words.collect() for bit in range(64) if row.bits >> bit & 1}


def test_whoever_paid_exactly_what_he_owes_is_left_out(spark):
    found = words_of(spark, PAYERS)
    assert found == {128, 192, 320, 384, 448 + 63, 512, 513, 576, 577, 578, 579, 641}


def test_nobody_who_needs_an_allocation_is_left_out(spark):
    """Random payers, close together, with up to four bills and receipts of few amounts."""
    random = Random(20201207)
    amounts = lambda: [random.randint(0, 4) for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3, 4)))]  # noqa: E731
    payers = {payer: (amounts(), amounts()) for payer in random.sample(range(1 << 14), 2_000)}
    payers |= {(1 << 20) + payer: ([7], [7]) for payer in range(1_000)}
    needing = {payer for payer, (dues, paid) in payers.items() if paid and not (len(paid) == 1 and dues == paid)}
    found = words_of(spark, payers)
    assert needing <= found
    assert max(found) < 1 << 20, "in words of nobody else, those who paid exactly are left out"


def test_the_day_of_the_only_receipt_is_found_by_words(spark):
    """Payers of one word on one day and on two days, one who did not pay, one of a word where nobody did."""
    first, second = date(2020, 12, 14), date(2020, 12, 18)
    paid = {64: first, 65: second, 127: first, 128: second, (1 << 27) + 66: first}
    payers = [64, 64, 65, 66, 127, 128, 192, (1 << 27) + 66]
    assessments = spark.createDataFrame([(n, payer) for n, payer in enumerate(payers)], "member_id long, payer_id long")
    receipts = spark.createDataFrame(list(paid.items()), "payer_id long, attempted_on date")
    found = paid_on_by_word(assessments, words_of_days(receipts)).collect()
    assert {tuple(row) for row in found} == {(n, payer, paid.get(payer)) for n, payer in enumerate(payers)}
    assert len(found) == len(payers)
