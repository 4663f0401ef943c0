"""One module a command: its options, its words, and what it asks for."""
