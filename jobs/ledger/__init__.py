"""The books: transfers, the fee ledger, balances, and the invariants between them. Pure functions."""
