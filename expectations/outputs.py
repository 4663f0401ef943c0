"""Rules of the tables Fentan writes, checked on what was read back. One broken row and nothing is published."""

from pyspark.sql import functions as F

from expectations.rule import FewRowRule, RowRule, Severity, holds, missing

CRITICAL = Severity.CRITICAL


def _benefit_of_a_counted_claim(_):
    within = F.col("benefit_fen").between(0, F.col("approved_aid_fen"))
    return F.col("counted") & ~F.coalesce(within, F.lit(False))


def _benefit_of_another_claim(_):
    empty = (F.col("benefit_fen") == 0) & (F.col("sponsored_fen") == 0) & F.col("marker").isNotNull()
    return ~F.col("counted") & ~F.coalesce(empty, F.lit(False))


def _sum(row, *columns):
    """The sum of the columns; None where one has no value."""
    values = [row[column] for column in columns]
    return None if None in values else sum(values)


def _pool_loses_or_makes_money(row):
    borne_fen = _sum(row, "due_fen", "member_sponsored_fen", "case_sponsored_fen", "brought_forward_fen")
    return borne_fen is None or borne_fen != _sum(row, "benefit_fen", "fee_fen", "carried_forward_fen")


def _fee_loses_or_makes_money(row):
    parts_fen = _sum(row, "received_fen", "sponsored_fen", "outstanding_fen", "written_off_fen")
    return parts_fen is None or parts_fen != row["accrued_fen"]


def _balance_does_not_roll(row):
    carried_fen = row["carried_forward_fen"]
    return carried_fen is None or _sum(row, "carried_forward_fen", "credit_fen") != _sum(
        row, "brought_forward_fen", "debit_fen"
    )


def _status_and_amount_differ(_):
    is_met = F.col("collected_fen") == F.col("due_fen")
    met, unmet = F.col("status").isin("collected", "netted", "waived"), F.col("status").isin("in_grace", "lapsed")
    return ~F.coalesce((met & is_met) | (unmet & ~is_met), F.lit(False))


ROW_RULES: dict[str, tuple[RowRule, ...]] = {
    "settled/benefits": (
        RowRule("benefit_within_approved_aid", CRITICAL, "A counted benefit is between zero and the approved aid.",
                _benefit_of_a_counted_claim),
        RowRule("benefit_zero_unless_counted", CRITICAL, "A claim that does not count moves no money and says why.",
                _benefit_of_another_claim),
    ),
    "settled/assessments": (
        RowRule("assessment_key_missing", CRITICAL, "Member, payer and tier are given.",
                lambda _: missing("member_id", "payer_id", "tier")),
        RowRule("assessment_adds_up", CRITICAL,
                "Share, sponsored and due are at least zero, and share = sponsored + due.",
                lambda _: ~F.coalesce(
                    (F.col("share_fen") == F.col("sponsored_fen") + F.col("due_fen"))
                    & (F.col("due_fen") >= 0) & (F.col("sponsored_fen") >= 0), F.lit(False))),
    ),
    "settled/bills": (
        RowRule("bill_has_members", CRITICAL, "A bill is for at least one member and not below zero.",
                lambda _: holds((F.col("member_count") < 1) | (F.col("due_fen") < 0))),
    ),
    "settled/collections": (
        RowRule("collection_within_due", CRITICAL, "What is collected is between nothing and what is due.",
                lambda _: ~F.coalesce(F.col("collected_fen").between(0, F.col("due_fen")), F.lit(False))),
        RowRule("collection_status_told", CRITICAL,
                "A due is collected, in grace, lapsed, netted or waived, and a met one whole.",
                _status_and_amount_differ),
    ),
    "settled/lapses": (
        RowRule("lapse_has_an_instant", CRITICAL, "The member and the instant at which cover ended are given.",
                lambda _: missing("member_id", "ended_at")),
    ),
}  # fmt: skip

FEW_ROW_RULES: dict[str, tuple[FewRowRule, ...]] = {
    "settled/pools": (
        FewRowRule("pool_conserves", CRITICAL,
                   "Due + sponsored + brought forward = benefits + fee + carried forward, to the fen.",
                   _pool_loses_or_makes_money),
    ),
    "settled/rates": (
        FewRowRule("share_parts_add_up", CRITICAL, "Aid part and fee part of a share are the share.",
                   lambda row: row["share_fen"] != _sum(row, "share_aid_fen", "share_fee_fen")),
    ),
    "ledger/journal": (
        FewRowRule("transfer_moves_money", CRITICAL,
                   "A transfer moves more than nothing between two different accounts.",
                   lambda row: (row["amount_fen"] or 0) <= 0 or row["debit_account"] == row["credit_account"]),
    ),
    "ledger/balances": (
        FewRowRule("balance_rolls_forward", CRITICAL,
                   "Brought forward + debits - credits = carried forward, to the fen.", _balance_does_not_roll),
    ),
    "ledger/fee": (
        FewRowRule("fee_conserves", CRITICAL, "Accrued = received + sponsored + outstanding + written off.",
                   _fee_loses_or_makes_money),
    ),
}  # fmt: skip
