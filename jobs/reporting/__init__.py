"""Reports: what a period and a year looked like, as tables and as pages. They only read published rows."""
