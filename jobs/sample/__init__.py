"""Sample worlds: source tables of any size, calibrated to the published figures; the same seed gives the same rows."""
