"""Explanations: why a member owes the amount that is stored, or owes nothing."""
