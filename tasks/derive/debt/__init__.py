"""Debt, interest and maturity ladders from point-in-time facts."""
