"""Defects injected into simulated bars, and their ground truth."""
