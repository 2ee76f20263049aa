"""Simulated SEC filings: accounts, debt, maturity ladders and their ground truth."""
