"""Sample worlds: sources of any size, calibrated to the published figures, the same for the same seed."""
