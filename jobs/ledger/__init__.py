"""The books: transfers, the fee, balances, and what must hold between them. Pure."""
