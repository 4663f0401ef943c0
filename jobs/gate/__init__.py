"""The quality gate: sources judged row by row and as a whole."""
