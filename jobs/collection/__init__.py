"""The rules of collection: allocation of receipts, lapses, final positions. Pure functions."""
