"""Tables in which some row breaks each rule that needs only one table, for checks by gate and Great Expectations."""

from datetime import UTC, date, datetime, timedelta
from itertools import count

from tests.lakes import receipt
from tests.worlds_rows import DAY, PERIOD, bad_claims, bad_members, claim, member

JOINED_ON, PUBLIC_ON = date(2019, 6, 1), date(2020, 12, 7)
CLAIMANTS = range(101, 151)
ABSURD_FEN = 2**62


def members() -> list[dict]:
    """Good members, every kind of bad member, and one row for each rule that only warns."""
    bad = [row for _, rows in bad_members(member, "critical_illness", JOINED_ON) for row in rows]
    warned = [
        member(201, waiting_ends_on=JOINED_ON + timedelta(days=91)),
        member(202, birth_date=JOINED_ON - timedelta(days=29)),
        member(203, birth_date=date(1945, 1, 1)),
        member(204, plan_id="senior_cancer", birth_date=date(1990, 1, 1)),
        member(205, exited_on=date(2020, 1, 1), exit_reason="bored"),
        member(206, exit_reason="left"),
        member(207, payer_id=88_888),
        member(208, joined_on=date(2020, 11, 20)),
        {**member(None), "payer_id": 88_888},
    ]
    return [*(member(n) for n in (*range(1, 41), *CLAIMANTS)), *bad, *warned]


def claims() -> list[dict]:
    """Good claims and every kind of bad one."""
    bad = bad_claims(claim, count(801).__next__, list(CLAIMANTS), JOINED_ON, PUBLIC_ON)
    return [*(claim(n, n) for n in range(2, 41)), *(row for _, rows in bad for row in rows)]


def receipts() -> list[dict]:
    """Receipts of a period, some of them implausible, early, without an id, or repeated."""
    return [
        *(receipt(n, n, 10) for n in range(1, 11)),
        receipt(None, 1, 10), receipt(None, 1, 10), receipt(21, None, 10), receipt(22, 2, 10, on=None),
        receipt(23, 3, None), receipt(24, 3, 0), receipt(25, 3, ABSURD_FEN), receipt(26, 3, -5, outcome="failed"),
        receipt(27, 3, 10, outcome="lost"), receipt(28, 3, 10, outcome=None), receipt(29, 3, 10, on=PUBLIC_ON - DAY),
        receipt(30, 4, 10), receipt(30, 4, 10), receipt(30, 4, 10), receipt(31, 4, 10), receipt(31, 4, 11),
        receipt(32, 5, 3, outcome="failed"), receipt(33, 5, 3, outcome="returned"),
        receipt(34, 5, 0, outcome="returned"), receipt(35, 5, None, outcome="returned"),
        receipt(36, 5, None, outcome="failed"),
    ]  # fmt: skip


def costs() -> list[dict]:
    cost = {"cost_id": 1, "month": "2020-12", "category": "technology", "amount_fen": 0, "description": None}
    changes = (
        {}, {"cost_id": None}, {"cost_id": None, "month": None}, {"month": "2020-13"}, {"month": "12/2020"},
        {"month": "2020-12\r"}, {"month": "2020-12\n"}, {"month": "2202-12"},
        {"category": "bonus"}, {"category": None}, {"amount_fen": -1}, {"amount_fen": ABSURD_FEN}, {"amount_fen": None},
    )  # fmt: skip
    return [*({**cost, "cost_id": n, **change} for n, change in enumerate(changes, 10)), cost, cost]


def visits() -> list[dict]:
    visit = {"visit_id": 1, "claim_id": 7, "site_kind": "hospital", "visited_on": date(2020, 12, 8), "fee_fen": 0}
    changes = (
        {}, {"visit_id": None}, {"visited_on": None}, {"site_kind": "home"}, {"site_kind": None}, {"fee_fen": -1},
        {"fee_fen": None}, {"visited_on": date(2202, 12, 8)},
    )  # fmt: skip
    return [*({**visit, "visit_id": n, **change} for n, change in enumerate(changes, 10)), visit, visit, visit]


def reviews() -> list[dict]:
    day = date(2020, 12, 1)
    review = {
        "review_id": 1, "claim_id": 7, "plan_id": "chronic", "received_on": day, "decided_on": day,
        "decision": "fraud", "requested_aid_fen": 0, "technique": "graph",
    }  # fmt: skip
    changes = (
        {}, {"review_id": None}, {"claim_id": None}, {"plan_id": None}, {"decision": None}, {"decision": "maybe"},
        {"decided_on": day - DAY}, {"received_on": None}, {"requested_aid_fen": -1}, {"requested_aid_fen": None},
        {"technique": None},
    )  # fmt: skip
    return [{**review, **change} for change in changes]


def recoveries() -> list[dict]:
    recovery = {"recovery_id": 1, "claim_id": 7, "amount_fen": 540, "recovered_on": date(2020, 12, 8)}
    changes = ({}, {"recovery_id": None}, {"claim_id": None}, {"recovered_on": None}, {"amount_fen": 0},
               {"amount_fen": None}, {"amount_fen": -1})  # fmt: skip
    return [{**recovery, **change} for change in changes]


SOURCES = {
    "source/members": members,
    "source/approved_claims": claims,
    "source/receipts": receipts,
    "source/operating_costs": costs,
    "source/field_visits": visits,
    "source/claim_reviews": reviews,
    "source/recoveries": recoveries,
}
_BENEFIT = {"counted": True, "benefit_fen": 5, "approved_aid_fen": 9, "sponsored_fen": 0, "marker": None}
_SHARE = {"member_id": 1, "payer_id": 1, "tier": "basic", "share_fen": 9, "sponsored_fen": 4, "due_fen": 5}
_POOL = {
    "due_fen": 980, "member_sponsored_fen": 0, "case_sponsored_fen": 0, "brought_forward_fen": 0, "benefit_fen": 900,
    "fee_fen": 72, "carried_forward_fen": 8,
}  # fmt: skip
_ADJUSTMENT = {
    "origin_period": "2020-11-P2", "revision": 1, "member_id": 1, "payer_id": 1, "disposition": "asked",
    "delta_fen": 54, "reason": "share",
}  # fmt: skip
_ADJUSTED_POOL = {
    "delta_due_fen": 540, "delta_case_sponsored_fen": 0, "delta_member_sponsored_fen": 0, "delta_benefit_fen": 500,
    "delta_fee_fen": 40, "delta_carried_forward_fen": 0, "asked_fen": 486, "refunded_fen": 0, "written_off_fen": 0,
    "pooled_fen": 54,
}  # fmt: skip
_FEE = {"accrued_fen": 9, "received_fen": 2, "sponsored_fen": 3, "outstanding_fen": 4, "written_off_fen": 0}
_BALANCE = {"brought_forward_fen": 1, "debit_fen": 5, "credit_fen": 2, "carried_forward_fen": 4}
_TRANSFER = {"amount_fen": 1, "debit_account": "cash", "credit_account": "pool"}
# By table: a sound row, and the changes of further rows.
OUTPUTS = {
    "settled/benefits": (_BENEFIT, (
        {"benefit_fen": 10}, {"benefit_fen": -1}, {"benefit_fen": None}, {"approved_aid_fen": None},
        {"counted": False}, {"counted": False, "benefit_fen": 0, "marker": "pending"},
        {"counted": False, "benefit_fen": 0}, {"counted": False, "benefit_fen": None, "marker": "pending"},
    )),
    "settled/assessments": (_SHARE, (
        {"tier": None, "payer_id": None}, {"due_fen": 6}, {"due_fen": -1, "sponsored_fen": 10}, {"share_fen": None},
    )),
    "settled/bills": ({"member_count": 1, "due_fen": 0, "adjustment_fen": 0}, (
        {"member_count": 0}, {"member_count": -1}, {"due_fen": -1}, {"member_count": 0, "due_fen": 5},
        {"due_fen": None},
        {"member_count": 0, "adjustment_fen": -98}, {"adjustment_fen": None},
    )),
    "settled/adjustments": (_ADJUSTMENT, (
        {"payer_id": None}, {"delta_fen": 0}, {"delta_fen": -1}, {"delta_fen": None}, {"disposition": "refunded"},
        {"disposition": "refunded", "delta_fen": -5}, {"disposition": "written_off"}, {"disposition": "pooled"},
        {"disposition": "pooled", "delta_fen": 0}, {"disposition": None}, {"reason": "other"}, {"reason": None},
    )),
    "settled/adjusted_benefits": ({"delta_benefit_fen": -540, "delta_sponsored_fen": 0, "recovered_fen": 540}, (
        {"delta_benefit_fen": 0}, {"delta_benefit_fen": 0, "recovered_fen": 0},
        {"delta_benefit_fen": None, "recovered_fen": None},
    )),
    "settled/adjusted_pools": (_ADJUSTED_POOL, (
        {"delta_fee_fen": 41}, {"pooled_fen": 55}, {"asked_fen": -1}, {"refunded_fen": 1}, {"written_off_fen": None},
        {"asked_fen": 588, "refunded_fen": -102}, {"asked_fen": 384, "refunded_fen": 102},
    )),
    "settled/reinstatements": ({"member_id": 1, "reason": "paid_in_time", "amount_fen": 98}, (
        {"member_id": None}, {"reason": "nothing_owed"}, {"reason": "nothing_owed", "amount_fen": 0},
        {"reason": None}, {"amount_fen": -1}, {"amount_fen": None},
    )),
    "settled/adjustment_collections": ({"status": "collected", "delta_fen": 54, "met_fen": 54}, (
        {"met_fen": 53}, {"met_fen": 0}, {"status": "in_grace", "met_fen": 0}, {"status": "written_off"},
        {"status": "refunded", "delta_fen": -98, "met_fen": -98}, {"status": None}, {"met_fen": None},
    )),
    "settled/collections": ({"due_fen": 5, "collected_fen": 5, "status": "collected"}, (
        {"status": "lapsed"}, {"collected_fen": 4}, {"collected_fen": 4, "status": "in_grace"}, {"collected_fen": 6},
        {"collected_fen": None}, {"status": None}, {"status": "lost"},
    )),
    "settled/lapses": ({"member_id": 1, "ended_at": datetime(2020, 12, 26, tzinfo=UTC)}, (
        {"member_id": None}, {"ended_at": None}, {"member_id": None, "ended_at": None},
    )),
    "settled/pools": (_POOL, ({"due_fen": 979}, {"fee_fen": None}, {"due_fen": 982, "brought_forward_fen": -2})),
    "settled/rates": ({"share_fen": 9, "share_aid_fen": 8, "share_fee_fen": 1}, (
        {"share_fen": 8}, {"share_fen": None},
    )),
    "ledger/journal": (_TRANSFER, (
        {"amount_fen": 0}, {"amount_fen": None}, {"credit_account": "cash"},
        {"amount_fen": -1, "debit_account": "pool"}, {"debit_account": None, "credit_account": None},
        {"debit_account": None},
    )),
    "ledger/balances": (_BALANCE, ({"debit_fen": 4}, {"credit_fen": None}, {"carried_forward_fen": None})),
    "ledger/fee": (_FEE, ({"accrued_fen": 8}, {"written_off_fen": None}, {"received_fen": -1, "sponsored_fen": 6})),
}  # fmt: skip


def outputs(table_name: str) -> list[dict]:
    sound, changes = OUTPUTS[table_name]
    return [{"period": PERIOD, **sound, **change} for change in ({}, *changes)]
