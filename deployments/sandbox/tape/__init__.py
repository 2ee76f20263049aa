"""Reads a tape: bars, actions, observations, holdings and filings."""
