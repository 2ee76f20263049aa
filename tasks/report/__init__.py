"""The report: one self-contained HTML page made from the published tables."""
