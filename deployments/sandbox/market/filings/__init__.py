"""Simulated SEC filings: accounts, debt, maturity ladders and the truth behind them."""
