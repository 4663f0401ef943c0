"""The register of runs, publications and results."""
