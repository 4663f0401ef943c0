"""The rules of corrections: what a closed period owes otherwise, and who is asked or refunded. Pure functions."""
