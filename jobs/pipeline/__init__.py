"""What every command passes through: the request, the way of a run, the outcome."""
