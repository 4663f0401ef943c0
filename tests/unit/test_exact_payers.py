"""Which payers need an allocation, found by bitmaps of 64 payers."""

from jobs.collection.exact_payers import words_of_other_payers

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
    513: ([9], [9, 9]),  # twice: in a word with one who paid exactly, both are looked at
}


def test_whoever_paid_exactly_what_he_owes_is_left_out(spark):
    bills = [(payer, due) for payer, (dues, _) in PAYERS.items() for due in dues]
    receipts = [(payer, fen) for payer, (_, paid) in PAYERS.items() for fen in paid]
    words = words_of_other_payers(
        spark.createDataFrame(receipts, "payer_id long, amount_fen long"),
        spark.createDataFrame(bills, "payer_id long, due_fen long"),
    )
    found = {64 * row.word + bit for row in words.collect() for bit in range(64) if row.bits >> bit & 1}
    assert found == {128, 192, 320, 384, 448 + 63, 512, 513}
