"""Reports of a period and of a year, as tables and as pages, from published rows only."""
