"""The quality rules of every table, each with an id, a severity and a sentence, as Great Expectations suites."""
