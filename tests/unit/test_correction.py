"""Four worked examples of a correction, to the fen: a late claim, a member who had left, one who never owed, fraud.

Ten standard members, a fee of 8 %, shares rounded up. P: aid 900, fee 72, pool 972, share 98, due 980, carried 8;
member 10 pays nothing and lapses.
"""

import pytest

from jobs.correction.additional_dues import refund_as_money_fen, whole_dues_met
from jobs.correction.cases import Case, aid_changes, counting_cases, paid_fen
from jobs.correction.dispositions import dispositions, reason_of
from jobs.correction.invariants import (
    IDENTITIES,
    CorrectionReadBack,
    brought_forward_breaches,
    correction_breaches,
)
from jobs.correction.pools import effective_pool, pool_deltas
from jobs.correction.reinstatement import money_by_holder, reinstatement
from jobs.ledger.arrears_postings import WriteOff, parts_taken_back
from jobs.ledger.correction_postings import CorrectionAmounts, adjusted_fen, correction_transfers
from jobs.ledger.journal import Transfer
from tests.oracle_correction import Terms, World
from tests.properties.test_corrections import ProgramBooks

P, Q, AFTER = 0, 1, 2
TEN = dict.fromkeys(range(1, 11), "standard")


def closed_period(**terms) -> ProgramBooks:
    """P of the examples, settled, collected and closed."""
    program = ProgramBooks(Terms(**terms), World(covered={P: dict(TEN), Q: dict(TEN)}, aid={P: {"first": 900}}))
    program.settle(P)
    program.collect(P, dict.fromkeys(range(1, 10), 98))
    program.close(P)
    assert program.pools[P] | {
        "benefit_fen": 900, "fee_fen": 72, "pool_fen": 972, "due_fen": 980, "carried_forward_fen": 8,
    } == program.pools[P]  # fmt: skip
    assert balances(program) == {"cash": 72, "fee_income": -64, "pool": -8, "bad_debt": 90, "platform_funding": -90}
    return program


def balances(program: ProgramBooks) -> dict[str, int]:
    return {row["account"]: row["carried_forward_fen"] for row in program.rows if row["carried_forward_fen"]}


def corrected(program: ProgramBooks, into: int = Q) -> tuple[dict, dict]:
    """The row of the pool, and the members' parts."""
    _, _, pool, rows, *_ = program.correct(P, into)
    assert program.correct(P, into) is None, "twice is a no-op"
    return pool, {(row["member_id"], row["disposition"]): row["delta_fen"] for row in rows}


def settled_and_closed(program: ProgramBooks, money: dict) -> dict:
    program.settle(Q)
    program.collect(Q, money)
    return program.close(Q)


def with_late_claim() -> ProgramBooks:
    program = closed_period()
    program.world.aid[P]["late"] = 500
    return program


def test_example_1_a_late_claim():
    program = with_late_claim()
    pool, parts = corrected(program)
    assert (pool["delta_benefit_fen"], pool["delta_fee_fen"], pool["delta_carried_forward_fen"]) == (500, 40, 0)
    assert pool["delta_due_fen"] == 540 == 500 + 40 + 0  # C1
    assert parts == {**{(member, "asked"): 54 for member in range(1, 10)}, (10, "pooled"): 54}
    assert (pool["asked_fen"], pool["pooled_fen"], pool["adjusted_fen"]) == (486, 54, -54)
    fee = settled_and_closed(program, dict.fromkeys(range(1, 10), 6 + 54))
    settled = program.pools[Q]
    assert (settled["brought_forward_fen"], settled["adjusted_fen"]) == (8 - 54, -54)
    assert (settled["pool_fen"], settled["due_fen"], settled["carried_forward_fen"]) == (46, 54, 8)
    assert balances(program) | {"cash": 72 + 54 + 486 - 500, "fee_income": -(64 + 40), "pool": -8} == balances(program)
    assert (fee["accrued_fen"], fee["received_fen"], fee["outstanding_fen"]) == (40, 40, 0)


def test_example_2_a_member_who_had_left_before():
    program = closed_period()
    del program.world.covered[P][9], program.world.covered[Q][9]
    pool, parts = corrected(program)
    charged = {(member, "asked"): 10 for member in range(1, 9)}
    assert parts == {**charged, (9, "refunded"): -98, (10, "pooled"): 10}
    assert (pool["delta_due_fen"], pool["delta_carried_forward_fen"]) == (-8, -8)
    assert (pool["asked_fen"], pool["refunded_fen"], pool["adjusted_fen"]) == (80, -98, -18)
    settled_and_closed(program, dict.fromkeys(range(1, 9), 100))
    assert program.pools[Q]["brought_forward_fen"] == -10


def test_example_3_a_member_who_never_owed():
    program = closed_period()
    del program.world.covered[P][10], program.world.covered[Q][10]
    _, _, pool, rows, _, reinstated, transfers = program.correct(P, Q)
    assert reinstated == {10: ("nothing_owed", 0)}
    assert [row["delta_fen"] for row in rows if row["disposition"] == "written_off"] == [-98]
    assert pool["asked_fen"] == 90
    taken_back = [t[:3] for t in transfers if t.reason in ("write_off_taken_back", "funding_returned")]
    assert taken_back == [("pool", "fee_accrued", 8), ("pool", "bad_debt", 90), ("platform_funding", "cash", 90)]
    assert pool["adjusted_fen"] == -8
    settled_and_closed(program, dict.fromkeys(range(1, 10), 10))
    assert program.pools[Q]["brought_forward_fen"] == 0
    assert balances(program)["fee_income"] == -(64 + 8)  # the whole fee of P


def test_example_4_a_fraud():
    program = with_late_claim()
    corrected(program)
    settled_and_closed(program, dict.fromkeys(range(1, 10), 60))
    program.world.covered[AFTER] = {member: "standard" for member in range(1, 10)}
    program.world.aid[P] = {"late": 500}
    assert program.correct(P, AFTER) is None, "nothing was recovered"
    program.world.recovered["first"] = 540
    pool, parts = corrected(program, AFTER)
    assert program.corrected[-1][4] == {
        "first": {"delta_benefit_fen": -540, "delta_sponsored_fen": 0, "recovered_fen": 540}
    }
    assert (pool["delta_due_fen"], pool["delta_fee_fen"], pool["delta_carried_forward_fen"]) == (-590, -43, -7)
    refunded = {(member, "refunded"): -59 for member in range(1, 10)}
    assert parts == {**refunded, (10, "pooled"): -54, (10, "written_off"): -5}
    assert (pool["refunded_fen"], pool["adjusted_fen"]) == (-531, -7 + 54)
    assert parts_taken_back(WriteOff(98, 8, 0), 0, 5) == (0, 5)


def test_what_is_asked_and_taken_back_before_the_bill_is_paid_to_nobody():
    """The late claim was a mistake, corrected before Q is settled. Members 1 to 9 pay nothing in Q, no share either.

    A refund of 54 would have met their share of Q and paid them the rest, while the 54 asked are written off.
    """
    kept = with_late_claim()
    corrected(kept)
    del kept.world.aid[P]["late"]
    pool, parts = corrected(kept)
    assert parts == {**{(member, "asked"): -54 for member in range(1, 10)}, (10, "pooled"): -54}
    assert (pool["asked_fen"], pool["refunded_fen"], pool["adjusted_fen"]) == (-486, 0, 54)
    kept.world.aid[Q] = {"own": 500}
    settled_and_closed(kept, {})
    assert kept.pools[Q]["adjusted_fen"] == 0
    assert len([member for period, member in kept.lapses if period == Q]) == 9, "nothing met their share"
    # Share 60, due 540: written off with 40 of fee, so that the platform pays in 500, which are the aid.
    assert balances(kept) == {
        "cash": 72, "fee_income": -64, "pool": -8, "bad_debt": 90 + 500, "platform_funding": -90 - 500,
    }  # fmt: skip


def test_aid_into_a_settled_period_is_paid_and_counts_until_it_is_recovered():
    """500 posted into a settled period are paid on its deduction day, even if the source removes them before that day.

    540 of 900 were recovered and are booked: a second correction before the open period is collected changes nothing.
    """
    assert paid_fen(0, [(500, 0)]) == 500
    assert Case(0, 500, paid_fen(0, []), 0, 0).benefit_fen == 0, "into the open period it can still be withdrawn"
    fraud = Case(recomputed_fen=0, effective_fen=900, paid_fen=900, recovered_fen=540, booked_fen=0)
    assert (fraud.benefit_fen, fraud.newly_recovered_fen, fraud.marker) == (360, 540, "recovered")
    again = Case(recomputed_fen=0, effective_fen=360, paid_fen=paid_fen(900, []), recovered_fen=540, booked_fen=540)
    assert (again.benefit_fen, again.newly_recovered_fen) == (360, 0)
    settled = Case(0, 360, paid_fen(900, [(-540, 540)]), 540, 540)
    assert (settled.benefit_fen, settled.newly_recovered_fen) == (360, 0)


@pytest.mark.parametrize(("case", "benefit_fen", "booked_fen", "marker"), [
    (Case(700, 0, 0, 0, 0), 700, 0, "added"),
    (Case(700, 900, 900, 0, 0), 900, 0, "aid_changed"),  # paid
    (Case(700, 900, 0, 0, 0), 700, 0, "aid_changed"),
    (Case(0, 500, 0, 0, 0), 0, 0, "struck_out"),
    (Case(0, 900, 900, 900, 0), 0, 900, "recovered"),
    (Case(0, 900, 900, 2_000, 0), 0, 900, "recovered"),  # more was recovered than was paid
    (Case(900, 900, 900, 540, 0), 900, 0, "aid_changed"),  # a recovery of aid that was correct
    (Case(0, 360, 900, 0, 540), 900, -540, "aid_changed"),  # the source withdraws the recovery
    (Case(900, 360, 900, 540, 540), 900, 0, "aid_changed"),  # the claim is valid again: the 540 are paid once more
])  # fmt: skip
def test_the_correction_of_a_case(case, benefit_fen, booked_fen, marker):
    assert (case.benefit_fen, case.newly_recovered_fen, case.marker) == (benefit_fen, booked_fen, marker)
    assert case.benefit_fen - case.paid_fen + case.booked_fen + booked_fen >= 0, "never less than nothing is to be paid"


def test_a_case_that_a_correction_struck_out_counts_no_more_and_may_count_elsewhere():
    """Stored: 1 with 900, 2 with 300, 3 not counted. Corrections strike out 1, reduce 2, add 4 and 5, strike out 4."""
    stored = [{"period": "P", "plan_id": "p", "claim_id": n, "counted": n != 3, "benefit_fen": fen}
              for n, fen in ((1, 900), (2, 300), (3, 0))]  # fmt: skip
    deltas = [(1, -900), (2, -100), (4, 500), (4, -500), (5, 700), (5, -100)]
    rows = [{"origin_period": "P", "plan_id": "p", "claim_id": n, "delta_benefit_fen": fen} for n, fen in deltas]
    assert counting_cases(stored, aid_changes(rows)) == {("P", "p", 2), ("P", "p", 5)}
    assert counting_cases(stored, {}) == {("P", "p", 1), ("P", "p", 2)}


@pytest.mark.parametrize(("inputs", "parts"), [
    ((54, 0, 0, True, 1), {"asked": 54}),
    ((54, 0, 98, True, 1), {"asked": 54}),  # a write-off is not charged again
    ((54, 0, 0, False, 1), {"pooled": 54}),
    ((-59, 54, 98, False, 1), {"written_off": -5, "pooled": -54}),
    ((-59, 54, 2, True, 1), {"refunded": -3, "written_off": -2, "pooled": -54}),
    ((-59, 54, 2, True, 4), {"written_off": -2, "pooled": -57}),
    ((60, -54, 0, True, 1), {"asked": 6, "pooled": 54}),
    ((60, -54, 0, False, 1), {"pooled": 60}),
    ((-59, -54, 0, True, 1), {"refunded": -59}),  # pooled with the same sign
    ((29, 0, 0, True, 30), {"pooled": 29}),
    ((30, 0, 0, True, 30), {"asked": 30}),
    ((0, 54, 98, True, 1), {}),
    ((-54, 0, 0, True, 1, 54, 0), {"asked": -54}),  # asked before into the same period: no bill has it yet
    ((-60, 0, 2, True, 1, 54, 0), {"asked": -54, "written_off": -2, "refunded": -4}),
    ((-10, 3, 98, False, 30, 54, 0), {"pooled": -3, "asked": -7}),
    ((98, 0, 0, False, 1, 0, 98), {"refunded": 98}),  # a refund that is not paid out yet
    ((108, 0, 0, True, 1, 0, 98), {"refunded": 98, "asked": 10}),
    ((54, 0, 0, True, 1, 54, 0), {"asked": 54}),  # more is asked on top
])  # fmt: skip
def test_the_disposition_of_a_difference(inputs, parts):
    assert dispositions(*inputs) == parts


def test_reasons_and_reinstatements():
    assert reason_of("standard", None, 98) == "not_covered"
    assert reason_of(None, "basic", 0) == "newly_covered"
    assert reason_of(None, "basic", 49) == "share"
    assert reason_of("standard", "basic", 98) == "tier"
    assert reason_of("standard", "standard", 98) == "share"
    assert reinstatement(98, 98, 108, True) == ("paid_in_time", 98)
    assert reinstatement(98, 93, 0, True) == ("paid_in_time", 93)
    assert reinstatement(98, 98, 0, False) == ("nothing_owed", 0)
    assert reinstatement(98, 98, 1, False) is None


def test_timely_payment_reverses_the_write_off():
    """98 written off are fee 8 and aid 90. Money held in suspense is allocated to the member's due."""
    pool = {"case_count": 1, "benefit_fen": 900, "fee_fen": 72, "case_sponsored_fen": 0, "billed_fen": 980,
            "member_sponsored_fen": 0, "due_fen": 980, "carried_forward_fen": 8, "brought_forward_fen": 0}  # fmt: skip
    amounts = CorrectionAmounts(pool, pool, 0, 0, 0, 0, 0, WriteOff(98, 8, 0), {"suspense": 98})
    transfers = [(*t[:3], t.reason) for t in correction_transfers(amounts, "platform", "r")]
    assert transfers == [
        ("adjustments_receivable", "fee_accrued", 8, "write_off_taken_back"),
        ("adjustments_receivable", "bad_debt", 90, "write_off_taken_back"),
        ("platform_funding", "cash", 90, "funding_returned"),
        ("suspense", "adjustments_receivable", 98, "paid_in_time"),
    ]
    assert adjusted_fen(amounts, "platform") == 0
    assert adjusted_fen(amounts, "next_period") == 90  # its aid part goes back to the pool that bore it


def test_additional_dues_are_met_in_full_after_all_shares():
    assert whole_dues_met(60, 6, [54]) == [54]
    assert whole_dues_met(59, 6, [54]) == [0]
    assert whole_dues_met(70, 6, [54, 20, 5]) == [54, 0, 0]  # an earlier due is met before a later one
    assert whole_dues_met(5, 6, [1]) == [0]
    assert (refund_as_money_fen(98, 10), refund_as_money_fen(5, 10)) == (10, 5)


def stored_example(**changed) -> CorrectionReadBack:
    """Example 1 as stored, with one column of the pool row changed."""
    before = {"case_count": 1, "benefit_fen": 900, "fee_fen": 72, "case_sponsored_fen": 0, "billed_fen": 980,
              "member_sponsored_fen": 0, "due_fen": 980, "carried_forward_fen": 8, "brought_forward_fen": 0,
              }  # fmt: skip
    now = before | {"case_count": 2, "benefit_fen": 1_400, "fee_fen": 112, "billed_fen": 1_520, "due_fen": 1_520}
    parts = {"asked": 486, "refunded": 0, "written_off": 0, "pooled": 54}
    amounts = CorrectionAmounts(before, now, *parts.values(), 0, WriteOff(98, 8, 0))
    row = {**pool_deltas(before, now), **{f"{name}_fen": fen for name, fen in parts.items()}, "adjusted_fen": -54}
    transfers = correction_transfers(amounts, "platform", "correction of P, revision 1")
    assert effective_pool(before, [row]) == now
    return CorrectionReadBack(row | changed, parts, 500, 0, before, now, 0, transfers)


def test_the_identities_hold_and_each_names_a_difference_of_one_fen():
    assert correction_breaches(stored_example()) == []
    broken = {
        "delta_fee_fen": {"differences_are_conserved", "differences_lead_to_the_recomputed_pool"},
        "asked_fen": {"dispositions_agree_with_the_pool"},
        "adjusted_fen": {"pool_account_takes_the_adjusted_amount"},
        "delta_case_count": {"differences_lead_to_the_recomputed_pool"},
    }
    for column, names in broken.items():
        value = stored_example().pool[column] + 1
        breaches = correction_breaches(stored_example(**{column: value}))
        assert {breach.split(":")[0] for breach in breaches} == names
        assert names <= {identity.__name__ for identity in IDENTITIES}
    assert brought_forward_breaches({"adjusted_fen": -54, "brought_forward_fen": -46}, 8, [-54]) == []
    (breach,) = brought_forward_breaches({"adjusted_fen": -54, "brought_forward_fen": -45}, 8, [-54])
    assert breach.startswith("open_period_brings_the_corrections_forward: brought_forward_fen: -45")


def test_the_entries_of_example_1():
    assert [(t.debit_account, t.credit_account, t.amount_fen) for t in stored_example().transfers] == [
        ("pool", "benefits_payable", 500), ("pool", "fee_accrued", 40), ("adjustments_receivable", "pool", 486),
    ]  # fmt: skip
    assert all(isinstance(t, Transfer) and t.amount_fen > 0 for t in stored_example().transfers)


@pytest.mark.parametrize(("needs", "held", "taken"), [
    ({"a": 98}, {}, {("a", None): 98}),
    ({"a": 98}, {"a": 50}, {("a", "a"): 50, ("a", None): 48}),  # 50 came before, 48 are in no books
    ({"a": 98}, {"a": 120}, {("a", "a"): 98}),
    ({"b": 98}, {"a": 50}, {("b", "a"): 50, ("b", None): 48}),  # handed over
    ({"a": 30, "b": 98}, {"a": 50}, {("a", "a"): 30, ("b", "a"): 20, ("b", None): 78}),
    ({"a": 98, "b": 30}, {"b": 50, "c": 60}, {("b", "b"): 30, ("a", "b"): 20, ("a", "c"): 60, ("a", None): 18}),
])  # fmt: skip
def test_money_paid_in_time_is_taken_from_where_it_is(needs, held, taken):
    assert money_by_holder(needs, held) == taken
    assert sum(taken.values()) == sum(needs.values()), "no fen from nowhere, none left out"
