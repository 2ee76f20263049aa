"""Simulated funds: membership, holdings files and ETF bars."""
