"""The work behind each command: what it pins, judges, computes and follows up."""
