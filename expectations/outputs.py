"""Rules of the tables Fentan writes, checked on the rows read back. A single broken row stops the publication."""

from expectations.expectation import all_not_null, no_rows_where, not_null_in_set
from expectations.few_rows import above_zero, at_most_zero, different, every, not_zero, sums_equal
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
        RowRule("bill_has_members", CRITICAL,
                "A bill is not below zero, and zero where it is for adjustments of corrected periods only.",
                lambda _: no_rows_where(
                    "NOT coalesce(member_count >= 0 AND due_fen >= 0 AND adjustment_fen IS NOT NULL"
                    " AND (member_count > 0 OR due_fen = 0), false)")),
    ),
    "settled/adjustments": (
        RowRule("adjustment_key_missing", CRITICAL, "Origin, revision, member, payer and disposition are given.",
                lambda _: all_not_null("origin_period", "revision", "member_id", "payer_id", "disposition")),
        RowRule("adjustment_has_the_sign_of_its_disposition", CRITICAL,
                "Write-offs taken back are below zero, additional dues, refunds and pooled amounts not zero.",
                lambda _: no_rows_where(
                    "NOT coalesce((disposition = 'written_off' AND delta_fen < 0)"
                    " OR (disposition IN ('asked', 'refunded', 'pooled') AND delta_fen <> 0), false)")),
        RowRule("adjustment_reason_known", CRITICAL, "The reason is not_covered, newly_covered, tier or share.",
                lambda _: not_null_in_set("reason", ("not_covered", "newly_covered", "tier", "share"))),
    ),
    "settled/reinstatements": (
        RowRule("reinstatement_has_a_reason", CRITICAL,
                "A reinstated member is given, with a reason and the money taken in, if any.",
                lambda _: no_rows_where(
                    "NOT coalesce(member_id IS NOT NULL AND ((reason = 'paid_in_time' AND amount_fen >= 0)"
                    " OR (reason = 'nothing_owed' AND amount_fen = 0)), false)")),
    ),
    "settled/adjustment_collections": (
        RowRule("additional_due_met_whole", CRITICAL,
                "An additional due or refund is met whole or not at all, and its status says so.",
                lambda _: no_rows_where(
                    "NOT coalesce((status IN ('collected', 'refunded') AND met_fen = delta_fen)"
                    " OR (status IN ('in_grace', 'written_off') AND met_fen = 0), false)")),
    ),
    "settled/collections": (
        RowRule("collection_within_due", CRITICAL, "What is collected is between nothing and what is due.",
                lambda _: no_rows_where("NOT coalesce(collected_fen BETWEEN 0 AND due_fen, false)")),
        RowRule("collection_status_consistent", CRITICAL,
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
    "settled/adjusted_benefits": (
        FewRowRule("adjusted_benefit_differs", CRITICAL,
                   "The benefit, its sponsored part or the recovered aid differs.",
                   not_zero("delta_benefit_fen", "delta_sponsored_fen", "recovered_fen")),
    ),
    "settled/adjusted_pools": (
        FewRowRule("differences_conserve", CRITICAL,
                   "C1: delta due + delta sponsored = delta benefits + delta fee + delta residual, to the fen.",
                   sums_equal(("delta_due_fen", "delta_case_sponsored_fen", "delta_member_sponsored_fen"),
                              ("delta_benefit_fen", "delta_fee_fen", "delta_carried_forward_fen"))),
        FewRowRule("dispositions_add_up", CRITICAL,
                   "C2: asked + refunded + written off + pooled = delta due, to the fen.",
                   every(sums_equal(("asked_fen", "refunded_fen", "written_off_fen", "pooled_fen"), ("delta_due_fen",)),
                         at_most_zero("written_off_fen"))),
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
