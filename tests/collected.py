"""Queries of collection tests on a lake (see `settled` in conftest.py)."""

from tests.lakes import PERIOD


def collect(lake, as_of, period=PERIOD):
    return lake.run("collect", "--period", period, "--as-of", as_of)


def statuses(lake, period=PERIOD):
    return {row["member_id"]: (row["status"], row["collected_fen"]) for row in lake.rows("settled/collections", period)}


def held(lake):
    """The receipts held: id, money at stake, reasons."""
    rows = lake.rows("control/quarantine_receipts")
    return {(row["receipt_id"], row["amount_at_stake_fen"], *row["reasons"]) for row in rows}


def posted_fen(lake, plan_id):
    """Sums of a plan's collection postings by (debit, credit), without paid aid and fee income."""
    sums_fen = {}
    for r in lake.rows("ledger/journal", job="collect", plan_id=plan_id):
        if r["reason"] not in ("aid_paid", "fee_received"):
            pair = (r["debit_account"], r["credit_account"])
            sums_fen[pair] = sums_fen.get(pair, 0) + r["amount_fen"]
    return sums_fen
