"""Ledger tables: transfers, and what follows from them alone."""

from schemas.table import PERIOD, PLAN_ID, RUN_ID, Column, Table, fen

JOURNAL = Table(
    name="ledger/journal",
    grain="one transfer from a credit account to a debit account",
    key=("entry_id",),
    partitioned_by=("period", "plan_id", "job"),
    columns=(
        Column("entry_id", "STRING", "id", "entry: period/plan/job/number"),
        PERIOD,
        PLAN_ID,
        Column("job", "STRING", "command", "command that posted the entry"),
        Column("posted_on", "DATE", "date", "day of the posting in the platform's calendar"),
        Column("debit_account", "STRING", "account", "account debited"),
        Column("credit_account", "STRING", "account", "account credited"),
        fen("amount_fen", "amount, always above zero"),
        Column("reason", "STRING", "code", "why the money moves"),
        Column("reference", "STRING", "text", "what the amount can be checked against"),
        RUN_ID,
    ),
)

FEE = Table(
    name="ledger/fee",
    grain="one period and plan",
    key=("period", "plan_id"),
    partitioned_by=("period", "plan_id"),
    columns=(
        PERIOD,
        PLAN_ID,
        fen("accrued_fen", "fee on the benefits of the period"),
        fen("sponsored_fen", "part of the fee borne by the platform itself"),
        fen("received_fen", "part of the fee that came in with the members' money"),
        fen("outstanding_fen", "part of the fee still owed by members"),
        fen("written_off_fen", "part of the fee given up"),
        fen("used_investigation_fen", "spent on field investigation"),
        fen("used_technology_fen", "spent on technology"),
        fen("used_staff_and_premises_fen", "spent on staff and premises"),
        fen("result_fen", "received less used"),
        RUN_ID,
    ),
)

BALANCES = Table(
    name="ledger/balances",
    grain="one account of one plan in one period",
    key=("period", "plan_id", "account"),
    partitioned_by=("period", "plan_id"),
    columns=(
        PERIOD,
        PLAN_ID,
        Column("account", "STRING", "account", "account of the platform's chart"),
        fen("brought_forward_fen", "balance at the start, debit positive"),
        fen("debit_fen", "sum of the period's debits"),
        fen("credit_fen", "sum of the period's credits"),
        fen("carried_forward_fen", "balance at the end, debit positive"),
        RUN_ID,
    ),
)

LEDGER_TABLES = (JOURNAL, FEE, BALANCES)
