"""Simulated companies: names, listings, events, splits and dividends."""
