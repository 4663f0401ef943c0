"""Reports: what a period and a year looked like, as tables and as pages. They read published rows and settle nothing."""
