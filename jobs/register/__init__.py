"""The register of a lake: its runs, publications, quality results, books and platform."""
