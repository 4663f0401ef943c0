"""One module per command: its options, its examples, and the work or query it runs."""
