"""Which held rows a release can let pass: those that have everything a settlement computes with."""

from collections.abc import Mapping
from typing import Any

# By reason: why a release is refused. A row held only for other reasons can be released.
KEY = "a key is missing"
OF_PLAN = "no plan of the platform has its rules"
DAY = "a day is impossible"
AMOUNT = "the amount is missing or impossible"
NO_SHARE = "it breaks no rule that a release could lift: its money has no share to meet"
REFUSALS = {
    "member_key_missing": KEY,
    "member_plan_unknown": OF_PLAN,
    "member_tier_unknown": OF_PLAN,
    "member_payer_missing": "nobody can be charged without a payer",
    "member_birth_date_missing": "the day of birth is missing",
    "member_birth_after_joining": DAY,
    "member_exit_before_joining": DAY,
    "member_waiting_end_missing": "the end of the waiting period is missing",
    "member_birth_date_out_of_range": DAY,
    "member_joined_on_out_of_range": DAY,
    "member_waiting_ends_on_out_of_range": DAY,
    "member_exited_on_out_of_range": DAY,
    "claim_key_missing": KEY,
    "claim_period_unknown": "its period is not in the calendar",
    "claim_plan_unknown": OF_PLAN,
    "claim_tier_unknown": OF_PLAN,
    "claim_illness_unknown": "no limit of a benefit is known for the illness",
    "claim_severity_unknown": "no limit of a benefit is known for the severity",
    "claim_accident_missing": "whether the waiting period applies is not known",
    "claim_objection_unknown": "whether an objection stands is not known",
    "claim_aid_out_of_range": AMOUNT,
    "claim_dates_missing": "a day of birth, diagnosis or approval is missing",
    "claim_member_unknown": "the claimant has no membership in the plan; release or correct the row of the member",
    "claim_diagnosed_on_out_of_range": DAY,
    "claim_birth_date_out_of_range": DAY,
    "claim_approved_on_out_of_range": DAY,
    "receipt_key_missing": KEY,
    "receipt_outcome_unknown": "whether money came in or went back is not known",
    "receipt_amount_out_of_range": AMOUNT,
    "receipt_attempted_on_out_of_range": DAY,
    "receipt_period_unknown": "its period is not in the calendar",
    "receipt_repeated": "equal rows are one payment, which is settled; a second payment needs an id of its own",
    "receipt_without_bill": NO_SHARE,
    "receipt_after_grace": NO_SHARE,
    "receipt_overpaid": NO_SHARE,
    "receipt_not_enough": NO_SHARE,
    "receipt_after_lapse": NO_SHARE,
    "receipt_returned_too_much": "more money went back than came in",
    "cost_key_missing": KEY,
    "cost_month_malformed": "its month is not in the calendar",
    "cost_month_unknown": "its month is not in the calendar",
    "cost_category_unknown": "no account is known for the category",
    "cost_amount_out_of_range": AMOUNT,
    "visit_key_missing": KEY,
    "visit_fee_out_of_range": AMOUNT,
    "visit_visited_on_out_of_range": DAY,
    "visit_day_unknown": "its day is in no period of the calendar",
}
# What to do instead about unapplied cash, which no release brings to a share; {period}: that of the receipt.
PAY_BACK = "pay it back and add a row with outcome returned for the payer and {period}, then `fentan collect` again"
INSTEAD = {
    "receipt_without_bill": "If payer_id or period is wrong, its owner corrects the row, and `fentan collect --period "
                            f"{{period}}` takes it in; else {PAY_BACK}",
    "receipt_after_grace": "If the money came before the grace limit, its owner corrects attempted_on; else "
                           f"{PAY_BACK}",
    "receipt_overpaid": f"What the payer does not owe is his: {PAY_BACK}",
    "receipt_not_enough": "Until the grace limit a receipt of the rest meets the share, in the next `fentan collect "
                          f"--period {{period}}`; after it, {PAY_BACK}",
    "receipt_after_lapse": "It came in time for a lapse that is final: after the close, `fentan correct --period "
                           "{period} --into PERIOD --reason ...` makes the lapse void and takes the money in",
}  # fmt: skip
# Reasons that a release lifts: what they miss is not computed with.
LIFTED = frozenset({
    "member_sex_unknown", "member_province_unknown",
    "member_city_tier_unknown", "member_duplicated", "member_spells_overlap", "claim_dates_out_of_order",
    "claim_sex_unknown", "claim_province_unknown", "claim_duplicated", "claim_illness_claimed_twice",
    "claim_not_covered_on_diagnosis", "claim_tier_differs", "claim_after_settlement", "receipt_before_publicity",
    "receipt_duplicated", "receipt_after_close", "cost_duplicated", "visit_site_unknown", "visit_duplicated",
})  # fmt: skip


def refusal_of(row: Mapping[str, Any]) -> str | None:
    """Why a held row cannot be released by any decision; None if it can. A row with no known reason cannot.

    A release into a closed period is another matter: see `receipt_after_close`.
    """
    refusals = [(reason, REFUSALS.get(reason)) for reason in row["reasons"] if reason not in LIFTED]
    if refusals:
        return "; ".join(f"{reason}: {why or 'the rule is not known'}" for reason, why in refusals)
    born_on, diagnosed_on = row.get("birth_date"), row.get("diagnosed_on")
    if "claim_dates_out_of_order" in row["reasons"] and born_on and diagnosed_on and born_on > diagnosed_on:
        return f"claim_dates_out_of_order: {DAY}, because the diagnosis is before the birth"
    return None


def instead_of_release(row: Mapping[str, Any]) -> str | None:
    """What to do about a held row that is unapplied cash; None for any other row."""
    texts = [INSTEAD[reason] for reason in row["reasons"] if reason in INSTEAD]
    return f"{texts[0].format(period=row['period'])}." if texts else None
