"""Access to a lake's storage: Spark sessions, Delta tables, pinned sources, written rows and the run lock."""
