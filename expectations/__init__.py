"""What is expected of every table: rules with an id, a severity and a sentence, judged by Great Expectations suites."""
