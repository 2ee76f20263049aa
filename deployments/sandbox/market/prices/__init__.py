"""Simulated factors, returns and daily bars."""
