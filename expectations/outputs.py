"""Rules of the tables Fentan writes, checked on what was read back. One broken row and nothing is published."""

from expectations.expectation import all_not_null, no_rows_where
from expectations.few_rows import above_zero, different, every, sums_equal
from expectations.rule import FewRowRule, RowRule, Severity

CRITICAL = Severity.CRITICAL

ROW_RULES: dict[str, tuple[RowRule, ...]] = {
    "settled/benefits": (
        RowRule("benefit_within_approved_aid", CRITICAL, "A counted benefit is between zero and the approved aid.",
                lambda _: no_rows_where(
                    "counted AND NOT coalesce(benefit_fen BETWEEN 0 AND approved_aid_fen, false)")),
        RowRule("benefit_zero_unless_counted", CRITICAL, "A claim that does not count moves no money and says why.",
                lambda _: no_rows_where(
                    "NOT counted AND NOT coalesce(benefit_fen = 0 AND sponsored_fen = 0 AND marker IS NOT NULL, false)"
                )),
    ),
    "settled/assessments": (
        RowRule("assessment_key_missing", CRITICAL, "Member, payer and tier are given.",
                lambda _: all_not_null("member_id", "payer_id", "tier")),
        RowRule("assessment_adds_up", CRITICAL,
                "Share, sponsored and due are at least zero, and share = sponsored + due.",
                lambda _: no_rows_where(
                    "NOT coalesce(share_fen = sponsored_fen + due_fen AND due_fen >= 0 AND sponsored_fen >= 0, false)"
                )),
    ),
    "settled/bills": (
        RowRule("bill_has_members", CRITICAL, "A bill is for at least one member and not below zero.",
                lambda _: no_rows_where("member_count < 1 OR due_fen < 0")),
    ),
    "settled/collections": (
        RowRule("collection_within_due", CRITICAL, "What is collected is between nothing and what is due.",
                lambda _: no_rows_where("NOT coalesce(collected_fen BETWEEN 0 AND due_fen, false)")),
        RowRule("collection_status_told", CRITICAL,
                "A due is collected, in grace, lapsed, netted or waived, and a met one whole.",
                lambda _: no_rows_where(
                    "NOT coalesce((status IN ('collected', 'netted', 'waived') AND collected_fen = due_fen)"
                    " OR (status IN ('in_grace', 'lapsed') AND collected_fen <> due_fen), false)")),
    ),
    "settled/lapses": (
        RowRule("lapse_has_an_instant", CRITICAL, "The member and the instant at which cover ended are given.",
                lambda _: all_not_null("member_id", "ended_at")),
    ),
}  # fmt: skip

FEW_ROW_RULES: dict[str, tuple[FewRowRule, ...]] = {
    "settled/pools": (
        FewRowRule("pool_conserves", CRITICAL,
                   "Due + sponsored + brought forward = benefits + fee + carried forward, to the fen.",
                   sums_equal(("due_fen", "member_sponsored_fen", "case_sponsored_fen", "brought_forward_fen"),
                              ("benefit_fen", "fee_fen", "carried_forward_fen"))),
    ),
    "settled/rates": (
        FewRowRule("share_parts_add_up", CRITICAL, "Aid part and fee part of a share are the share.",
                   sums_equal(("share_aid_fen", "share_fee_fen"), ("share_fen",))),
    ),
    "ledger/journal": (
        FewRowRule("transfer_moves_money", CRITICAL,
                   "A transfer moves more than nothing between two different accounts.",
                   every(above_zero("amount_fen"), different("debit_account", "credit_account"))),
    ),
    "ledger/balances": (
        FewRowRule("balance_rolls_forward", CRITICAL,
                   "Brought forward + debits - credits = carried forward, to the fen.",
                   sums_equal(("brought_forward_fen", "debit_fen"), ("carried_forward_fen", "credit_fen"))),
    ),
    "ledger/fee": (
        FewRowRule("fee_conserves", CRITICAL, "Accrued = received + sponsored + outstanding + written off.",
                   sums_equal(("received_fen", "sponsored_fen", "outstanding_fen", "written_off_fen"),
                              ("accrued_fen",))),
    ),
}  # fmt: skip
