"""What every room may import: errors, progress and logs, texts, the process; no rule and no lake."""
