"""Valuation of indexes and sectors from filings and prices."""
