"""The rules of corrections: the differences of a closed period, and the additional dues and refunds. Pure functions."""
