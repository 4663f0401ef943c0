"""The quality gate: counts what is against the rules, holds bad rows back with every reason, says when to stop."""
