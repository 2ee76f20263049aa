"""Simulated macro series with their release dates and vintages."""
