"""Extracts index members from iShares holdings files."""
